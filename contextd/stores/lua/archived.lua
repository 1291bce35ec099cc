#!lua flags=allow-oom
--! shard
-- Raise the watermark of a session (ARGV[1]), if it is that incarnation, to a revision.
local known = fields(session_key(ARGV[1]))
if not known or known.incarnation ~= ARGV[2] then return 0 end
local top = tonumber(known.revision)
local archived = math.max(tonumber(known.archived or '0'), math.min(tonumber(ARGV[3]), top))
call('HSET', session_key(ARGV[1]), 'archived', text(archived))
if archived == top then call('ZREM', BEHIND, ARGV[1])
else call('ZADD', BEHIND, 'XX', microseconds(), ARGV[1]) end
return 1
