#!lua flags=allow-oom
--! shard tier
-- Begin ("begin") or end ("end") a deletion.  From the beginning on nothing is left of the session
-- but that it is being deleted, and what was counted; the end returns the counts.
--
-- ARGV: what, session, tenant, conversation, the revision it must be at ("0": any).
local what, sid, wanted = ARGV[1], ARGV[2], ARGV[5]
local current = call('HGET', session_key(sid), 'revision') or '0'
if wanted ~= '0' and wanted ~= current then return { 'conflict', current } end
local counts = remove_session(sid, ARGV[3], ARGV[4])
local key = doom_key(sid)
for at, kind in ipairs(COUNTED) do counts[at] = call('HINCRBY', key, kind, counts[at]) end
call('DEL', reservation_key(sid))
if what == 'end' then call('UNLINK', key) else call('ZADD', BEHIND, now_in_ms(), sid) end
return { 'done', unpack(counts) }
