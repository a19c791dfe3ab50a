-- no-transaction
-- The bytes of `contents`, in parts of 1 MiB.
CREATE TABLE IF NOT EXISTS content_parts (
    digest TEXT NOT NULL REFERENCES contents (digest),
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (digest, part)
);
