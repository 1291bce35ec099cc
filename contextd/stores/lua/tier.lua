-- The keys of a shard in front of an archive, and how a session leaves it.

local BEHIND = P .. 'b'                                                 -- zset: since when → session
local function doom_key(sid) return P .. 'd:' .. sid end                -- hash: what its deletion counted
local function reservation_key(sid) return P .. 'w:' .. sid end         -- string: token of a reservation

local COUNTED = { 'sessions', 'records', 'request_ids', 'vectors', 'stretches' }

local function now_in_ms()
    local now = call('TIME')
    return text(now[1] * 1000 + math.floor(now[2] / 1000))
end

-- Remove all that there is of a session; return how many of each kind, in the order of COUNTED.
local function remove_session(sid, tenant, conversation)
    local known = fields(session_key(sid))
    local vectors, stretches = P .. 'v:' .. sid, P .. 'x:' .. sid
    local counts = {
        known and 1 or 0, call('LLEN', log_key(sid)), call('HLEN', requests_key(sid)),
        call('HLEN', vectors), call('HLEN', stretches),
    }
    if known then
        call('ZREM', USES, use_of(known.hour, known.number, sid))
        call('ZREM', tenant_key(tenant), conversation)
    end
    call('ZREM', BEHIND, sid)
    call('UNLINK', session_key(sid), log_key(sid), requests_key(sid), vectors, stretches)
    return counts
end

-- Begin a session that is at revision 0; it is found by its tenant and its last use.
local function open_session(sid, tenant, conversation, incarnation, hour, shards, shard)
    local number = text(call('INCR', P .. 'n') * shards + shard)
    call('HSET', session_key(sid), 'number', number, 'incarnation', incarnation, 'hour', hour, 'archived', '0')
    call('ZADD', tenant_key(tenant), 0, conversation)
    call('ZADD', USES, 0, use_of(hour, number, sid))
end
