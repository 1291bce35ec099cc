#!lua flags=no-writes
--! shard
-- The revision of a session, the length of its log, its incarnation, and records; no records but
-- 'another' when the one before them is not the one that the caller has.
--
-- ARGV: session, first and last position of the records wanted, from 0, and how the record before
-- them begins, or empty.
if call('ZSCORE', DOOMED, ARGV[1]) then return { '0', 0, '', {} } end
local known = call('HMGET', session_key(ARGV[1]), 'revision', 'incarnation')
local log = log_key(ARGV[1])
if ARGV[4] ~= '' and not ends_with(ARGV[1], ARGV[2] - 1, ARGV[4]) then
    return { known[1] or '0', call('LLEN', log), known[2] or '', 'another' }
end
return { known[1] or '0', call('LLEN', log), known[2] or '', call('LRANGE', log, ARGV[2], ARGV[3]) }
