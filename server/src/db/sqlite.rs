//! `SQLite`: one file with its write-ahead log, one connection that writes and several that read.
//!
//! - `synchronous=FULL`: an acknowledged publication survives a power cut. With NORMAL the last ones could be lost, and
//!   clients would then find signed metadata older than what they have seen, which they must refuse. Chunks arrive
//!   through a connection of their own with NORMAL: the commit of their publication, which follows them in the log,
//!   brings them to the disk. After a power cut before that, the publisher is asked for them again.
//! - `BEGIN IMMEDIATE` for transactions that write: one that reads first and then writes would fail at once
//!   (`BUSY_SNAPSHOT`) if another has written in between, however long it was willing to wait.
//! - Only its owner may read the file, because it has the hashes of tokens.

// The modules in `body` are compiled once for each driver: see `db.rs`.
#![allow(clippy::duplicate_mod)]

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use vsekai_updater::text;

use super::retry::Tries;
use super::{Db, Pools, not_a_database, sql};
use crate::error::{Error, Result};

#[path = "body/audit.rs"]
mod audit;
#[path = "body/bundles.rs"]
mod bundles;
#[path = "body/cdns.rs"]
mod cdns;
#[path = "body/chunks.rs"]
mod chunks;
#[path = "body/contents.rs"]
mod contents;
#[path = "body/copy.rs"]
mod copy;
#[path = "body/leases.rs"]
mod leases;
#[path = "body/migration.rs"]
mod migration;
#[path = "body/places.rs"]
mod places;
#[path = "body/reports.rs"]
mod reports;
#[path = "body/repository.rs"]
mod repository;
#[path = "body/sets.rs"]
mod sets;
#[path = "body/steps.rs"]
mod steps;
#[path = "body/store.rs"]
mod store;
#[path = "body/tokens.rs"]
mod tokens;
#[path = "body/uploads.rs"]
mod uploads;
#[path = "body/versions.rs"]
mod versions;

/// There is no other way to bring many rows.
use copy::insert_rows as fill;

type Driver = sqlx::Sqlite;
type Conn = sqlx::SqliteConnection;
const BEGIN_READ: &str = "BEGIN";
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// The time in microseconds since 1970, by the clock of the database: here, that of this machine.
const CLOCK: &str = "SELECT CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER) * 1000";
/// The bytes of empty pages.
const ROOM: &str = "SELECT f.freelist_count * p.page_size FROM pragma_freelist_count AS f, pragma_page_size AS p";

/// Items that one transaction changes where it may as well be several, and their bytes: many, because each transaction
/// waits for the disk.
const STEP: usize = 5000;
const STEP_BYTES: usize = 16 << 20;
/// Rows that the last transaction of a change may have.
const CHANGE_ROWS: usize = 100_000;

/// How a database of this kind is named.
const FORM: &str = "Name a file, as in sqlite:data/vsekai.db";

/// How long another process may have a file open that is to be ours alone: one that ends now is no server.
const IN_USE: Duration = Duration::from_secs(2);

/// How long a connection waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Chunks are larger than typical rows and smaller than typical blobs: larger pages slow down lists of ids, and smaller
/// ones need about twenty writes per chunk. The page size of existing files does not change.
const PAGE_BYTES: u32 = 8192;
/// Pages in the log before it is written back to the file: 32 MiB.
const CHECKPOINT_PAGES: &str = "4096";
/// Size to which the log is truncated then, in bytes.
const LOG_BYTES: &str = "67108864";
/// Cache sizes in KiB, which `SQLite` expects as negative numbers. The writer checks thousands of ids at once.
const WRITER_CACHE: &str = "-65536";
const READER_CACHE: &str = "-4096";

/// Opens `sqlite:PATH`, creating the file if necessary, and brings its tables up to date.
pub(super) async fn open(url: &str, pools: &Pools) -> Result<Arc<dyn Db>> {
    let options = options(url)?;
    make_file(options.get_filename())?;
    let full = options.clone().pragma("cache_size", WRITER_CACHE);
    let writers = self::writers(pools, &full, 2).await?;
    migration::run(&writers).await?;
    writers.close().await;

    let writers = self::writers(pools, &full, 1).await?;
    let normal = options.clone().pragma("cache_size", READER_CACHE).synchronous(SqliteSynchronous::Normal);
    let chunk_writers = self::writers(pools, &normal, 1).await?;
    let readers = options.pragma("query_only", "ON").pragma("cache_size", READER_CACHE);
    let readers = pool(pools).max_connections(pools.connections.max(1)).connect_with(readers).await?;
    Ok(Arc::new(store::Store { readers, writers, chunk_writers, reads_earlier: false.into(), is_postgres: false }))
}

