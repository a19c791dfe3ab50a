-- no-transaction
-- Other addresses of the whole repository, and what probing has found of them.
CREATE TABLE IF NOT EXISTS cdn (
    uid UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    uri TEXT NOT NULL,
    region TEXT NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    weight BIGINT NOT NULL,
    is_healthy BOOLEAN NOT NULL,
    contrary_count BIGINT NOT NULL,
    latency_ms BIGINT,
    last_checked_on BIGINT,
    updated_at BIGINT NOT NULL
);
