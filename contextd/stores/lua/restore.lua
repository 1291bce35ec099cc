#!lua
--! shard begun
-- Take a session back from the archive, whole; say whether it is here now.
--
-- ARGV: session, tenant, conversation, token, incarnation, hour of use, number of shards, number of
-- this shard, number of records, records, then request id and answer of each request.
local sid, count = ARGV[1], tonumber(ARGV[9])
if call('ZSCORE', DOOMED, sid) then return 0 end
if call('EXISTS', session_key(sid)) == 1 then return 1 end
if call('GET', reservation_key(sid)) ~= ARGV[4] then return 0 end
local known = { number = begin(sid, ARGV[2], ARGV[3], ARGV[5], ARGV[7], ARGV[8]) }
for at = 10, 9 + count do call('RPUSH', log_key(sid), ARGV[at]) end
for at = 10 + count, #ARGV, 2 do call('HSET', requests_key(sid), ARGV[at], ARGV[at + 1]) end
call('HSET', session_key(sid), 'revision', ARGV[9], 'archived', ARGV[9])
use(sid, known, ARGV[6])
return 1
