#!lua
--! shard jobs
-- Give out those of the named jobs that are still due.
--
-- ARGV: queue, now, end of the lease, its token, jobs.
local queue, now, ends, token, given = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], {}
for at = 5, #ARGV do
    local job = fields(job_key(queue, ARGV[at]))
    if job and job.dead == '0' and tonumber(job.due) <= now and tonumber(job.leased_until) <= now then
        job.lease, job.leased_until, job.attempts = token, ends, text(job.attempts + 1)
        call('HSET', job_key(queue, ARGV[at]), 'lease', token, 'leased_until', ends, 'attempts', job.attempts)
        leave_turn(queue, ARGV[at], job)
        call('ZADD', leased_key(queue), ends, ARGV[at])
        given[#given + 1] = told(job)
    end
end
return given
