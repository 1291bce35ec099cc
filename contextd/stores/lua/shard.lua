-- What every script begins with: the names of the keys of one shard, and how numbers are written.
--
-- KEYS[1] is the beginning of every key of the shard, with its hash tag: "contextd:{07}:".  A
-- session, a job, a handoff and an account are named by pairs of ids that Python has joined.
local P = KEYS[1]
local call = redis.call

local function session_key(sid) return P .. 's:' .. sid end             -- hash: what is known of it
local function log_key(sid) return P .. 'r:' .. sid end                 -- list: its records
local function requests_key(sid) return P .. 'q:' .. sid end            -- hash: request id → answer
local function handoffs_of(sid) return P .. 'sh:' .. sid end            -- set: its handoffs
local function jobs_of(sid) return P .. 'sj:' .. sid end                -- set: its jobs
local function tenant_key(tenant) return P .. 't:' .. tenant end        -- zset: its conversations
local function account_key(aid) return P .. 'a:' .. aid end             -- zset: its conversations
local function handoff_key(hid) return P .. 'h:' .. hid end             -- hash: one handoff
local function status_key(status, tenant) return P .. 'hs:' .. status .. ':' .. tenant end
local function changes_key(tenant) return P .. 'hc:' .. tenant end      -- zset: position → handoff
local function job_key(queue, jid) return P .. 'j:' .. queue .. ':' .. jid end
local function ready_key(queue) return P .. 'jr:' .. queue end          -- zset: due → job
local function tenants_ready_key(queue, tenant) return P .. 'jt:' .. queue .. ':' .. tenant end
local function leased_key(queue) return P .. 'jl:' .. queue end         -- zset: lease's end → job
local function jobs_key(queue, dead, tenant) return P .. 'jn:' .. queue .. ':' .. dead .. ':' .. tenant end
local function reservation_key(sid) return P .. 'o:' .. sid end         -- string: a token
local BEHIND = P .. 'b'                                                 -- zset: since when, session
local DOOMED = P .. 'd'                                                 -- zset: since when, session
local USES = P .. 'u'                                                   -- zset: hour, number, session

-- Lua would write 1.79e+15.
local function text(number) return string.format('%.0f', number) end
local function use_of(hour, number, sid)
    return string.format('%010.0f%016.0f', tonumber(hour), tonumber(number)) .. sid
end

local function microseconds()
    local now = call('TIME')
    return text(now[1] * 1000000 + now[2])
end

-- Whether the record at a position of a session's log begins so: with its checksum.
local function ends_with(sid, position, mark)
    local record = call('LINDEX', log_key(sid), position)
    return record and record:sub(1, #mark) == mark
end

-- All fields of a hash, as a table; nil when there is none.
local function fields(key)
    local flat = call('HGETALL', key)
    if #flat == 0 then return nil end
    local found = {}
    for at = 1, #flat, 2 do found[flat[at]] = flat[at + 1] end
    return found
end

-- Set fields of a hash in one command, since each costs its key once more in what is replicated.
local function put(key, changed)
    local flat = {}
    for name, value in pairs(changed) do
        flat[#flat + 1] = name
        flat[#flat + 1] = value
    end
    call('HSET', key, unpack(flat))
end

-- Whether a session that was meant is not the one that is there: not at the revision ("0": any), or
-- another under its key ("": any).
local function is_other(known, revision, incarnation)
    if revision ~= '0' and revision ~= (known and known.revision or '0') then return true end
    return incarnation ~= '' and incarnation ~= (known and known.incarnation or '')
end

-- A job as Python reads it.
local function told(job)
    return { job.id, job.tenant, job.conversation, job.due, job.attempts, job.lease, job.leased_until,
        job.dead, job.error }
end

-- Whether a handoff of the session has not ended, or a job of it is not dead.
local function is_open(sid)
    for _, hid in ipairs(call('SMEMBERS', handoffs_of(sid))) do
        local status = call('HGET', handoff_key(hid), 'status')
        if status == 'waiting' or status == 'claimed' then return 1 end
    end
    for _, name in ipairs(call('SMEMBERS', jobs_of(sid))) do
        if call('HGET', P .. 'j:' .. name, 'dead') == '0' then return 1 end
    end
    return 0
end
