#!lua
--! shard jobs
-- The jobs that are due, the longest due first: due, name, and so on.
--
-- ARGV: queue, tenant ("": all), now, limit.
local queue, tenant, now, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
for _, jid in ipairs(call('ZRANGEBYSCORE', leased_key(queue), '-inf', now)) do
    await_turn(queue, jid, fields(job_key(queue, jid)))
end
local key = tenant == '' and ready_key(queue) or tenants_ready_key(queue, tenant)
return call('ZRANGEBYSCORE', key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
