//! Copies a whole database to another one of any kind, table by table, and compares what arrived by counts and digests.
//!
//! Rows are copied as they are, so that players, publishers and tokens notice nothing: versions of metadata, identifiers
//! and hashes stay the same. The row that begins the repository is the last: until then the copy is no repository, and an
//! interrupted one can be repeated.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinError, JoinSet};

use super::Db;
use crate::error::{Error, Result};

mod tables;

pub use tables::{Kind, TABLES, Table, Value};

/// Reads and writes whole tables.
#[async_trait]
pub trait CopyDb {
    /// Rows in the order of their key, after this one.
    async fn rows(&self, table: &'static Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>>;
    /// [`rows`](Self::rows) with the SHA-256 in place of bytes that are not in the key: a database that can hash need not
    /// send them.
    async fn digests(&self, table: &'static Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>>;
    /// Adds rows, or replaces those with the same key.
    async fn put_rows(&self, table: &'static Table, rows: &[Vec<Value>]) -> Result<()>;
}

impl Table {
    /// A row as [`CopyDb::digests`] returns it.
    pub(super) fn digest(&self, row: &[Value]) -> Vec<Value> {
        let hashed = |(at, value): (usize, &Value)| match value {
            Value::Bytes(bytes) if at >= self.key => Value::Bytes(Sha256::digest(bytes).to_vec()),
            other => other.clone(),
        };
        row.iter().enumerate().map(hashed).collect()
    }
}

/// How many rows a table has, and a digest of them that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// The number of rows.
    pub rows: u64,
    digest: [u64; 4],
}

impl Sum {
    /// Adds a row of [`CopyDb::digests`].
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
        let hint = "Copy to an empty database: name a new file or a new database with `--to`";
        return Err(Error::config("The other database has a repository already", hint));
    }
    let revision = from.revision().await?;
    // What has arrived is compared while the next tables are copied.
    let mut compared = JoinSet::new();
    let (last, others) = TABLES.split_last().ok_or_else(|| Error::internal("there are no tables"))?;
    for table in others {
        let sent = each(from, table, to).await?;
        compared.spawn(compare(Arc::clone(to), table, sent));
        while let Some(done) = compared.try_join_next() {
            told(done, &mut tell)?;
        }
    }
    while let Some(done) = compared.join_next().await {
        told(done, &mut tell)?;
    }
    let sent = each(from, last, to).await?;
    if from.revision().await? != revision {
        let hint = "Stop its servers, and copy to an empty database again";
        return Err(Error::config("The database changed while it was copied", hint));
    }
    told(Ok(compare(Arc::clone(to), last, sent).await), &mut tell)
}

type Compared = Result<(&'static Table, Sum)>;

fn told(done: std::result::Result<Compared, JoinError>, tell: &mut impl FnMut(&str, u64)) -> Result<()> {
    let (table, sent) = done.map_err(Error::internal_by("comparing a table"))??;
    tell(table.name, sent.rows);
    Ok(())
}

async fn compare(to: Arc<dyn Db>, table: &'static Table, sent: Sum) -> Compared {
    let mut sum = Sum::default();
    let mut rows = to.digests(table, None).await?;
    loop {
        for row in &rows {
            sum.add(row);
        }
        let Some(after) = end(table, &rows) else { break };
        rows = to.digests(table, Some(&after)).await?;
    }
    if sum != sent {
        let reason = format!("What arrived in the table {} differs", table.name);
        return Err(Error::config(reason, "Copy again, to an empty database"));
    }
    Ok((table, sent))
}

/// Copies a table: each page is written while the next is read.
async fn each(from: &Arc<dyn Db>, table: &'static Table, to: &Arc<dyn Db>) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut rows = from.rows(table, None).await?;
    loop {
        let after = end(table, &rows);
        let writing = to.put_rows(table, &rows);
        let reading = async {
            for row in &rows {
                sum.add(&table.digest(row));
            }
            match &after {
                Some(after) => from.rows(table, Some(after)).await.map(Some),
                None => Ok(None),
            }
        };
        let ((), next) = tokio::try_join!(writing, reading)?;
        let Some(next) = next else { return Ok(sum) };
        rows = next;
    }
}

/// The key of the last row of a page, if there may be another page.
fn end(table: &Table, rows: &[Vec<Value>]) -> Option<Vec<Value>> {
    let last = rows.last().filter(|_| rows.len() >= table.page as usize)?;
    Some(last.iter().take(table.key).cloned().collect())
}
