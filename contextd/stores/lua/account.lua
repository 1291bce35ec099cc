#!lua flags=no-writes
--! shard
-- "updates", account, after, incarnation: the updates of an account, or that it is another one.  "conversations", account, limit, what
-- the name of a session begins with: its conversations, those linked last first.
if ARGV[1] == 'updates' then
    local log = P .. 'al:' .. ARGV[2]
    if ARGV[4] ~= '' and incarnation_of(log) ~= ARGV[4] then return 'replaced' end
    return call('LRANGE', log, ARGV[3], -1)
end
local found = {}
for _, conversation in ipairs(call('ZREVRANGEBYSCORE', account_key(ARGV[2]), '+inf', '-inf', 'LIMIT', 0, ARGV[3])) do
    local known = call('HMGET', session_key(ARGV[4] .. conversation), 'opened', 'revision', 'recap', 'closed')
    found[#found + 1] = { conversation, known[1], known[2], known[3] or '', known[4] or '0' }
end
return found
