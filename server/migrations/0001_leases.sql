-- no-transaction
-- What one process of many does at a time: clean-up, probing, and these migrations themselves.
-- The program makes this table before it migrates, in the same words: see src/db/migrate.rs.
CREATE TABLE IF NOT EXISTS leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
