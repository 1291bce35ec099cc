#!lua flags=no-writes
--! shard
-- Handoffs of a tenant: one by its name, those that stand so, or those that changed.
--
-- ARGV: "one", handoff; or "standing", tenant, after, limit, what the name of a handoff begins
-- with, statuses; or "changed", tenant, after, limit, what the name of a handoff begins with.
local found = {}
local function add(hid)
    local each = fields(handoff_key(hid))
    if each then
        found[#found + 1] = { each.body, each.status, each.changed, each.agent, each.outcome, each.raised, each.position }
    end
end
local what, tenant, after, limit, prefix = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if what == 'one' then
    add(tenant)
elseif what == 'changed' then
    for _, id in ipairs(call('ZRANGEBYSCORE', changes_key(tenant), '(' .. after, '+inf', 'LIMIT', 0, limit)) do
        add(prefix .. id)
    end
else
    for at = 6, #ARGV do
        for _, id in ipairs(call('ZRANGEBYSCORE', status_key(ARGV[at], tenant), '(' .. after, '+inf', 'LIMIT', 0, limit)) do
            add(prefix .. id)
        end
    end
end
return found
