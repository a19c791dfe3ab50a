-- no-transaction
-- The chunks of a version for one platform, under the id of the publication that brought it. `incoming` while they are
-- being noted, `live` once the version is published, `dropped` when it is not any more.
CREATE TABLE IF NOT EXISTS chunk_sets (
    id UUID NOT NULL PRIMARY KEY,
    version_id UUID NOT NULL,
    platform TEXT NOT NULL,
    state TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
