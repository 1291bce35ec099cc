#!lua flags=allow-oom
--! shard
-- Begin to delete a session.
--
-- ARGV: session, the revision it must be at ("0": any, or not here), the incarnation it must be
-- ("": any, or not here).
local known = fields(session_key(ARGV[1]))
if is_other(known, ARGV[2], ARGV[3]) then return { 'conflict', known and known.revision or '0' } end
call('DEL', reservation_key(ARGV[1]))
call('ZREM', BEHIND, ARGV[1])
call('ZADD', DOOMED, 'NX', microseconds(), ARGV[1])
return { 'doomed' }
