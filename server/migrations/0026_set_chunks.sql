-- no-transaction
-- Which chunks a set has. Takes the place of `version_chunks`, whose rows must not be there before their version. The
-- key to `chunks` is a guard: no row goes while a version needs it.
CREATE TABLE IF NOT EXISTS set_chunks (
    chunk_id BYTEA NOT NULL REFERENCES chunks (id),
    set_id UUID NOT NULL REFERENCES chunk_sets (id),
    PRIMARY KEY (chunk_id, set_id)
);
CREATE INDEX IF NOT EXISTS set_chunks_by_set ON set_chunks (set_id, chunk_id);
