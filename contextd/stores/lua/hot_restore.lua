#!lua
--! shard tier
-- Take a session back from the archive, whole; 1 when it is here now.
--
-- ARGV: session, tenant, conversation, token of the reservation, incarnation, hour of use, number
-- of shards, number of this shard, number of records, records, then request id and answer, and so on.
local sid, token, count = ARGV[1], ARGV[4], tonumber(ARGV[9])
if call('EXISTS', doom_key(sid)) == 1 then return 0 end
if call('EXISTS', session_key(sid)) == 1 then return 1 end
if call('GET', reservation_key(sid)) ~= token then return 0 end
open_session(sid, ARGV[2], ARGV[3], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
for at = 10, 9 + count do call('RPUSH', log_key(sid), ARGV[at]) end
for at = 10 + count, #ARGV, 2 do call('HSET', requests_key(sid), ARGV[at], ARGV[at + 1]) end
call('HSET', session_key(sid), 'revision', text(count), 'archived', text(count))
call('DEL', reservation_key(sid))
return 1
