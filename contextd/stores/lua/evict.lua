#!lua flags=allow-oom
--! shard
-- Drop a session if it is at a revision and the archive has it so.
--
-- ARGV: session, tenant, conversation, revision.
local sid, known = ARGV[1], fields(session_key(ARGV[1]))
if not known or call('ZSCORE', DOOMED, sid) then return 0 end
if known.revision ~= ARGV[4] or known.archived ~= ARGV[4] then return 0 end
call('ZREM', USES, use_of(known.hour, known.number, sid))
call('ZREM', tenant_key(ARGV[2]), ARGV[3])
call('UNLINK', session_key(sid), log_key(sid), requests_key(sid), P .. 'v:' .. sid, P .. 'x:' .. sid)
return 1
