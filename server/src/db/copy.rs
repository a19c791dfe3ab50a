//! Copies a whole database to another one of any kind, table by table, and compares what arrived by counts and digests.
//!
//! Rows are copied as they are, so that players, publishers and tokens notice nothing: versions of metadata, identifiers
//! and hashes stay the same. The row that begins the repository is the last: until then the copy is no repository, and an
//! interrupted one can be repeated.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::Db;
use crate::error::{Error, Result};

mod tables;

pub use tables::{Kind, TABLES, Table, Value};

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

/// Reads a table, and writes it to another database if one is given: each page while the next is read.
async fn each(db: &Arc<dyn Db>, table: &'static Table, to: Option<&Arc<dyn Db>>) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut rows = db.rows(table, None).await?;
    loop {
        for row in &rows {
            sum.add(row);
        }
        let last = rows.last().filter(|_| rows.len() >= table.page as usize);
        let after = last.map(|last| last.iter().take(table.key).cloned().collect::<Vec<_>>());
        let writing = async {
            match to {
                Some(to) => to.put_rows(table, &rows).await,
                None => Ok(()),
            }
        };
        let reading = async {
            match &after {
                Some(after) => db.rows(table, Some(after)).await.map(Some),
                None => Ok(None),
            }
        };
        let ((), next) = tokio::try_join!(writing, reading)?;
        let Some(next) = next else { return Ok(sum) };
        rows = next;
    }
}
