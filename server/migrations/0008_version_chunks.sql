-- no-transaction
-- Which chunks a version needs. The key to `chunks` is a guard: no row goes while a version needs it.
CREATE TABLE IF NOT EXISTS version_chunks (
    chunk_id BYTEA NOT NULL REFERENCES chunks (id),
    version_id UUID NOT NULL REFERENCES versions (id),
    platform TEXT NOT NULL,
    PRIMARY KEY (chunk_id, version_id, platform)
);
CREATE INDEX IF NOT EXISTS version_chunks_by_version ON version_chunks (version_id, platform);
