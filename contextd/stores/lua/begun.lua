-- How a session begins and is used: for scripts that write.

-- Number a session that is new, and list it.
local function begin(sid, tenant, conversation, incarnation, shards, shard)
    local number = text(call('INCR', P .. 'n') * shards + shard)
    call('HSET', session_key(sid), 'number', number, 'incarnation', incarnation)
    call('ZADD', tenant_key(tenant), 0, conversation)
    call('DEL', reservation_key(sid))
    return number
end

-- Note the hour of the last use, unless a later one is known.
local function use(sid, known, hour)
    if known.hour and tonumber(hour) <= tonumber(known.hour) then return end
    if known.hour then call('ZREM', USES, use_of(known.hour, known.number, sid)) end
    call('ZADD', USES, 0, use_of(hour, known.number, sid))
    call('HSET', session_key(sid), 'hour', hour)
end
