-- no-transaction
-- One row, which every change of the signed repository counts up.
CREATE TABLE IF NOT EXISTS repository (
    id BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO repository (id, revision) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
