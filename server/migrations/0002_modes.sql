-- no-transaction
-- Streams of versions that users follow.
CREATE TABLE IF NOT EXISTS modes (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    update_to UUID,
    sequence BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
