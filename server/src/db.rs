//! The database: domain types in and out. The rules are above it.
//!
//! ```text
//! Db              everything below                                        this file
//!   RepositoryDb  the signed repository, and the one way to change it     db/repository.rs
//!   VersionDb     modes, versions and files as lists                      db/versions.rs
//!   CdnDb         CDNs as lists, and their health                         db/cdns.rs
//!   UploadDb      publications that are not finished                      db/uploads.rs
//!   ChunkDb       chunks, and which of them can go                        db/chunks.rs
//!   BundleDb      bundles, and the demand for them                        db/bundles.rs
//!   LeftoverDb    what killed commits and withdrawn versions have left    db/leftovers.rs
//!   PlaceDb       where the bytes of chunks are                           db/places.rs
//!   ReportDb      what players report, and the rollouts stopped for it    db/reports.rs
//!   TokenDb, AuditDb, LeaseDb                                             db/tokens.rs, db/audit.rs, db/leases.rs
//! copy            whole tables, to another database                       db/copy.rs
//! restore         a backup in the place of an SQLite file                 db/restore.rs
//! statements      one text for SQLite, PostgreSQL and CockroachDB         db/sql.rs
//! body            runs them: the traits above, compiled once per driver   db/body/, by db/sqlite.rs and db/postgres.rs
//! migrations      one schema for all                                      ../migrations, db/migrate.rs
//! ```
//!
//! Promises: the caller sees every method happen once or not at all. What shows is changed by one serializable
//! transaction, which is retried when the database asks for it (SQLSTATE 40001). What is too much for one, `CockroachDB`
//! being at its best with small ones, is written in steps before that, where nobody sees it, and removed in steps
//! afterwards; [`LeftoverDb`] removes what a kill has left. Every method can be repeated, so a lost answer is harmless;
//! the two exceptions are documented at [`BundleDb::add_asks`] and [`ReportDb::add_reports`]. The signed repository
//! changes only through [`RepositoryDb::apply`]. The database layer decides nothing, and makes neither times nor
//! identifiers.

mod audit;
mod bundles;
mod cdns;
mod chunks;
pub mod copy;
mod leases;
mod leftovers;
mod migrate;
mod places;
mod postgres;
mod reports;
mod repository;
mod restore;
mod retry;
mod rows;
mod sql;
mod sqlite;
mod tokens;
mod uploads;
mod versions;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, Result};

pub use audit::AuditDb;
pub use bundles::BundleDb;
pub use cdns::{CdnDb, CdnFilter};
pub use chunks::{ChunkCounts, ChunkDb};
pub use leases::{LeaseDb, MAX_LEASE_S};
pub use leftovers::LeftoverDb;
pub use places::{ChunkPlace, PlaceDb};
pub use reports::ReportDb;
pub use repository::{Applied, Change, Publish, RepositoryDb, RowChange, View};
pub use restore::restore;
pub use sql::statements;
pub use tokens::TokenDb;
pub use uploads::UploadDb;
pub use versions::{FileFilter, ModeFilter, VersionDb, VersionFilter};

/// How many connections to open, and how long to wait for a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Connections to `PostgreSQL` or `CockroachDB`: about four for each core of the database, divided by the number
    /// of servers. On `SQLite`, connections that read; one more writes.
    pub connections: u32,
    /// After this long without a free connection, requests fail with `database_busy`.
    pub acquire_timeout: Duration,
}

impl Default for Pools {
    fn default() -> Self {
        Self { connections: 8, acquire_timeout: Duration::from_secs(10) }
    }
}

/// Opens a database and brings its tables up to date. URLs begin with `sqlite:`, `postgres://`, `postgresql://` or
/// `cockroachdb://`.
///
/// # Errors
/// [`Error::Config`] for any other URL, and if the tables were made by a newer server.
pub async fn open(url: &str, pools: &Pools) -> Result<Arc<dyn Db>> {
    match url.split_once(':') {
        Some(("sqlite", _)) => sqlite::open(url, pools).await,
        Some(("postgres" | "postgresql" | "cockroachdb", _)) => postgres::open(url, pools).await,
        _ => Err(not_a_database()),
    }
}

