-- no-transaction
-- Chunks of a version compressed together, wherever their bytes are. All three names are SHA-256 in hex: of the bundle
-- itself, of the index of the version that it is of, and of the index that it builds on ('' if it builds on none).
CREATE TABLE IF NOT EXISTS bundles (
    id TEXT NOT NULL PRIMARY KEY,
    to_index TEXT NOT NULL,
    from_index TEXT NOT NULL,
    length BIGINT NOT NULL,
    front_bytes BIGINT NOT NULL,
    plain_bytes BIGINT NOT NULL,
    effort TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS bundles_by_version ON bundles (to_index, from_index);
