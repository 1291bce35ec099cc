-- One row a turn: the packed vectors of its passages.  `position` as in `records`, with the
-- turn's number in place of the revision.  `space` names the model that made them; those of
-- another model are replaced.  All of it can be computed again.
CREATE TABLE vectors (
    position INTEGER PRIMARY KEY,
    space BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
