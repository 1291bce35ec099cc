#!lua
--! shard tier
-- Append records to a session, all or none; the archive is behind from then on.
--
-- ARGV: session, tenant, conversation, request id, digest, expected revision, incarnation meant,
-- incarnation of a new session, hour of use, token of this call, number of shards, number of this
-- shard, records.
local sid, tenant, conversation, request, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local expected, meant, new, hour, token = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local key = session_key(sid)
local known = fields(key) or {}

-- The same call again, whose answer was lost on its way.
if known.token == token then return { 'appended', known.revision } end
if call('EXISTS', doom_key(sid)) == 1 then return { 'doomed' } end
if request ~= '' then
    local answered = call('HGET', requests_key(sid), request)
    if answered then
        local at, of = answered:match('^(%d+):(.*)$')
        if of ~= digest then return { 'reused' } end
        return { 'replayed', at }
    end
end
local current = known.revision or '0'
if current ~= expected or (meant ~= '' and meant ~= (known.incarnation or '')) then
    return { 'conflict', current }
end
if call('LLEN', log_key(sid)) ~= tonumber(current) then return { 'corrupt' } end

if current == '0' then
    open_session(sid, tenant, conversation, new, hour, ARGV[11], ARGV[12])
    known = fields(key)
end
for at = 13, #ARGV do call('RPUSH', log_key(sid), ARGV[at]) end
local revision = text(tonumber(current) + #ARGV - 12)
call('HSET', key, 'revision', revision, 'token', token)
if request ~= '' then call('HSET', requests_key(sid), request, revision .. ':' .. digest) end
if tonumber(hour) > tonumber(known.hour) then
    call('ZREM', USES, use_of(known.hour, known.number, sid))
    call('ZADD', USES, 0, use_of(hour, known.number, sid))
    call('HSET', key, 'hour', hour)
end
if known.archived == current then call('ZADD', BEHIND, now_in_ms(), sid) end
return { 'appended', revision }
