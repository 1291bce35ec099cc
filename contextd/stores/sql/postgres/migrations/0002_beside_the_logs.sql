-- What stands beside the logs: inbox, accounts, jobs.

-- One key for a tenant's id: whatever an id is, an index entry has 32 bytes.
CREATE FUNCTION contextd.key(tenant bytea, id bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256(int4send(length(tenant)) || tenant || id) $$;

CREATE TABLE contextd.positions (
    bucket integer PRIMARY KEY,
    newest bigint NOT NULL
) WITH (fillfactor = 10);

INSERT INTO contextd.positions SELECT bucket, 0 FROM generate_series(0, 255) AS bucket;

CREATE SEQUENCE contextd.links;

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
