-- no-transaction
-- Chunks that a publisher was told are there: clean-up spares them until then, as it does by the row's own
-- `keep_until`. Apart, for such a row is small and new: thousands at once would each rewrite a page of `chunks`.
CREATE TABLE IF NOT EXISTS chunk_pins (
    chunk_id BYTEA NOT NULL PRIMARY KEY,
    keep_until BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS chunk_pins_by_end ON chunk_pins (keep_until);
