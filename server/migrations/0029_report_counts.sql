-- no-transaction
-- How many players reported that a version started, and that it failed to. Nothing is known of who has.
CREATE TABLE IF NOT EXISTS report_counts (
    version_id UUID NOT NULL REFERENCES versions (id),
    platform TEXT NOT NULL,
    started BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (version_id, platform)
);
