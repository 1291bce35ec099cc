#!lua
--! shard
-- Append to the log of an account.
--
-- ARGV: account, request id, digest, expected revision, update, incarnation meant, incarnation of a
-- new log.
local log, requests = P .. 'al:' .. ARGV[1], P .. 'aq:' .. ARGV[1]
if ARGV[2] ~= '' then
    local answered = call('HGET', requests, ARGV[2])
    if answered then
        local at, of = answered:match('^(%d+):(.*)$')
        if of ~= ARGV[3] then return { 'reused' } end
        return { 'replayed', at }
    end
end
local current = text(call('LLEN', log))
if current ~= ARGV[4] or (ARGV[6] ~= '' and ARGV[6] ~= call('GET', P .. 'ai:' .. ARGV[1])) then
    return { 'conflict', current }
end
if current == '0' then call('SET', P .. 'ai:' .. ARGV[1], ARGV[7]) end
local revision = text(call('RPUSH', log, ARGV[5]))
if ARGV[2] ~= '' then call('HSET', requests, ARGV[2], revision .. ':' .. ARGV[3]) end
return { 'appended', revision }
