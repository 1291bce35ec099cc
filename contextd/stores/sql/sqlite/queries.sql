-- Every statement the SQLite store runs, by name.

-- name: find_session
-- The row, the revision, the last use and the incarnation of a session.
SELECT id, revision, used, incarnation FROM sessions WHERE tenant = ?1 AND conversation = ?2

-- name: find_request
-- What a request id of a session was answered.
SELECT digest, position & 0xffffff FROM records WHERE position >> 24 = ?1 AND request_id = ?2

-- name: open_session
-- A new session without records.
INSERT INTO sessions (tenant, conversation, revision, incarnation) VALUES (?1, ?2, 0, ?3)

-- name: use_session
-- The hour in which a session was used.
UPDATE sessions SET used = ?2 WHERE id = ?1

-- name: idle_sessions
-- A page of the sessions not used since an hour, those unused for longest first, each with its
-- account and whether something of it is open.
SELECT
    sessions.id, sessions.tenant, conversation, revision, used, account,
    EXISTS (SELECT 1 FROM handoffs
        WHERE handoffs.session = sessions.id AND status IN ('waiting', 'claimed'))
    OR EXISTS (SELECT 1 FROM jobs WHERE jobs.session = sessions.id AND dead = 0),
    incarnation
FROM sessions
    LEFT JOIN account_conversations ON account_conversations.session = sessions.id
WHERE used < ?1 AND (used, sessions.id) > (?2, ?3)
ORDER BY used, sessions.id LIMIT ?4

-- name: add_record
-- One record; the session advances with it.
INSERT INTO records (position, body, request_id, digest) VALUES (?1, ?2, ?3, ?4)

-- name: read_records
-- The session's revision and incarnation, with each record after a revision.  One row with NULLs if there
-- is none, no row if there is no session.  One statement, hence one snapshot.
SELECT sessions.revision, incarnation, records.position - (sessions.id << 24), records.body
FROM sessions LEFT JOIN records
    ON records.position > (sessions.id << 24) + ?3
    AND records.position < (sessions.id + 1) << 24
WHERE tenant = ?1 AND conversation = ?2
ORDER BY records.position LIMIT ?4

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

-- name: next_position
-- The number of a change that is about to be made.
UPDATE positions SET newest = newest + 1 RETURNING newest

-- name: supersede_handoff
-- The handoff of a session that still waits stands behind a newer one.
UPDATE handoffs SET status = 'superseded', changed_at = ?2, position = ?3
WHERE session = ?1 AND status = 'waiting'

-- name: file_handoff
-- A handoff that waits, in place of one of the same id.
INSERT OR REPLACE INTO handoffs (
    raised, position, session, tenant, handoff, account, status, reason, headline,
    channel_mode, raised_at, changed_at, agent, outcome
) VALUES (?1, ?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?8, ?9, ?9, x'', NULL)

-- name: move_handoff
-- A handoff stands otherwise; an empty agent and no outcome leave what it has.
UPDATE handoffs
SET status = ?3, changed_at = ?4, agent = iif(?5 = x'', agent, ?5),
    outcome = coalesce(?6, outcome), position = ?7
WHERE tenant = ?1 AND handoff = ?2

-- name: find_handoff
-- One handoff.
SELECT
    handoff, handoffs.tenant, conversation, account, status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM handoffs JOIN sessions ON sessions.id = session
WHERE handoffs.tenant = ?1 AND handoff = ?2

-- name: list_handoffs
-- A page of those that stand in one of four ways, in the order of raising.  Each arm reads
-- no more than a page, from its part of the index.
SELECT
    handoff, handoffs.tenant, conversation, account, status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM handoffs JOIN sessions ON sessions.id = session
WHERE raised IN (
    SELECT raised FROM handoffs WHERE tenant = ?1 AND status = ?4 AND raised > ?2
    UNION ALL
    SELECT raised FROM handoffs WHERE tenant = ?1 AND status = ?5 AND raised > ?2
    UNION ALL
    SELECT raised FROM handoffs WHERE tenant = ?1 AND status = ?6 AND raised > ?2
    UNION ALL
    SELECT raised FROM handoffs WHERE tenant = ?1 AND status = ?7 AND raised > ?2
    ORDER BY 1 LIMIT ?3
)
ORDER BY raised

-- name: list_handoff_changes
-- A page of those changed after a position, in the order of the changes.
SELECT
    handoff, handoffs.tenant, conversation, account, status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM handoffs JOIN sessions ON sessions.id = session
WHERE handoffs.tenant = ?1 AND position > ?2 ORDER BY position LIMIT ?3

-- name: delete_handoffs
-- All handoffs of a session.
DELETE FROM handoffs WHERE session = ?1

-- name: link_account
-- A session is a conversation of an account, and of no other any more.
INSERT OR REPLACE INTO account_conversations
    (session, tenant, account, linked, opened_at, recap, closed)
VALUES (?1, ?2, ?3, ?4, ?5, NULL, 0)

-- name: retitle_conversation
-- Where the session's newest recap is.
UPDATE account_conversations SET recap = ?2 WHERE session = ?1

