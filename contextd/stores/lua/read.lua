#!lua flags=no-writes
--! shard
-- The revision of a session, the length of its log, its incarnation, and records.
--
-- ARGV: session, first and last position of the records wanted, from 0.
if call('ZSCORE', DOOMED, ARGV[1]) then return { '0', 0, '', {} } end
local known = call('HMGET', session_key(ARGV[1]), 'revision', 'incarnation')
local log = log_key(ARGV[1])
return { known[1] or '0', call('LLEN', log), known[2] or '', call('LRANGE', log, ARGV[2], ARGV[3]) }
