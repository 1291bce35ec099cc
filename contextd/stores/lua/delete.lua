#!lua flags=allow-oom
--! shard jobs
-- Remove a session and all that was derived of it, and count each kind.
--
-- ARGV: session, tenant, conversation, the revision it must be at ("0": any), the incarnation
-- it must be ("": any).
local sid, tenant, conversation = ARGV[1], ARGV[2], ARGV[3]
local known = fields(session_key(sid))
if is_other(known, ARGV[4], ARGV[5]) then return { 'conflict', known and known.revision or '0' } end
local vectors, stretches = P .. 'v:' .. sid, P .. 'x:' .. sid
local handoffs, jobs = call('SMEMBERS', handoffs_of(sid)), call('SMEMBERS', jobs_of(sid))
local counts = {
    known and 1 or 0, call('LLEN', log_key(sid)), call('HLEN', requests_key(sid)),
    call('HLEN', vectors), call('HLEN', stretches), #handoffs, #jobs,
    known and known.account and 1 or 0,
}
for _, hid in ipairs(handoffs) do
    local entry = fields(handoff_key(hid))
    call('ZREM', status_key(entry.status, tenant), entry.id)
    call('ZREM', changes_key(tenant), entry.id)
    call('UNLINK', handoff_key(hid))
end
for _, name in ipairs(jobs) do
    local queue, jid = name:match('^([^:]*):(.*)$')
    drop_job(queue, jid)
end
if known then
    if known.account then call('ZREM', account_key(known.account), conversation) end
    call('ZREM', USES, use_of(known.hour, known.number, sid))
    call('ZREM', tenant_key(tenant), conversation)
end
call('ZREM', BEHIND, sid)
call('ZREM', DOOMED, sid)
call('UNLINK', reservation_key(sid), session_key(sid), log_key(sid), requests_key(sid), handoffs_of(sid), jobs_of(sid),
    vectors, stretches)
return { 'deleted', unpack(counts) }
