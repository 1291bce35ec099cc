-- The tables as the newest migration leaves them: to be read, never run.  The functions that
-- write are in migrations/0003_writing.sql.  A test demands that the migrations lead exactly here.

-- One row a migration that was made.
CREATE TABLE contextd.schema_versions (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row a session.  Ids are the UTF-8 bytes, so they compare and sort byte for byte, and may
-- hold NUL.  `revision` is the number of the session's records; a log that has fewer is damaged.
-- Whoever writes to a session locks its row.  `incarnation` tells it from others under its key
-- (empty: begun before there was such a mark), `used` is the hour of its last use, counted since
-- 1970.
CREATE TABLE contextd.sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant bytea NOT NULL,
    conversation bytea NOT NULL,
    incarnation bytea NOT NULL,
    revision integer NOT NULL,
    used integer NOT NULL,
    UNIQUE (tenant, conversation)
) WITH (fillfactor = 70);

CREATE INDEX sessions_by_use ON contextd.sessions (used, id);

-- One row a record, in `codec` form.  The last record of a commit carries its request id and
-- digest.
CREATE TABLE contextd.records (
    session bigint NOT NULL,
    revision integer NOT NULL,
    body bytea NOT NULL,
    request_id bytea,
    digest bytea,
    PRIMARY KEY (session, revision)
);

CREATE UNIQUE INDEX requests ON contextd.records (session, sha256(request_id))
WHERE request_id IS NOT NULL;

-- One row a turn: the packed vectors of its passages.  `space` names the model that made them;
-- those of another model are replaced.  All of it can be computed again.
CREATE TABLE contextd.vectors (
    session bigint NOT NULL,
    turn integer NOT NULL,
    space bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session, turn)
);

-- One row a stretch of turns: the index of its passages.  `first` is the number of its first
-- turn, `method` names how turns were read.  All of it can be computed again.
CREATE TABLE contextd.stretches (
    session bigint NOT NULL,
    first integer NOT NULL,
    method bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session, first)
);

-- What stands beside the logs of sessions.  All of it but the accounts follows from them.  A
-- row's `session` is that of `sessions`; its tenant stands in the row for the indices.

-- One key for a tenant's id: whatever an id is, an index entry has 32 bytes.
CREATE FUNCTION contextd.key(tenant bytea, id bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256(int4send(length(tenant)) || tenant || id) $$;

-- 256 rows, each with the number of the newest change in the inboxes of the tenants whose hash
-- begins so.  It never goes back, and no tenant's name is in it.
CREATE TABLE contextd.positions (
    bucket integer PRIMARY KEY,
    newest bigint NOT NULL
) WITH (fillfactor = 10);

-- The numbers of linkings of sessions to accounts; there may be gaps.
CREATE SEQUENCE contextd.links;

-- One row a handoff.  `raised` is the number of its raising, `position` of its last change.
CREATE TABLE contextd.handoffs (
    session bigint NOT NULL,
    tenant bytea NOT NULL,
    handoff bytea NOT NULL,
    account bytea NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    headline bytea NOT NULL,
    channel_mode text NOT NULL,
    raised_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    agent bytea NOT NULL,
    outcome text,
    raised bigint NOT NULL,
    position bigint NOT NULL
);

CREATE UNIQUE INDEX handoffs_by_id ON contextd.handoffs (contextd.key(tenant, handoff));
CREATE INDEX handoffs_of_session ON contextd.handoffs (session);
CREATE INDEX handoffs_by_status ON contextd.handoffs (tenant, status, raised);
CREATE INDEX handoffs_by_change ON contextd.handoffs (tenant, position);

-- One row a session that belongs to an account.  `linked` is the number of the linking, `recap`
-- the revision of the record with what was last read of the conversation.
CREATE TABLE contextd.account_conversations (
    session bigint PRIMARY KEY,
    tenant bytea NOT NULL,
    account bytea NOT NULL,
    linked bigint NOT NULL,
    opened_at bigint NOT NULL,
    recap integer,
    closed boolean NOT NULL
);

CREATE INDEX conversations_of_account
ON contextd.account_conversations (contextd.key(tenant, account), linked);

-- One row a change of an account, in `codec` form; the log of the account is all of them.
CREATE TABLE contextd.accounts (
    tenant bytea NOT NULL,
    account bytea NOT NULL,
    revision integer NOT NULL,
    body bytea NOT NULL,
    request_id bytea,
    digest bytea,
    incarnation bytea NOT NULL
);

CREATE UNIQUE INDEX account_updates
ON contextd.accounts (contextd.key(tenant, account), revision);
CREATE UNIQUE INDEX account_requests
ON contextd.accounts (contextd.key(tenant, account), sha256(request_id))
WHERE request_id IS NOT NULL;

-- One row a job that has not ended; the fields of `Job`.
CREATE TABLE contextd.jobs (
    queue text NOT NULL,
    tenant bytea NOT NULL,
    job bytea NOT NULL,
    session bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts integer NOT NULL,
    lease bytea NOT NULL,
    leased_until bigint NOT NULL,
    dead boolean NOT NULL,
    error bytea NOT NULL
);

CREATE UNIQUE INDEX jobs_by_id ON contextd.jobs (queue, contextd.key(tenant, job));
CREATE INDEX jobs_of_session ON contextd.jobs (session);
CREATE INDEX jobs_of_tenant ON contextd.jobs (queue, tenant, dead, substring(job, 1, 256));
CREATE INDEX jobs_due ON contextd.jobs (queue, due_at) WHERE NOT dead;
CREATE INDEX jobs_due_of_tenant ON contextd.jobs (queue, tenant, due_at) WHERE NOT dead;
