#!lua flags=no-writes
--! shard
-- How far the archive is behind: how many sessions, the time, since when and which, doomed ones
-- first; at most ARGV[1] of each.
return {
    call('ZCARD', DOOMED) + call('ZCARD', BEHIND), microseconds(),
    call('ZRANGE', DOOMED, 0, ARGV[1] - 1), call('ZRANGE', BEHIND, 0, ARGV[1] - 1, 'WITHSCORES'),
}
