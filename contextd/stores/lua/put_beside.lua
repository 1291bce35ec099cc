#!lua
--! shard
-- Keep what was computed of a session, unless it has been deleted.
--
-- ARGV: session, kind of rows, name of what made them, then number and body of each.
if call('EXISTS', session_key(ARGV[1])) == 0 then return 0 end
for at = 4, #ARGV, 2 do
    call('HSET', P .. ARGV[2] .. ':' .. ARGV[1], ARGV[at], #ARGV[3] .. ':' .. ARGV[3] .. ARGV[at + 1])
end
return 1
