-- no-transaction
-- The bytes of bundles in parts of 256 KiB, when the database keeps them. The key to `bundles` is a guard: nothing is
-- added to a bundle that was cleaned up meanwhile.
CREATE TABLE IF NOT EXISTS bundle_data (
    bundle_id TEXT NOT NULL REFERENCES bundles (id),
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (bundle_id, part)
);
