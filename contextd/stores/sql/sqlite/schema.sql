-- The tables as the newest migration leaves them: to be read, never run.
-- A test demands that the migrations lead exactly here.

-- One row a session.  Ids are the UTF-8 bytes, so they compare and sort byte for byte.
-- `revision` is the number of the session's records; a log that has fewer is damaged.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL,
    conversation BLOB NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (tenant, conversation)
) STRICT;

-- One row a record, in `codec` form.  `position` is session * 2^24 + revision, so that the
-- log of a session lies together and long records need no overflow page beside an index.
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- What each request id was answered: the revision its commit led to.
CREATE TABLE request_ids (
    session INTEGER NOT NULL,
    request_id BLOB NOT NULL,
    digest BLOB NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (session, request_id)
) STRICT, WITHOUT ROWID;
