#!lua flags=no-writes
--! shard
-- What the archive lacks of a session: incarnation, watermark, records.
--
-- ARGV: session, limit.
if call('ZSCORE', DOOMED, ARGV[1]) then return { 'doomed' } end
local known = call('HMGET', session_key(ARGV[1]), 'revision', 'incarnation', 'archived')
if not known[1] then return {} end
local after = tonumber(known[3] or '0')
return { 'tail', known[2], text(after), call('LRANGE', log_key(ARGV[1]), after, after + ARGV[2] - 1) }
