-- no-transaction
-- What follows the first MiB of a chunk's stored bytes: a chunk of 1 MiB that does not compress is stored in a little
-- more.
CREATE TABLE IF NOT EXISTS chunk_tails (
    id BYTEA NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL
);
