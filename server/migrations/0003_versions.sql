-- no-transaction
-- The releases of each mode. `sort_key` puts them into the order of their precedence, byte by byte.
CREATE TABLE IF NOT EXISTS versions (
    id UUID NOT NULL PRIMARY KEY,
    mode_id UUID NOT NULL REFERENCES modes (id),
    version TEXT NOT NULL,
    sort_key BYTEA NOT NULL,
    state TEXT NOT NULL,
    skip_update BOOLEAN NOT NULL,
    recalled BOOLEAN NOT NULL,
    rollout BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    manifest_file_uri TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (mode_id, version)
);
CREATE INDEX IF NOT EXISTS versions_by_sort_key ON versions (sort_key DESC, id);
