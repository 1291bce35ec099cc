#!lua
--! shard tier
-- The token with which a session may be taken back from the archive; nothing when it is here.
--
-- ARGV: session, a new token, milliseconds for which it is good.
local sid = ARGV[1]
if call('EXISTS', session_key(sid), doom_key(sid)) > 0 then return false end
call('SET', reservation_key(sid), ARGV[2], 'NX', 'PX', ARGV[3])
return call('GET', reservation_key(sid))
