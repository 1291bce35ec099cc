#!lua flags=no-writes
--! shard
-- A page of a tenant's sessions in byte order: conversation, revision, and so on.
--
-- ARGV: tenant, beginning of the range, limit, what the id of a session begins with.
local found = {}
for _, conversation in ipairs(call('ZRANGEBYLEX', tenant_key(ARGV[1]), ARGV[2], '+', 'LIMIT', 0, ARGV[3])) do
    found[#found + 1] = conversation
    found[#found + 1] = call('HGET', session_key(ARGV[4] .. conversation), 'revision')
end
return found
