-- no-transaction
-- Who may do what. The secret itself is nowhere, its SHA-256 is.
CREATE TABLE IF NOT EXISTS tokens (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT
);
