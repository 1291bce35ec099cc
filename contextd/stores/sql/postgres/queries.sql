-- Every statement the Postgres store runs, by name.  `contextd.` stands for the store's schema.

-- name: look
-- What must hold of the server, and which schema it has.
SELECT
    current_setting('server_version_num')::integer AS version,
    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only,
    current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS synced,
    current_setting('server_encoding') AS encoding

-- name: find_tables
-- What a schema of this name holds: our table of versions, and how much in all.
SELECT count(*) FILTER (WHERE relname = 'schema_versions') > 0 AS ours, count(*) AS all
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1

-- name: find_schema
-- Whether there is a schema of this name, which an operator may have made for us.
SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)

-- name: read_version
-- The version of the schema.
SELECT coalesce(max(version), 0) FROM contextd.schema_versions

-- name: add_version
-- A migration has been made.
INSERT INTO contextd.schema_versions (version) VALUES ($1)

-- name: lock_schema
-- Nobody else migrates this schema until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended($1, 4711))

-- name: create_schema
-- The schema itself.
CREATE SCHEMA contextd

-- name: create_versions
-- Its versions.
CREATE TABLE IF NOT EXISTS contextd.schema_versions (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: append
-- One commit.
SELECT outcome, revision, digest FROM contextd.append(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
)

-- name: read_records
-- Whether this is a standby, the session with its incarnation and revision, and its records
-- after a revision.  One row with NULLs where there is none.  One statement, hence one snapshot.
SELECT pg_is_in_recovery(), sessions.incarnation, sessions.revision, records.revision, body
FROM (SELECT) AS always
    LEFT JOIN contextd.sessions ON tenant = $1 AND conversation = $2
    LEFT JOIN contextd.records ON session = id AND records.revision > $3
ORDER BY records.revision LIMIT $4

-- name: delete_session
-- All of a session.
SELECT * FROM contextd.delete($1, $2, $3, $4)

-- name: list_sessions
-- A page of a tenant's sessions in byte order.
SELECT conversation, revision FROM contextd.sessions
WHERE tenant = $1 AND conversation > $2 ORDER BY conversation LIMIT $3

-- name: idle_sessions
-- A page of the sessions not used since an hour, those unused for longest first, each with its
-- account and whether something of it is open.
SELECT
    sessions.id, sessions.tenant, conversation, revision, used, account,
    EXISTS (SELECT 1 FROM contextd.handoffs
        WHERE handoffs.session = sessions.id AND status IN ('waiting', 'claimed'))
    OR EXISTS (SELECT 1 FROM contextd.jobs WHERE jobs.session = sessions.id AND NOT dead),
    incarnation
FROM contextd.sessions
    LEFT JOIN contextd.account_conversations ON account_conversations.session = sessions.id
WHERE used < $1 AND (used, sessions.id) > ($2, $3)
ORDER BY used, sessions.id LIMIT $4

-- name: put_vectors
-- The vectors of some turns, in place of those they had, unless the session is gone.  The lock
-- is one that appends do not wait for, and deletions do.
INSERT INTO contextd.vectors (session, turn, space, body)
SELECT id, turn, $3, part
FROM (
    SELECT id FROM contextd.sessions
    WHERE tenant = $1 AND conversation = $2 AND (incarnation = $7 OR $7 = '') FOR KEY SHARE
) AS this, contextd.parts($5, $6)
    JOIN unnest($4::text::integer[]) WITH ORDINALITY AS turns (turn, at) ON at = n
ON CONFLICT (session, turn) DO UPDATE SET space = excluded.space, body = excluded.body

-- name: read_vectors
-- The vectors of a session's turns after one of them, in one space.
SELECT turn, body FROM contextd.sessions JOIN contextd.vectors ON session = id AND turn > $3
WHERE tenant = $1 AND conversation = $2 AND space = $4 ORDER BY turn

-- name: put_stretch
-- The index of one stretch, in place of the one it had, unless the session is gone.
INSERT INTO contextd.stretches (session, first, method, body)
SELECT id, $4, $3, $5
FROM (
    SELECT id FROM contextd.sessions
    WHERE tenant = $1 AND conversation = $2 AND (incarnation = $6 OR $6 = '') FOR KEY SHARE
) AS this
ON CONFLICT (session, first) DO UPDATE SET method = excluded.method, body = excluded.body

-- name: read_stretches
-- The stretches of a session that one method made.
SELECT first, body FROM contextd.sessions JOIN contextd.stretches ON session = id
WHERE tenant = $1 AND conversation = $2 AND method = $3 ORDER BY first

-- name: find_handoff
-- One handoff.
SELECT
    handoff, handoffs.tenant, conversation, account, status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM contextd.handoffs JOIN contextd.sessions ON id = session
WHERE contextd.key(handoffs.tenant, handoff) = contextd.key($1, $2)

-- name: list_handoffs
-- A page of those that stand in one of some ways, in the order of raising.  Each way reads no
-- more than a page, from its part of the index.
SELECT
    handoff, page.tenant, conversation, account, page.status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM unnest(string_to_array($4, ',')) AS chosen (status),
    LATERAL (
        SELECT * FROM contextd.handoffs
        WHERE tenant = $1 AND handoffs.status = chosen.status AND raised > $2
        ORDER BY raised LIMIT $3
    ) AS page
    JOIN contextd.sessions ON id = session
ORDER BY raised LIMIT $3

-- name: list_handoff_changes
-- A page of those changed after a position, in the order of the changes.
SELECT
    handoff, handoffs.tenant, conversation, account, status, reason, headline, channel_mode,
    raised_at, changed_at, agent, outcome, raised, position
FROM contextd.handoffs JOIN contextd.sessions ON id = session
WHERE handoffs.tenant = $1 AND position > $2 ORDER BY position LIMIT $3

-- name: append_account
-- One change of an account.
SELECT outcome, revision, digest FROM contextd.append_account(
    $1, $2, $3, $4, $5, $6, $7, $8
)

-- name: read_account
-- The changes of an account after a revision; before them its first one, for the incarnation.
SELECT revision, body, incarnation FROM contextd.accounts
WHERE contextd.key(tenant, account) = contextd.key($1, $2) AND (revision > $3 OR revision = 1)
ORDER BY revision

-- name: delete_account
-- All changes of an account, counted.
SELECT gone FROM contextd.delete_account($1, $2)

-- name: list_conversations
-- The conversations of an account, those linked last first, with the records of their recaps.
SELECT conversation, opened_at, sessions.revision, closed, body
FROM contextd.account_conversations AS linked JOIN contextd.sessions ON id = linked.session
    LEFT JOIN contextd.records
        ON records.session = linked.session AND records.revision = linked.recap
WHERE contextd.key(linked.tenant, account) = contextd.key($1, $2)
ORDER BY linked.linked DESC LIMIT $3

-- name: lease_jobs
-- A lease for the jobs that are due, the longest due first; those that somebody else is about
-- to be given are passed over, not waited for.
WITH due AS (
    SELECT queue, contextd.key(tenant, job) AS id FROM contextd.jobs
    WHERE queue = $1 AND NOT dead AND due_at <= $2 AND leased_until <= $2
        AND (tenant = $6 OR $6 = '')
    ORDER BY due_at, job, tenant LIMIT $5 FOR UPDATE SKIP LOCKED
)
UPDATE contextd.jobs SET lease = $3, leased_until = $4, attempts = attempts + 1
FROM due, contextd.sessions
WHERE jobs.queue = due.queue AND contextd.key(jobs.tenant, job) = due.id AND sessions.id = session
RETURNING jobs.queue, job, jobs.tenant, conversation,
    due_at, attempts, lease, leased_until, dead, error

-- name: postpone_job
-- A leased job waits again.
UPDATE contextd.jobs SET due_at = $5, leased_until = 0, error = $6
FROM contextd.sessions
WHERE id = session AND queue = $1 AND contextd.key(jobs.tenant, job) = contextd.key($2, $3)
    AND lease = $4 AND $4 <> ''
RETURNING queue, job, jobs.tenant, conversation,
    due_at, attempts, lease, leased_until, dead, error

-- name: bury_job
-- A leased job lies as dead.
UPDATE contextd.jobs SET leased_until = 0, dead = true, error = $5
FROM contextd.sessions
WHERE id = session AND queue = $1 AND contextd.key(jobs.tenant, job) = contextd.key($2, $3)
    AND lease = $4 AND $4 <> ''
RETURNING queue, job, jobs.tenant, conversation,
    due_at, attempts, lease, leased_until, dead, error

-- name: drop_job
-- A leased job leaves its queue.
DELETE FROM contextd.jobs
WHERE queue = $1 AND contextd.key(tenant, job) = contextd.key($2, $3)
    AND lease = $4 AND $4 <> ''
RETURNING true

-- name: revive_job
-- A dead job waits again, as if never tried.
UPDATE contextd.jobs SET due_at = $4, attempts = 0, lease = '', dead = false
FROM contextd.sessions
WHERE id = session AND queue = $1 AND contextd.key(jobs.tenant, job) = contextd.key($2, $3)
    AND dead
RETURNING queue, job, jobs.tenant, conversation,
    due_at, attempts, lease, leased_until, dead, error

-- name: find_job
-- One job.
SELECT queue, job, jobs.tenant, conversation, due_at, attempts, lease, leased_until, dead, error
FROM contextd.jobs JOIN contextd.sessions ON id = session
WHERE queue = $1 AND contextd.key(jobs.tenant, job) = contextd.key($2, $3)

-- name: list_jobs
-- A page of a tenant's dead or living jobs in byte order.
SELECT queue, job, jobs.tenant, conversation, due_at, attempts, lease, leased_until, dead, error
FROM contextd.jobs JOIN contextd.sessions ON id = session
WHERE queue = $1 AND jobs.tenant = $2 AND dead = $3
    AND substring(job, 1, 256) >= substring($4::bytea, 1, 256) AND job > $4
ORDER BY substring(job, 1, 256), job LIMIT $5
