-- no-transaction
-- Bundles that publishers send, in parts of at most 1 MiB, until they are checked. Each is named by the SHA-256 that it
-- should have.
CREATE TABLE IF NOT EXISTS upload_bundle_parts (
    upload_id UUID NOT NULL REFERENCES uploads (id),
    bundle_id TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (upload_id, bundle_id, part)
);
