-- The logs of sessions, and what is computed of their turns.

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

CREATE TABLE contextd.vectors (
    session bigint NOT NULL,
    turn integer NOT NULL,
    space bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session, turn)
);

CREATE TABLE contextd.stretches (
    session bigint NOT NULL,
    first integer NOT NULL,
    method bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (session, first)
);
