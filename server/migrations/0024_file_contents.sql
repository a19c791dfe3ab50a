-- no-transaction
-- Which files of the repository have their bytes in `contents`; in `repository_files` they are empty. The key to
-- `contents` is a guard: no content goes while a file has it.
CREATE TABLE IF NOT EXISTS file_contents (
    path TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL REFERENCES contents (digest)
);
CREATE INDEX IF NOT EXISTS file_contents_by_digest ON file_contents (digest);