/// Whether this is how the address of a database begins.
pub(crate) fn is_url(url: &str) -> bool {
    url.split_once(':')
        .is_some_and(|(scheme, _)| matches!(scheme, "sqlite" | "postgres" | "postgresql" | "cockroachdb"))
}

fn not_a_database() -> Error {
    let reason = "The URL of a database must begin with sqlite:, postgres://, postgresql:// or cockroachdb://";
    Error::config(reason, "Write sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
}

/// Where the chunks of a database are, as far as that is recorded. Changes nothing, and waits for nobody.
///
/// # Errors
/// Those of the database.
pub async fn look_for_place(url: &str) -> Result<Option<ChunkPlace>> {
    let found = match url.split_once(':') {
        Some(("sqlite", _)) => sqlite::look_for_place(url).await?,
        Some(("postgres" | "postgresql" | "cockroachdb", _)) => postgres::look_for_place(url).await?,
        _ => return Err(not_a_database()),
    };
    Ok(found.map(|(place, moved_from)| ChunkPlace { place, moved_from }))
}

/// Fails if the folder of an `SQLite` file is not there: only that of the data is made.
///
/// # Errors
/// [`Error::Config`].
pub fn check_folder(url: &str) -> Result<()> {
    let file = url.strip_prefix("sqlite:").map(|rest| rest.split('?').next().unwrap_or(rest));
    file.map_or(Ok(()), |file| sqlite::check_folder(Path::new(file.trim_start_matches("//"))))
}

/// Whether a server, or a command that changes it, uses this database. `CockroachDB` does not tell.
///
/// # Errors
/// Those of the database.
pub async fn is_in_use(url: &str) -> Result<bool> {
    match url.split_once(':') {
        Some(("sqlite", _)) => sqlite::is_in_use(url).await,
        Some(("postgres" | "postgresql" | "cockroachdb", _)) => postgres::is_in_use(url).await,
        _ => Err(not_a_database()),
    }
}

/// Copies an `SQLite` database that is in use to a new file.
///
/// # Errors
/// [`Error::Config`] for other databases, which have tools of their own, and if the file exists already.
pub async fn backup(url: &str, file: &std::path::Path) -> Result<()> {
    if url.starts_with("sqlite:") {
        return sqlite::backup(url, file).await;
    }
    let hint = "Use `pg_dump --format=custom --file=vsekai.dump URL` for PostgreSQL, BACKUP for CockroachDB";
    Err(Error::config("`backup` copies SQLite only", hint))
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<K> {
    /// The last key of the previous page; `None` for the first page.
    pub after: Option<K>,
    /// The largest number of entries to return.
    pub limit: u32,
}

/// Everything the service asks of a database.
#[async_trait]
pub trait Db:
    RepositoryDb
    + VersionDb
    + CdnDb
    + UploadDb
    + ChunkDb
    + BundleDb
    + TokenDb
    + AuditDb
    + LeaseDb
    + PlaceDb
    + LeftoverDb
    + ReportDb
    + copy::CopyDb
    + fmt::Debug
    + Send
    + Sync
{
    /// Fails if the database does not answer.
    async fn ping(&self) -> Result<()>;
    /// Fails if the database cannot be written to, by any of the ways in which this process writes.
    async fn ping_writers(&self) -> Result<()>;
    /// Open connections, and how many of them are idle: of the pool that serves requests.
    fn connections(&self) -> (u32, usize);
    /// Bytes that can be written before the database takes more of the disk, as far as that is known.
    async fn room(&self) -> Result<u64>;
    /// Ends every connection: an `SQLite` file has all that was written then, and needs no log beside it.
    async fn close(&self);
}
