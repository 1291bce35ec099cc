#!lua flags=no-writes
--! shard
-- "one", queue, job: that job.  "page", queue, tenant, "0" (living) or "1" (dead), beginning of
-- the range, limit, then job for job what its name is: see `contextd.stores.redis.work`.
if ARGV[1] == 'one' then
    local job = fields(job_key(ARGV[2], ARGV[3]))
    return job and { told(job) } or {}
end
local found = {}
for _, id in ipairs(call('ZRANGEBYLEX', jobs_key(ARGV[2], ARGV[4], ARGV[3]), ARGV[5], '+', 'LIMIT', 0, ARGV[6])) do
    local jid = id:gsub('%z', '\0\255') .. '\0\1' .. ARGV[3]
    found[#found + 1] = told(fields(job_key(ARGV[2], jid)))
end
return found
