-- no-transaction
-- The files below `tuf/` and `targets/`. `kind` is root, metadata or target.
CREATE TABLE IF NOT EXISTS repository_files (
    path TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    in_force BOOLEAN NOT NULL DEFAULT FALSE,
    superseded_at BIGINT
);
CREATE INDEX IF NOT EXISTS repository_files_in_force ON repository_files (in_force, kind);
CREATE INDEX IF NOT EXISTS repository_files_superseded ON repository_files (superseded_at, kind);
