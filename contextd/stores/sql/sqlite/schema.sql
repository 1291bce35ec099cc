-- The tables as the newest migration leaves them: to be read, never run.
-- A test demands that the migrations lead exactly here.

-- One row a session.  Ids are the UTF-8 bytes, so they compare and sort byte for byte.
-- `revision` is the number of the session's records; a log that has fewer is damaged.  `used` is
-- the hour of its last use, counted since 1970; `incarnation` tells it from another that was begun
-- under its key after a deletion.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL,
    conversation BLOB NOT NULL,
    revision INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0, incarnation BLOB NOT NULL DEFAULT x'',
    UNIQUE (tenant, conversation)
) STRICT;

CREATE INDEX sessions_by_use ON sessions (used);

-- One row a record, in `codec` form.  `position` is session * 2^24 + revision, so that the
-- log of a session lies together.  The last record of a commit carries its request id and
-- digest, so a commit of one record is one INSERT, and a retry finds what was answered.
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    body BLOB NOT NULL,
    request_id BLOB,
    digest BLOB
) STRICT;

CREATE UNIQUE INDEX requests ON records (position >> 24, request_id)
WHERE request_id IS NOT NULL;

CREATE TRIGGER advance_session AFTER INSERT ON records BEGIN
    UPDATE sessions SET revision = new.position & 0xffffff WHERE id = new.position >> 24;
END;

-- One row a turn: the packed vectors of its passages.  `position` as in `records`, with the
-- turn's number in place of the revision.  `space` names the model that made them; those of
-- another model are replaced.  All of it can be computed again.
CREATE TABLE vectors (
    position INTEGER PRIMARY KEY,
    space BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- One row a stretch of turns: the index of its passages.  `position` as in `records`, with the
-- number of its first turn in place of the revision.  `method` names how turns were read;
-- what another one made is replaced.  All of it can be computed again.
CREATE TABLE stretches (
    position INTEGER PRIMARY KEY,
    method BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- What stands beside the logs of sessions.  All of it but the accounts follows from them.  A
-- row's `session` is that of `sessions`; its tenant stands in the row for the indices.

-- One row: the number of the newest change, of whatever row.  It never goes back.
CREATE TABLE positions (
    newest INTEGER NOT NULL
) STRICT;

-- One row a handoff.  `raised` is the number of its raising, `position` of its last change.
CREATE TABLE handoffs (
    raised INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    session INTEGER NOT NULL,
    tenant BLOB NOT NULL,
    handoff BLOB NOT NULL,
    account BLOB NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    headline BLOB NOT NULL,
    channel_mode TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    agent BLOB NOT NULL,
    outcome TEXT,
    UNIQUE (tenant, handoff)
) STRICT;

CREATE INDEX handoffs_of_session ON handoffs (session, status);

CREATE INDEX handoffs_by_status ON handoffs (tenant, status, raised);

CREATE INDEX handoffs_by_change ON handoffs (tenant, position);

-- One row a session that belongs to an account.  `linked` is the number of the linking; `recap`
-- the position in `records` of what was last read of the conversation.
CREATE TABLE account_conversations (
    session INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL,
    account BLOB NOT NULL,
    linked INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    recap INTEGER,
    closed INTEGER NOT NULL
) STRICT;

CREATE INDEX conversations_of_account ON account_conversations (tenant, account, linked);

-- One row a change of an account, in `codec` form; the log of the account is all of them.  The
-- first one has its `incarnation`.
CREATE TABLE accounts (
    tenant BLOB NOT NULL,
    account BLOB NOT NULL,
    revision INTEGER NOT NULL,
    body BLOB NOT NULL,
    request_id BLOB,
    digest BLOB, incarnation BLOB NOT NULL DEFAULT x'',
    UNIQUE (tenant, account, revision)
) STRICT;

CREATE UNIQUE INDEX account_requests ON accounts (tenant, account, request_id)
WHERE request_id IS NOT NULL;

-- One row a job that has not ended; the fields of `Job`.
CREATE TABLE jobs (
    queue TEXT NOT NULL,
    tenant BLOB NOT NULL,
    job BLOB NOT NULL,
    session INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease BLOB NOT NULL,
    leased_until INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    error BLOB NOT NULL,
    PRIMARY KEY (queue, tenant, job)
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_of_session ON jobs (session);

CREATE INDEX jobs_of_tenant ON jobs (queue, tenant, dead, job);

CREATE INDEX jobs_due ON jobs (queue, due_at, job, tenant) WHERE dead = 0;

CREATE INDEX jobs_due_of_tenant ON jobs (queue, tenant, due_at, job) WHERE dead = 0;