/// The place of chunks and the one before it, of a file that is there.
pub(super) async fn look_for_place(url: &str) -> Result<Option<(String, String)>> {
    let options = options(url)?.create_if_missing(false);
    if !options.get_filename().exists() {
        return Ok(None);
    }
    let mut connection = options.pragma("query_only", "ON").connect().await?;
    let found = sqlx::query_as::<Driver, (String, String)>(sql::CHUNK_PLACE).fetch_optional(&mut connection).await;
    connection.close().await?;
    match found {
        Err(sqlx::Error::Database(error)) if error.message().contains("no such table") => Ok(None),
        found => Ok(found?),
    }
}

/// Whether another process has the file open: each connection to a file with a write-ahead log holds a lock.
pub(super) async fn is_in_use(url: &str) -> Result<bool> {
    let options = options(url)?.create_if_missing(false).locking_mode(SqliteLockingMode::Exclusive);
    // It waits for the lock.
    let options = options.disable_statement_logging();
    let alone = async {
        let mut connection = options.busy_timeout(IN_USE).connect().await?;
        sqlx::query("SELECT COUNT(*) FROM sqlite_master").execute(&mut connection).await?;
        connection.close().await
    };
    match alone.await {
        Err(sqlx::Error::Database(error)) if error.message().contains("locked") => Ok(true),
        other => other.map(|()| false).map_err(Error::from),
    }
}

/// Copies the database as of one moment, while others read and write.
pub(super) async fn backup(url: &str, file: &Path) -> Result<()> {
    if file.exists() {
        let reason = format!("{} exists already", file.display());
        let hint = "Give the name of a new file: a backup overwrites nothing";
        return Err(Error::command("file_exists", reason, hint));
    }
    let not_utf8 = || Error::config("the name of the file is not UTF-8", "Give the backup another name");
    let to = file.to_str().ok_or_else(not_utf8)?;
    // The copy takes as long as it takes: no slow statement to warn of.
    let options = options(url)?.create_if_missing(false).disable_statement_logging();
    let mut connection = options.connect().await?;
    // Create it for its owner only first: it will have the hashes of tokens.
    make_file(file)?;
    sqlx::query("VACUUM INTO $1").bind(to).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// The file of a database.
pub(super) fn file_of(url: &str) -> Result<PathBuf> {
    if url.starts_with("sqlite:") { Ok(options(url)?.get_filename().to_owned()) } else { Err(not_a_database()) }
}

/// Whether a file is a whole database of a server. If not, why.
pub(super) async fn check_whole(file: &Path) -> Result<std::result::Result<(), String>> {
    let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
    let looked = async {
        let mut connection = options.connect().await?;
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
        let tables = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('repository', 'chunk_place')";
        let count: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>((said, count))
    };
    Ok(match looked.await {
        Ok((said, _)) if said != "ok" => Err(format!("it is damaged ({said})")),
        Ok((_, 0)) => Err("it has no tables of one".to_owned()),
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error))
            if ["not a database", "malformed"].iter().any(|it| error.message().contains(it)) =>
        {
            Err("it is no SQLite database, or is damaged".to_owned())
        }
        Err(error) => return Err(error.into()),
    })
}

fn options(url: &str) -> Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(url).map_err(|error| Error::config(error.to_string(), FORM))?;
    let is_file = !options.get_filename().as_os_str().is_empty();
    if url.contains(":memory:") || url.contains("mode=memory") || !is_file {
        return Err(Error::config("A database in memory would be lost", FORM));
    }
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .page_size(PAGE_BYTES)
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES))
}

/// Fails if the folder of a file is not there. The address may be mistyped, or a disk not mounted.
pub(super) fn check_folder(file: &Path) -> Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) else {
        return Ok(());
    };
    let reason = format!("the folder {} of the file {} is not there", folder.display(), file.display());
    Err(Error::config(reason, format!("Correct the address, or make the folder: `mkdir -p {}`", folder.display())))
}

pub(super) fn make_file(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| {
        let reason = format!("{}: {}", path.display(), text::system_reason(&error));
        Error::config(
            reason,
            "Choose a folder that this user may write to, with `--data DIR` or `--database sqlite:FILE`",
        )
    };
    check_folder(path)?;
    let mut file = std::fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map_err(failed)?;
    Ok(())
}

fn pool(pools: &Pools) -> PoolOptions<Driver> {
    PoolOptions::new()
        .acquire_timeout(pools.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Opens connections that write. Starting the log needs exclusive access to the file, and the busy timeout does not
/// apply to that, so it is retried here.
async fn writers(pools: &Pools, options: &SqliteConnectOptions, count: u32) -> Result<sqlx::Pool<Driver>> {
    let mut tries = Tries::new();
    loop {
        match pool(pools).max_connections(count).min_connections(1).connect_with(options.clone()).await {
            Ok(writers) => return Ok(writers),
            Err(error) => tries.again(error.into()).await?,
        }
    }
}
