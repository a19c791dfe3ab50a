-- no-transaction
-- The stored bytes of chunks, when the database keeps them. A table of its own, so that scans of rows skip them.
CREATE TABLE IF NOT EXISTS chunk_data (
    id BYTEA NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL
);
