-- What records change beside the log of their session (contextd.projections): for `append`.

-- A number above all that were given in this shard before.  It follows the clock, so that a
-- server which lost its last writes in a failover does not give again what somebody has seen.
local function next_position()
    local now = call('TIME')
    local last = tonumber(call('GET', P .. 'p') or '0')
    local position = text(math.max(last + 1, now[1] * 1000000 + now[2]))
    call('SET', P .. 'p', position)
    return position
end

local function put_handoff(hid, tenant, old, changed)
    local key = handoff_key(hid)
    changed.position = next_position()
    put(key, changed)
    local now = fields(key)
    if old then call('ZREM', status_key(old.status, tenant), now.id) end
    call('ZADD', status_key(now.status, tenant), now.raised, now.id)
    call('ZADD', changes_key(tenant), now.position, now.id)
end

local function file_handoff(sid, tenant, hid, id, body, at)
    for _, each in ipairs(call('SMEMBERS', handoffs_of(sid))) do
        local entry = fields(handoff_key(each))
        if entry.status == 'waiting' then
            put_handoff(each, tenant, entry, { status = 'superseded', changed = at })
        end
    end
    local old = fields(handoff_key(hid))
    if old then call('SREM', handoffs_of(old.session), hid) end
    call('SADD', handoffs_of(sid), hid)
    put_handoff(hid, tenant, old, {
        id = id, session = sid, body = body, status = 'waiting', changed = at,
        agent = '', outcome = '', raised = next_position(),
    })
end

local function move_handoff(tenant, hid, status, at, agent, outcome)
    local entry = fields(handoff_key(hid))
    if not entry then return end
    put_handoff(hid, tenant, entry, {
        status = status, changed = at,
        agent = agent ~= '' and agent or entry.agent,
        outcome = outcome ~= '' and outcome or entry.outcome,
    })
end

local function link(sid, conversation, account, at)
    local key = session_key(sid)
    local before = call('HGET', key, 'account')
    if before then call('ZREM', account_key(before), conversation) end
    call('HDEL', key, 'recap', 'closed')
    call('HSET', key, 'account', account, 'opened', at)
    call('ZADD', account_key(account), next_position(), conversation)
end

local function queue_job(sid, tenant, conversation, queue, jid, id, due)
    drop_job(queue, jid)
    local job = {
        id = id, tenant = tenant, conversation = conversation, session = sid, due = due,
        attempts = '0', lease = '', leased_until = '0', dead = '0', error = '',
    }
    put(job_key(queue, jid), job)
    call('SADD', jobs_of(sid), queue .. ':' .. jid)
    await_turn(queue, jid, job)
end

-- Do what ARGV says from *at* on: the name of a change, then its values.
local function take_changes(sid, tenant, conversation, at)
    while ARGV[at] do
        local what, a, b, c, d, e = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
        if what == 'filed' then file_handoff(sid, tenant, a, b, c, d)
        elseif what == 'moved' then move_handoff(tenant, a, b, c, d, e)
        elseif what == 'linked' then link(sid, conversation, a, b)
        elseif what == 'queued' then queue_job(sid, tenant, conversation, a, b, c, d)
        elseif what == 'done' then drop_job(a, b)
        elseif call('HEXISTS', session_key(sid), 'account') == 1 then
            if what == 'retitled' then call('HSET', session_key(sid), 'recap', a)
            else call('HSET', session_key(sid), 'closed', '1') end
        end
        at = at + 6
    end
end
