//! Copies a whole database to another one of any kind, table by table, and compares what arrived by counts and digests.
//!
//! Rows are copied as they are, so that players, publishers and tokens notice nothing: versions of metadata, identifiers
//! and hashes stay the same. The row that begins the repository is the last: until then the copy is no repository, and an
//! interrupted one can be repeated.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Db;
use crate::error::{Error, Result};

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
    table("version_chunks", 3, 1000, &[("chunk_id", Bytes), ("version_id", Id), ("platform", Text)]),
    table(
        "repository_files",
        1,
        4,
        &[("path", Text), ("kind", Text), ("bytes", Bytes), ("in_force", Bool), ("superseded_at", Int)],
    ),
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

    /// The statement that reads a page: of the beginning, or after a key.
    pub(super) fn select(&self, is_first: bool) -> String {
        let (names, key) = (self.names(), self.key_names());
        let after = (1..=self.key).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let condition = if is_first { String::new() } else { format!(" WHERE ({key}) > ({after})") };
        let limit = if is_first { 1 } else { self.key + 1 };
        format!("SELECT {names} FROM {} {condition} ORDER BY {key} LIMIT ${limit}", self.name)
    }

    /// The statement that adds or replaces a row.
    pub(super) fn insert(&self) -> String {
        let values = (1..=self.columns.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let others: Vec<String> =
            self.columns.iter().skip(self.key).map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        let action = if others.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", others.join(", ")) };
        let (names, key) = (self.names(), self.key_names());
        format!("INSERT INTO {} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO {action}", self.name)
    }
}

/// Reads and writes whole tables.
#[async_trait]
pub trait CopyDb {
    /// Rows in the order of their key, after this one.
    async fn rows(&self, table: &'static Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>>;
    /// Adds rows, or replaces those with the same key.
    async fn put_rows(&self, table: &'static Table, rows: &[Vec<Value>]) -> Result<()>;
}

/// How many rows a table has, and a digest of them that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// The number of rows.
    pub rows: u64,
    digest: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            match value {
                Value::Null => hash.update([0]),
                Value::Int(number) => hash.update([&[1][..], &number.to_be_bytes()].concat()),
                Value::Bool(is) => hash.update([2, u8::from(*is)]),
                Value::Text(text) => put(&mut hash, 3, text.as_bytes()),
                Value::Bytes(bytes) => put(&mut hash, 4, bytes),
                Value::Uuid(id) => put(&mut hash, 5, id.as_bytes()),
            }
        }
        let hash = hash.finalize();
        for (sum, part) in self.digest.iter_mut().zip(hash.chunks_exact(8)) {
            *sum = sum.wrapping_add(u64::from_be_bytes(part.try_into().unwrap_or_default()));
        }
        self.rows += 1;
    }
}

fn put(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// Copies everything from one database to another, which must not have a repository yet. `tell` is told of each table.
///
/// # Errors
/// [`Error::Config`] if the other database has a repository, if the first one changed meanwhile, or if what arrived
/// differs; those of both databases.
pub async fn copy(from: &Arc<dyn Db>, to: &Arc<dyn Db>, mut tell: impl FnMut(&str, u64)) -> Result<()> {
    if to.revision().await? > 0 {
        return Err(Error::Config("The other database has a repository already; copy to an empty one".to_owned()));
    }
    let revision = from.revision().await?;
    for table in TABLES {
        let sent = each(from, table, Some(to)).await?;
        if table.name == "repository" && from.revision().await? != revision {
            let reason =
                "The database changed while it was copied: stop its servers, and copy to an empty database again";
            return Err(Error::Config(reason.to_owned()));
        }
        if each(to, table, None).await? != sent {
            let reason = format!("What arrived in the table {} differs: copy to an empty database", table.name);
            return Err(Error::Config(reason));
        }
        tell(table.name, sent.rows);
    }
    Ok(())
}

/// Reads a table, and writes it to another database if one is given.
async fn each(db: &Arc<dyn Db>, table: &'static Table, to: Option<&Arc<dyn Db>>) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut after: Option<Vec<Value>> = None;
    loop {
        let rows = db.rows(table, after.as_deref()).await?;
        for row in &rows {
            sum.add(row);
        }
        if let Some(to) = to {
            to.put_rows(table, &rows).await?;
        }
        let Some(last) = rows.last().filter(|_| rows.len() >= table.page as usize) else { return Ok(sum) };
        after = Some(last.iter().take(table.key).cloned().collect());
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
