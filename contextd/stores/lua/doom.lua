#!lua flags=allow-oom
--! shard
-- Begin to delete a session (ARGV[1]), if it is at that revision ("0": at any, or not here).
local current = call('HGET', session_key(ARGV[1]), 'revision') or '0'
if ARGV[2] ~= '0' and ARGV[2] ~= current then return { 'conflict', current } end
call('DEL', reservation_key(ARGV[1]))
call('ZREM', BEHIND, ARGV[1])
call('ZADD', DOOMED, 'NX', microseconds(), ARGV[1])
return { 'doomed' }