-- name: end_conversation
-- The session is closed.
UPDATE account_conversations SET closed = 1 WHERE session = ?1

-- name: list_conversations
-- The conversations of an account, those linked last first, with the records of their recaps.
SELECT conversation, opened_at, revision, closed, records.body
FROM account_conversations JOIN sessions ON sessions.id = session
    LEFT JOIN records ON records.position = recap
WHERE account_conversations.tenant = ?1 AND account = ?2
ORDER BY linked DESC LIMIT ?3

-- name: delete_conversation
-- The session is a conversation of no account.
DELETE FROM account_conversations WHERE session = ?1

-- name: find_account_request
-- What a request id of an account was answered.
SELECT digest, revision FROM accounts WHERE tenant = ?1 AND account = ?2 AND request_id = ?3

-- name: find_account
-- The revision of an account and its incarnation, NULLs when there is none.
SELECT max(revision), max(incarnation) FROM accounts WHERE tenant = ?1 AND account = ?2

-- name: add_account_update
-- One change of an account.
INSERT INTO accounts (tenant, account, revision, body, request_id, digest, incarnation)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: read_account
-- The changes of an account after a revision; before them its first one, for the incarnation.
SELECT revision, body, incarnation FROM accounts
WHERE tenant = ?1 AND account = ?2 AND (revision = 1 OR revision > ?3) ORDER BY revision

-- name: delete_account
-- All changes of an account.
DELETE FROM accounts WHERE tenant = ?1 AND account = ?2

-- name: queue_job
-- A job that waits, in place of one of the same id.
INSERT OR REPLACE INTO jobs
    (queue, tenant, job, session, due_at, attempts, lease, leased_until, dead, error)
VALUES (?1, ?2, ?3, ?4, ?5, 0, x'', 0, 0, x'')

-- name: end_job
-- A job leaves its queue.
DELETE FROM jobs WHERE queue = ?1 AND tenant = ?2 AND job = ?3

-- name: holds_job
-- Whether a job is there under a lease.
SELECT 1 FROM jobs WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND lease = ?4 AND ?4 <> x''

-- name: lease_jobs
-- A lease for the jobs that are due, the longest due first.
UPDATE jobs SET lease = ?3, leased_until = ?4, attempts = attempts + 1
WHERE (queue, tenant, job) IN (
    SELECT queue, tenant, job FROM jobs
    WHERE queue = ?1 AND dead = 0 AND due_at <= ?2 AND leased_until <= ?2
    ORDER BY due_at, job, tenant LIMIT ?5
)
RETURNING queue, job, tenant, (SELECT conversation FROM sessions WHERE id = session),
    due_at, attempts, lease, leased_until, dead, error

-- name: lease_jobs_of_tenant
-- The same for one tenant's.
UPDATE jobs SET lease = ?3, leased_until = ?4, attempts = attempts + 1
WHERE (queue, tenant, job) IN (
    SELECT queue, tenant, job FROM jobs
    WHERE queue = ?1 AND tenant = ?6 AND dead = 0 AND due_at <= ?2 AND leased_until <= ?2
    ORDER BY due_at, job LIMIT ?5
)
RETURNING queue, job, tenant, (SELECT conversation FROM sessions WHERE id = session),
    due_at, attempts, lease, leased_until, dead, error

-- name: postpone_job
-- A leased job waits again.
UPDATE jobs SET due_at = ?5, leased_until = 0, error = ?6
WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND lease = ?4 AND ?4 <> x''
RETURNING queue, job, tenant, (SELECT conversation FROM sessions WHERE id = session),
    due_at, attempts, lease, leased_until, dead, error

-- name: bury_job
-- A leased job lies as dead.
UPDATE jobs SET leased_until = 0, dead = 1, error = ?5
WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND lease = ?4 AND ?4 <> x''
RETURNING queue, job, tenant, (SELECT conversation FROM sessions WHERE id = session),
    due_at, attempts, lease, leased_until, dead, error

-- name: drop_job
-- A leased job leaves its queue.
DELETE FROM jobs
WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND lease = ?4 AND ?4 <> x''

-- name: revive_job
-- A dead job waits again, as if never tried.
UPDATE jobs SET due_at = ?4, attempts = 0, lease = x'', dead = 0
WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND dead = 1
RETURNING queue, job, tenant, (SELECT conversation FROM sessions WHERE id = session),
    due_at, attempts, lease, leased_until, dead, error

-- name: find_job
-- One job.
SELECT queue, job, jobs.tenant, conversation, due_at, attempts, lease, leased_until, dead, error
FROM jobs JOIN sessions ON sessions.id = session
WHERE queue = ?1 AND jobs.tenant = ?2 AND job = ?3

-- name: list_jobs
-- A page of a tenant's dead or living jobs in byte order.
SELECT queue, job, jobs.tenant, conversation, due_at, attempts, lease, leased_until, dead, error
FROM jobs JOIN sessions ON sessions.id = session
WHERE queue = ?1 AND jobs.tenant = ?2 AND dead = ?3 AND job > ?4 ORDER BY job LIMIT ?5

-- name: delete_jobs
-- All jobs of a session.
DELETE FROM jobs WHERE session = ?1
