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
