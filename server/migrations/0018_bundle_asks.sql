-- no-transaction
-- How often it was asked for the way from one version to another, each day. Nothing is known of who has asked.
CREATE TABLE IF NOT EXISTS bundle_asks (
    to_index TEXT NOT NULL,
    from_index TEXT NOT NULL,
    day BIGINT NOT NULL,
    asks BIGINT NOT NULL,
    PRIMARY KEY (to_index, from_index, day)
);
