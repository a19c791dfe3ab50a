-- no-transaction
-- The parts of a publication that has not ended yet.
CREATE TABLE IF NOT EXISTS upload_documents (
    upload_id UUID NOT NULL REFERENCES uploads (id),
    kind TEXT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (upload_id, kind)
);
