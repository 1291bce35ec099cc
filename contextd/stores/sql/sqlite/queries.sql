-- Every statement the SQLite store runs, by name.

-- name: find_session
-- The row and the revision of a session.
SELECT id, revision FROM sessions WHERE tenant = ?1 AND conversation = ?2

-- name: find_request
-- What a request id of a session was answered.
SELECT digest, position & 0xffffff FROM records WHERE position >> 24 = ?1 AND request_id = ?2

-- name: open_session
-- A new session without records.
INSERT INTO sessions (tenant, conversation, revision) VALUES (?1, ?2, 0)

-- name: add_record
-- One record; the session advances with it.
INSERT INTO records (position, body, request_id, digest) VALUES (?1, ?2, ?3, ?4)

-- name: read_records
-- The session's revision, with each record after a revision.  One row with NULLs if there
-- is none, no row if there is no session.  One statement, hence one snapshot.
SELECT sessions.revision, records.position - (sessions.id << 24), records.body
FROM sessions LEFT JOIN records
    ON records.position > (sessions.id << 24) + ?3
    AND records.position < (sessions.id + 1) << 24
WHERE tenant = ?1 AND conversation = ?2
ORDER BY records.position

-- name: count_requests
-- How many request ids a session has answered.
SELECT count(*) FROM records WHERE position >> 24 = ?1 AND request_id IS NOT NULL

-- name: delete_records
-- All records of a session, and with them its request ids.
DELETE FROM records WHERE position > ?1 << 24 AND position < (?1 + 1) << 24

-- name: delete_session
-- The session itself.
DELETE FROM sessions WHERE id = ?1

-- name: list_sessions
-- A page of a tenant's sessions in byte order.
SELECT conversation, revision FROM sessions
WHERE tenant = ?1 AND conversation > ?2 ORDER BY conversation LIMIT ?3
