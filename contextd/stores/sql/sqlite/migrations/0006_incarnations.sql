-- What tells a session from another that was begun under its key after a deletion, and an account
-- from one begun after it was forgotten; empty for what was begun before there was such a mark.
ALTER TABLE sessions ADD COLUMN incarnation BLOB NOT NULL DEFAULT x'';

ALTER TABLE accounts ADD COLUMN incarnation BLOB NOT NULL DEFAULT x'';
