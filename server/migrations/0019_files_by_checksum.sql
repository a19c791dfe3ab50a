-- no-transaction
-- Which version an index is of.
CREATE INDEX IF NOT EXISTS files_by_checksum ON files (file_checksum_hash, file_name);
