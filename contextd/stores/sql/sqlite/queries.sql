-- Every statement the SQLite store runs, by name.

-- name: find_session
-- The row and the revision of a session.
SELECT id, revision FROM sessions WHERE tenant = ?1 AND conversation = ?2

-- name: find_request
-- What a request id of a session was answered.
SELECT digest, revision FROM request_ids WHERE session = ?1 AND request_id = ?2

-- name: open_session
-- A new session at its first revision.
INSERT INTO sessions (tenant, conversation, revision) VALUES (?1, ?2, ?3)

-- name: advance_session
-- A session has grown to a revision.
UPDATE sessions SET revision = ?2 WHERE id = ?1

-- name: add_record
-- One record.
INSERT INTO records (position, body) VALUES (?1, ?2)

-- name: add_request
-- The answer to a request id.
INSERT INTO request_ids (session, request_id, digest, revision) VALUES (?1, ?2, ?3, ?4)

-- name: read_records
-- The session's revision, with each record after a revision.  One row with NULLs if there
-- is none, no row if there is no session.  One statement, hence one snapshot.
SELECT sessions.revision, records.position - (sessions.id << 24), records.body
FROM sessions LEFT JOIN records
    ON records.position > (sessions.id << 24) + ?3
    AND records.position < (sessions.id + 1) << 24
WHERE tenant = ?1 AND conversation = ?2
ORDER BY records.position

-- name: delete_records
-- All records of a session.
DELETE FROM records WHERE position > ?1 << 24 AND position < (?1 + 1) << 24

-- name: delete_requests
-- All request ids of a session.
DELETE FROM request_ids WHERE session = ?1

-- name: delete_session
-- The session itself.
DELETE FROM sessions WHERE id = ?1

-- name: list_sessions
-- A page of a tenant's sessions in byte order.
SELECT conversation, revision FROM sessions
WHERE tenant = ?1 AND conversation > ?2 ORDER BY conversation LIMIT ?3
