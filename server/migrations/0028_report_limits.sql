-- no-transaction
-- The modes whose players are asked to report whether new versions start, and when reports stop a rollout.
CREATE TABLE IF NOT EXISTS report_limits (
    mode_id UUID NOT NULL PRIMARY KEY REFERENCES modes (id),
    minimum BIGINT NOT NULL,
    percent BIGINT NOT NULL
);
