-- What tells a session from another that was begun under its key after a deletion; empty for one
-- that was begun before there was such a mark.
ALTER TABLE sessions ADD COLUMN incarnation BLOB NOT NULL DEFAULT x'';
