-- no-transaction
-- Where the bytes of chunks and bundles are, as in the setting `chunks`, and where they were before the last move. One
-- row, so that no process takes another place for it.
CREATE TABLE IF NOT EXISTS chunk_place (
    id BIGINT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    moved_from TEXT NOT NULL
);
