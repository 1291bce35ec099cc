#!lua flags=no-writes
--! shard tier
-- What the archive lacks of a session (ARGV[1]): at most ARGV[2] records.
local sid = ARGV[1]
if call('EXISTS', doom_key(sid)) == 1 then return { 'doomed' } end
local known = fields(session_key(sid))
if not known then return { 'nothing' } end
return { 'tail', known.incarnation, known.archived, call('LRANGE', log_key(sid), known.archived, known.archived + ARGV[2] - 1) }
