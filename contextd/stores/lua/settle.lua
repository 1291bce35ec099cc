#!lua flags=allow-oom
--! shard jobs
-- Let a job wait, lie or go, under its lease; or let a dead one wait again.
--
-- ARGV: "postpone", "bury", "drop" or "revive", queue, job, token of the lease, due, error.
local what, queue, jid, token, due, failure = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key = job_key(queue, jid)
local job
if what == 'revive' then job = fields(key) else job = held(queue, jid, token) end
if not job or (what == 'revive' and job.dead == '0') then return {} end
if what == 'drop' then
    drop_job(queue, jid)
    return told(job)
end
local changed
if what == 'revive' then changed = { due = due, attempts = '0', lease = '', dead = '0' }
elseif what == 'postpone' then changed = { due = due, leased_until = '0', error = failure }
else changed = { dead = '1', leased_until = '0', error = failure }
end
for name, value in pairs(changed) do job[name] = value end
put(key, changed)
leave_turn(queue, jid, job)
await_turn(queue, jid, job)
return told(job)
