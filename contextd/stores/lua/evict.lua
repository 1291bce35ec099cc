#!lua flags=allow-oom
--! shard tier
-- Drop a session that the archive has: ARGV is session, tenant, conversation, revision.
local sid = ARGV[1]
local known = fields(session_key(sid))
if not known or known.revision ~= ARGV[4] or known.archived ~= ARGV[4] then return 0 end
remove_session(sid, ARGV[2], ARGV[3])
return 1
