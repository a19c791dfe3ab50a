-- no-transaction
-- One narrow row for each chunk, wherever its bytes are. `in_use` says that a version needs it: with it, clean-up
-- reads what it can remove and nothing else, and a publication of the same chunk conflicts with it. No index begins
-- with a column of few values: SQLite would take it in place of a list of ids, and read every row.
CREATE TABLE IF NOT EXISTS chunks (
    id BYTEA NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    stored_size BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'live',
    in_use BOOLEAN NOT NULL DEFAULT FALSE,
    keep_until BIGINT NOT NULL,
    doomed_at BIGINT
);
CREATE INDEX IF NOT EXISTS chunks_to_doom ON chunks (keep_until) WHERE state = 'live' AND in_use = FALSE;
CREATE INDEX IF NOT EXISTS chunks_to_sweep ON chunks (doomed_at) WHERE doomed_at IS NOT NULL;
