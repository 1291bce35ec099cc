-- One row a stretch of turns: the index of its passages.  `position` as in `records`, with the
-- number of its first turn in place of the revision.  `method` names how turns were read;
-- what another one made is replaced.  All of it can be computed again.
CREATE TABLE stretches (
    position INTEGER PRIMARY KEY,
    method BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
