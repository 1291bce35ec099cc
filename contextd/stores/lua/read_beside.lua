#!lua flags=no-writes
--! shard
-- What was computed of a session by one maker: number, body, and so on.
--
-- ARGV: session, kind of rows, name of what made them, the number they must be above.
local maker, found = #ARGV[3] .. ':' .. ARGV[3], {}
local rows = call('HGETALL', P .. ARGV[2] .. ':' .. ARGV[1])
for at = 1, #rows, 2 do
    if tonumber(rows[at]) > tonumber(ARGV[4]) and rows[at + 1]:sub(1, #maker) == maker then
        found[#found + 1] = rows[at]
        found[#found + 1] = rows[at + 1]:sub(#maker + 1)
    end
end
return found
