#!lua flags=allow-oom
--! shard tier
-- Raise the watermark of a session: ARGV is session, incarnation, revision.
local sid = ARGV[1]
local known = fields(session_key(sid))
if not known or known.incarnation ~= ARGV[2] then return 0 end
local mark = math.min(tonumber(ARGV[3]), tonumber(known.revision))
if mark <= tonumber(known.archived) then return 0 end
call('HSET', session_key(sid), 'archived', text(mark))
if text(mark) == known.revision then call('ZREM', BEHIND, sid)
else call('ZADD', BEHIND, 'XX', now_in_ms(), sid) end
return 1
