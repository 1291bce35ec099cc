#!lua
--! shard
-- Give the token of a session that is not here; nothing for one that is, or is being deleted.
--
-- ARGV: session, a token, the milliseconds after which nobody who reads the archive will be back.
if call('EXISTS', session_key(ARGV[1])) == 1 or call('ZSCORE', DOOMED, ARGV[1]) then return '' end
call('SET', reservation_key(ARGV[1]), ARGV[2], 'NX', 'PX', ARGV[3])
return call('GET', reservation_key(ARGV[1]))
