-- How a job is put into its queue and taken out: for scripts that write.

-- Let the job be found where it can be leased, unless it is dead.
local function await_turn(queue, jid, job)
    call('ZREM', leased_key(queue), jid)
    if job.dead == '0' then
        call('ZADD', ready_key(queue), job.due, jid)
        call('ZADD', tenants_ready_key(queue, job.tenant), job.due, jid)
    end
    if call('ZADD', jobs_key(queue, job.dead, job.tenant), 0, job.id) == 1 then
        call('ZREM', jobs_key(queue, job.dead == '0' and '1' or '0', job.tenant), job.id)
    end
end

-- Let the job be found by its name only, since somebody has it.
local function leave_turn(queue, jid, job)
    call('ZREM', ready_key(queue), jid)
    call('ZREM', tenants_ready_key(queue, job.tenant), jid)
end

local function drop_job(queue, jid)
    local key = job_key(queue, jid)
    local job = fields(key)
    if not job then return false end
    leave_turn(queue, jid, job)
    call('ZREM', leased_key(queue), jid)
    call('ZREM', jobs_key(queue, job.dead, job.tenant), job.id)
    call('SREM', jobs_of(job.session), queue .. ':' .. jid)
    call('UNLINK', key)
    return true
end

-- The job if it is there under this lease; an empty token is no lease of any job.
local function held(queue, jid, token)
    local job = fields(job_key(queue, jid))
    if job and token ~= '' and job.lease == token then return job end
    return nil
end
