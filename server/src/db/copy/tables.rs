//! Every table: its columns, and the statements that read and write its rows.

use uuid::Uuid;

use crate::db::sql;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BIGINT`
    Int,
    /// `BOOLEAN`
    Bool,
    /// `TEXT`
    Text,
    /// `BYTEA`
    Bytes,
    /// `UUID`
    Uuid,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `Kind`")]
pub enum Value {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
}

/// A table: its columns, those of the primary key first.
#[derive(Debug)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// How many columns the primary key has.
    pub key: usize,
    /// Names and types of all columns.
    pub columns: &'static [(&'static str, Kind)],
    /// Rows that are copied at once.
    pub page: u32,
}

use Kind::{Bool, Bytes, Int, Text, Uuid as Id};

/// All tables but the leases, which belong to running processes. Those that others refer to come first; `repository` is
/// the last.
pub const TABLES: &[Table] = &[
    table(
        "modes",
        1,
        500,
        &[
            ("id", Id),
            ("name", Text),
            ("description", Text),
            ("is_active", Bool),
            ("update_to", Id),
            ("sequence", Int),
            ("updated_at", Int),
        ],
    ),
    table(
        "versions",
        1,
        500,
        &[
            ("id", Id),
            ("mode_id", Id),
            ("version", Text),
            ("sort_key", Bytes),
            ("state", Text),
            ("skip_update", Bool),
            ("recalled", Bool),
            ("rollout", Int),
            ("sequence", Int),
            ("manifest_file_uri", Text),
            ("published_at", Int),
            ("updated_at", Int),
        ],
    ),
    table("report_limits", 1, 500, &[("mode_id", Id), ("minimum", Int), ("percent", Int)]),
    table("report_counts", 2, 500, &[("version_id", Id), ("platform", Text), ("started", Int), ("failed", Int)]),
    table(
        "halts",
        1,
        500,
        &[
            ("version_id", Id),
            ("platform", Text),
            ("reports", Int),
            ("failed", Int),
            ("percent", Int),
            ("halted_at", Int),
        ],
    ),
    table(
        "files",
        1,
        500,
        &[
            ("id", Id),
            ("version_id", Id),
            ("platform", Text),
            ("file_name", Text),
            ("file_uri", Text),
            ("file_checksum_hash", Text),
            ("size", Int),
        ],
    ),
    table(
        "cdn",
        1,
        500,
        &[
            ("uid", Id),
            ("name", Text),
            ("uri", Text),
            ("region", Text),
            ("is_enabled", Bool),
            ("weight", Int),
            ("is_healthy", Bool),
            ("contrary_count", Int),
            ("latency_ms", Int),
            ("last_checked_on", Int),
            ("updated_at", Int),
        ],
    ),
    table(
        "chunks",
        1,
        500,
        &[
            ("id", Bytes),
            ("size", Int),
            ("stored_size", Int),
            ("state", Text),
            ("in_use", Bool),
            ("keep_until", Int),
            ("doomed_at", Int),
        ],
    ),
    table("chunk_data", 1, 64, &[("id", Bytes), ("bytes", Bytes)]),
    table("chunk_tails", 1, 500, &[("id", Bytes), ("bytes", Bytes)]),
    table(
        "chunk_sets",
        1,
        500,
        &[("id", Id), ("version_id", Id), ("platform", Text), ("state", Text), ("changed_at", Int)],
    ),
    table("set_chunks", 2, 1000, &[("chunk_id", Bytes), ("set_id", Id)]),
    table("version_chunks", 3, 1000, &[("chunk_id", Bytes), ("version_id", Id), ("platform", Text)]),
    table(
        "repository_files",
        1,
        4,
        &[("path", Text), ("kind", Text), ("bytes", Bytes), ("in_force", Bool), ("superseded_at", Int)],
    ),
    table("contents", 1, 500, &[("digest", Text), ("length", Int), ("changed_at", Int)]),
    table("content_parts", 2, 8, &[("digest", Text), ("part", Int), ("bytes", Bytes)]),
    table("file_contents", 1, 500, &[("path", Text), ("digest", Text)]),
    table(
        "uploads",
        1,
        500,
        &[
            ("id", Id),
            ("mode", Text),
            ("version", Text),
            ("platform", Text),
            ("sequence", Int),
            ("created_at", Int),
            ("expires_at", Int),
        ],
    ),
    table("upload_documents", 2, 1, &[("upload_id", Id), ("kind", Text), ("bytes", Bytes)]),
    table("upload_document_parts", 3, 8, &[("upload_id", Id), ("kind", Text), ("part", Int), ("bytes", Bytes)]),
    table("upload_bundle_parts", 3, 8, &[("upload_id", Id), ("bundle_id", Text), ("part", Int), ("bytes", Bytes)]),
    table(
        "tokens",
        1,
        500,
        &[
            ("id", Id),
            ("name", Text),
            ("hash", Bytes),
            ("scopes", Text),
            ("created_at", Int),
            ("expires_at", Int),
            ("revoked_at", Int),
            ("last_used_at", Int),
        ],
    ),
    table(
        "audit",
        1,
        500,
        &[
            ("id", Id),
            ("done_at", Int),
            ("actor", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
            ("request_id", Text),
        ],
    ),
    table("chunk_pins", 1, 1000, &[("chunk_id", Bytes), ("keep_until", Int)]),
    table(
        "bundles",
        1,
        500,
        &[
            ("id", Text),
            ("to_index", Text),
            ("from_index", Text),
            ("length", Int),
            ("front_bytes", Int),
            ("plain_bytes", Int),
            ("effort", Text),
            ("state", Text),
            ("created_at", Int),
            ("changed_at", Int),
        ],
    ),
    table("bundle_data", 2, 64, &[("bundle_id", Text), ("part", Int), ("bytes", Bytes)]),
    table("bundle_asks", 3, 500, &[("to_index", Text), ("from_index", Text), ("day", Int), ("asks", Int)]),
    table("chunk_place", 1, 1, &[("id", Int), ("place", Text), ("moved_from", Text)]),
    table("repository", 1, 1, &[("id", Int), ("revision", Int)]),
];

const fn table(name: &'static str, key: usize, page: u32, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, key, columns, page }
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn key_names(&self) -> String {
        self.columns.iter().take(self.key).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The statement that reads a page: of the beginning, or after a key. `is_hashed`: with the SHA-256 of bytes, as
    /// `PostgreSQL` makes it.
    pub(in crate::db) fn select(&self, is_first: bool, is_hashed: bool) -> String {
        let read = |(at, (name, kind)): (usize, &(&str, Kind))| match kind {
            Bytes if is_hashed && at >= self.key => format!("sha256({name}) AS {name}"),
            _ => (*name).to_owned(),
        };
        let names = self.columns.iter().enumerate().map(read).collect::<Vec<_>>().join(", ");
        let key = self.key_names();
        let after = (1..=self.key).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let condition = if is_first { String::new() } else { format!(" WHERE ({key}) > ({after})") };
        let limit = if is_first { 1 } else { self.key + 1 };
        format!("SELECT {names} FROM {} {condition} ORDER BY {key} LIMIT ${limit}", self.name)
    }

    /// The statement that brings rows to `PostgreSQL` without a value bound.
    pub(in crate::db) fn copy_in(&self) -> String {
        format!("COPY {} ({}) FROM STDIN WITH (FORMAT binary)", self.name, self.names())
    }

    /// The statement that adds or replaces this many rows.
    pub(in crate::db) fn insert(&self, count: usize) -> String {
        let values = sql::rows(&format!("{{rows {}}}", self.columns.len()), count);
        let others: Vec<String> =
            self.columns.iter().skip(self.key).map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        let action = if others.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", others.join(", ")) };
        let (names, key) = (self.names(), self.key_names());
        format!("INSERT INTO {} ({names}) VALUES {values} ON CONFLICT ({key}) DO {action}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every column of every table that the migrations make is copied.
    #[test]
    fn every_table_and_column_is_copied() {
        let mut found = 0;
        for (name, text) in crate::db::migrate::MIGRATIONS {
            let Some((_, rest)) = text.split_once("CREATE TABLE IF NOT EXISTS ") else { continue };
            let (table, rest) = rest.split_once(" (").unwrap();
            if table == "leases" {
                continue;
            }
            let (body, _) = rest.split_once("\n);").unwrap();
            let known =
                TABLES.iter().find(|known| known.name == table).unwrap_or_else(|| panic!("{table} is not copied"));
            let columns: Vec<&str> = body
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with("PRIMARY KEY") && !line.starts_with("UNIQUE"))
                .map(|line| line.split(' ').next().unwrap())
                .collect();
            let copied: Vec<&str> = known.columns.iter().map(|(name, _)| *name).collect();
            assert_eq!(copied, columns, "{name}");
            found += 1;
        }
        assert_eq!(found, TABLES.len());
        assert_eq!(TABLES.last().unwrap().name, "repository");
    }
}
