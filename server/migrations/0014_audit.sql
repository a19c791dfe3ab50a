-- no-transaction
-- What was done, by whom. Rows are only ever added; later ones have larger ids.
CREATE TABLE IF NOT EXISTS audit (
    id UUID NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    request_id TEXT NOT NULL
);
