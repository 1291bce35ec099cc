#!lua flags=no-writes
--! shard
-- A page of the sessions in the order of their last use.
--
-- ARGV: beginning and end of the range, limit.
local found = {}
for _, use in ipairs(call('ZRANGEBYLEX', USES, ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
    local sid = use:sub(27)
    local known = call('HMGET', session_key(sid), 'revision', 'account', 'incarnation')
    found[#found + 1] = { use, known[1], known[2] or '', is_open(sid), known[3] or '' }
end
return found
