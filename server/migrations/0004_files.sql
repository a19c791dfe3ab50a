-- no-transaction
-- The signed files of each version. Without times, as proposed: their version has them.
CREATE TABLE IF NOT EXISTS files (
    id UUID NOT NULL PRIMARY KEY,
    version_id UUID NOT NULL REFERENCES versions (id),
    platform TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_uri TEXT NOT NULL,
    file_checksum_hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    UNIQUE (version_id, platform, file_name)
);
CREATE INDEX IF NOT EXISTS files_by_uri ON files (file_uri);
