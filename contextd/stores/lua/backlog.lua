#!lua flags=no-writes
--! shard tier
-- How many sessions the archive lacks something of, what time it is, and since when which of the
-- first ARGV[1] have waited; times in milliseconds since 1970.
local found = { call('ZCARD', BEHIND), now_in_ms() }
local first = call('ZRANGE', BEHIND, 0, ARGV[1] - 1, 'WITHSCORES')
for at = 1, #first, 2 do
    found[#found + 1] = first[at + 1]
    found[#found + 1] = first[at]
end
return found
