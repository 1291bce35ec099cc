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

-- name: put_vectors
-- The vectors of one turn, in place of those it had.
INSERT OR REPLACE INTO vectors (position, space, body) VALUES (?1, ?2, ?3)

-- name: read_vectors
-- The vectors of a session's turns after one of them, in one space.
SELECT vectors.position & 0xffffff, vectors.body
FROM sessions JOIN vectors
    ON vectors.position > (sessions.id << 24) + ?3
    AND vectors.position < (sessions.id + 1) << 24
WHERE tenant = ?1 AND conversation = ?2 AND space = ?4
ORDER BY vectors.position

-- name: delete_vectors
-- All vectors of a session.
DELETE FROM vectors WHERE position > ?1 << 24 AND position < (?1 + 1) << 24

-- name: put_stretch
-- The index of one stretch, in place of the one it had.
INSERT OR REPLACE INTO stretches (position, method, body) VALUES (?1, ?2, ?3)

-- name: read_stretches
-- The stretches of a session that one method made.
SELECT stretches.position & 0xffffff, stretches.body
FROM sessions JOIN stretches
    ON stretches.position > sessions.id << 24
    AND stretches.position < (sessions.id + 1) << 24
WHERE tenant = ?1 AND conversation = ?2 AND method = ?3
ORDER BY stretches.position

-- name: delete_stretches
-- All stretches of a session.
DELETE FROM stretches WHERE position > ?1 << 24 AND position < (?1 + 1) << 24
