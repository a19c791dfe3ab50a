-- no-transaction
-- The rollouts that reports have stopped, and why. A row goes when somebody raises the rollout again.
CREATE TABLE IF NOT EXISTS halts (
    version_id UUID NOT NULL PRIMARY KEY REFERENCES versions (id),
    platform TEXT NOT NULL,
    reports BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    halted_at BIGINT NOT NULL
);
