-- The hour of a session's last use, counted since 1970: what is unused for longest is found
-- without reading a log.
ALTER TABLE sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0;

CREATE INDEX sessions_by_use ON sessions (used);
