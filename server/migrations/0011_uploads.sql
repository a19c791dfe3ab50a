-- no-transaction
-- Publications, under way or done.
CREATE TABLE IF NOT EXISTS uploads (
    id UUID NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL,
    version TEXT NOT NULL,
    platform TEXT NOT NULL,
    sequence BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS uploads_by_expiry ON uploads (expires_at);
