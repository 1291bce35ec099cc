#!lua flags=allow-oom
--! shard
-- Remove the log of an account (ARGV[1]) and say how long it was.
local count = call('LLEN', P .. 'al:' .. ARGV[1])
call('UNLINK', P .. 'al:' .. ARGV[1], P .. 'aq:' .. ARGV[1], P .. 'ai:' .. ARGV[1])
return count
