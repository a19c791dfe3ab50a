-- no-transaction
-- What follows the first MiB of a document of a publication, in parts of at most 1 MiB: no database likes larger values.
CREATE TABLE IF NOT EXISTS upload_document_parts (
    upload_id UUID NOT NULL REFERENCES uploads (id),
    kind TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (upload_id, kind, part)
);
