#!lua
--! shard
-- Keep what was computed of a session, unless it has been deleted, or another begun in its place.
--
-- ARGV: session, kind of rows, name of what made them, incarnation ("": any), then number and
-- body of each.
local known = fields(session_key(ARGV[1]))
if not known or is_other(known, '0', ARGV[4]) then return 0 end
for at = 5, #ARGV, 2 do
    call('HSET', P .. ARGV[2] .. ':' .. ARGV[1], ARGV[at], #ARGV[3] .. ':' .. ARGV[3] .. ARGV[at + 1])
end
return 1
