-- no-transaction
-- Contents of files of the repository that are too large for a row there, by their SHA-256. One that no file names is
-- being written, or is removed some time after `changed_at`.
CREATE TABLE IF NOT EXISTS contents (
    digest TEXT NOT NULL PRIMARY KEY,
    length BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
