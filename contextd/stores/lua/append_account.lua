#!lua
--! shard
-- Append to the log of an account.
--
-- ARGV: account, request id, digest, expected revision, update, incarnation meant or empty.
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
local other = ARGV[6] ~= '' and incarnation_of(log) ~= ARGV[6]
if other or current ~= ARGV[4] then return { 'conflict', current } end
local revision = text(call('RPUSH', log, ARGV[5]))
if ARGV[2] ~= '' then call('HSET', requests, ARGV[2], revision .. ':' .. ARGV[3]) end
return { 'appended', revision }
