#!lua
--! shard begun jobs changes
-- Append records to a session, all or none, with all that follows from them.
--
-- ARGV: session, tenant, conversation, request id, digest, expected revision, incarnation meant,
-- incarnation of a new session, hour of use, token of this call, queue, job and token of the
-- lease, number of shards, number of this shard, "1" before an archive, how the record begins that
-- the caller saw last (or empty), number of records, records, changes.
local sid, tenant, conversation, request, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local expected, meant, new, hour, token = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local queue, jid, lease, shards, shard, hot = ARGV[11], ARGV[12], ARGV[13], ARGV[14], ARGV[15], ARGV[16]
local last, count = ARGV[17], tonumber(ARGV[18])
local key = session_key(sid)
local known = fields(key) or {}

if hot == '1' and call('ZSCORE', DOOMED, sid) then return { 'doomed' } end
-- The same call again, whose answer was lost on its way.  Who waits for replicas afterwards waits
-- for what this connection wrote: so a retry writes something, too, after what it asks about.
if known.token == token then
    call('SET', P .. 'w', '')
    return { 'appended', known.revision }
end
if request ~= '' then
    local answered = call('HGET', requests_key(sid), request)
    if answered then
        local at, of = answered:match('^(%d+):(.*)$')
        if of ~= digest then return { 'reused' } end
        call('SET', P .. 'w', '')
        return { 'replayed', at }
    end
end
local current = known.revision or '0'
if current ~= expected or (meant ~= '' and meant ~= (known.incarnation or '')) then
    return { 'conflict', current }
end
if last ~= '' and not ends_with(sid, -1, last) then return { 'conflict', current } end
if lease ~= '' or queue ~= '' then
    if not held(queue, jid, lease) then return { 'lost' } end
end
if call('LLEN', log_key(sid)) ~= tonumber(current) then return { 'corrupt' } end

local revision = text(tonumber(current) + count)
if current == '0' then
    known.number = begin(sid, tenant, conversation, new, shards, shard)
end
for at = 19, 18 + count do call('RPUSH', log_key(sid), ARGV[at]) end
call('HSET', key, 'revision', revision, 'token', token)
if request ~= '' then call('HSET', requests_key(sid), request, revision .. ':' .. digest) end
use(sid, known, hour)
if hot == '1' then call('ZADD', BEHIND, 'NX', microseconds(), sid) end
take_changes(sid, tenant, conversation, 19 + count)
return { 'appended', revision }
