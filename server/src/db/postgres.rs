//! `PostgreSQL` and `CockroachDB`: one pool, every transaction serializable.
//!
//! Nothing here may depend on a feature that only one of the two has. `CockroachDB` is always serializable;
//! `PostgreSQL` is set to be.

// The modules in `body` are compiled once for each driver: see `db.rs`.
#![allow(clippy::duplicate_mod)]

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _};

use super::retry::{Tries, repeat};
use super::{Db, Pools, sql};
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
mod fill;
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
mod unreached;
#[path = "body/uploads.rs"]
mod uploads;
#[path = "body/versions.rs"]
mod versions;

use fill::fill;

type Driver = sqlx::Postgres;
type Conn = sqlx::PgConnection;
const BEGIN_READ: &str = "BEGIN READ ONLY";
const BEGIN_WRITE: &str = "BEGIN";
/// The time in microseconds since 1970, by the clock of the database.
const CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)";
/// The bytes of empty pages, which nobody outside can know.
const ROOM: &str = "SELECT CAST(0 AS BIGINT)";

/// Items that one transaction changes where it may as well be several, with at most four rows each, and their bytes: no
/// transaction has more than 1,000 rows or 2 MiB, because `CockroachDB` slows down with more.
const STEP: usize = 250;
const STEP_BYTES: usize = 1 << 20;
/// Rows that the last transaction of a change may have.
const CHANGE_ROWS: usize = 1000;

/// The name by which the database knows the connections of servers, and of commands that change it.
const PROGRAM: &str = "vsekai-server";

/// The same for one that only looks, how long it tries, and how often it looks for servers.
const LOOKER: &str = "vsekai-server-look";
const LOOK: Duration = Duration::from_secs(5);
/// How long a database may take to start.
const STARTS: Duration = Duration::from_secs(20);
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);
const SERVERS: &str =
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1";
/// The code of `undefined_table`.
const NO_TABLE: &str = "42P01";

/// Settings of each session. Sent one by one, because `CockroachDB` does not accept several in one prepared statement.
/// Notices, such as that a table exists already, would be in the log at every start.
const SESSION: [&str; 3] = [
    "SET default_transaction_isolation = 'serializable'",
    "SET idle_in_transaction_session_timeout = 30000",
    "SET client_min_messages = 'warning'",
];
/// Not for migrations, where making an index over many rows may take long.
const STATEMENT_TIMEOUT: &str = "SET statement_timeout = 30000";
/// Connections are replaced regularly, so that servers that come back are used again.
const MAX_LIFETIME: Duration = Duration::from_mins(10);
const IDLE_TIMEOUT: Duration = Duration::from_mins(3);

/// Opens `postgres:`, `postgresql:` or `cockroachdb:`, and brings the tables up to date.
pub(super) async fn open(url: &str, pools: &Pools) -> Result<Arc<dyn Db>> {
    let options = options(url)?.application_name(PROGRAM);
    reach(&options).await?;
    let migrators = connect(pools, &options, 2, false).await?;
    migration::run(&migrators).await?;
    migrators.close().await;
    let pool = connect(pools, &options, pools.connections.max(1), true).await?;
    let is_cockroach = is_cockroach(&pool).await?;
    let (readers, chunk_writers, writers) = (pool.clone(), pool.clone(), pool);
    let (reads_earlier, is_postgres) = (is_cockroach.into(), !is_cockroach);
    Ok(Arc::new(store::Store { readers, writers, chunk_writers, reads_earlier, is_postgres }))
}

fn options(url: &str) -> Result<PgConnectOptions> {
    let url = match url.split_once("://") {
        Some(("cockroachdb", rest)) => format!("postgres://{rest}"),
        _ => url.to_owned(),
    };
    // Does not show the error, which may contain the password.
    PgConnectOptions::from_str(&url).map_err(|_| malformed())
}

/// A connection that only looks, under a name of its own.
async fn look(url: &str) -> Result<Conn> {
    unreached::connect(&options(url)?.application_name(LOOKER), LOOK).await
}

/// Waits for a database that starts at the same time, and says so.
async fn reach(options: &PgConnectOptions) -> Result<()> {
    let began = Instant::now();
    let mut tries = Tries::new();
    loop {
        match unreached::connect(options, LOOK).await {
            Ok(connection) => {
                // The other end notices, whether this is heard or not.
                let _ = connection.close().await;
                return Ok(());
            }
            Err(error @ Error::Command { .. }) if began.elapsed() > STARTS => return Err(error),
            Err(error @ Error::Command { .. }) => {
                if tries.count() == 0 {
                    tracing::warn!(
                        event = "database_unanswered",
                        "{error}; trying again for {} seconds",
                        STARTS.as_secs()
                    );
                }
                tries.pause().await;
            }
            Err(error) => tries.again(error).await?,
        }
    }
}

/// The place of chunks and the one before it.
pub(super) async fn look_for_place(url: &str) -> Result<Option<(String, String)>> {
    let mut connection = look(url).await?;
    match sqlx::query_as::<Driver, (String, String)>(sql::CHUNK_PLACE).fetch_optional(&mut connection).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_TABLE) => Ok(None),
        found => Ok(found?),
    }
}

/// Whether a server has connections to the database. One that ends now is looked at again.
pub(super) async fn is_in_use(url: &str) -> Result<bool> {
    let mut connection = look(url).await?;
    for _ in 0..LOOKS {
        let count: i64 = sqlx::query_scalar(SERVERS).bind(PROGRAM).fetch_one(&mut connection).await?;
        if count == 0 {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}

fn malformed() -> Error {
    let hint = "Write postgres://USER:PASSWORD@HOST/NAME, with special characters of the password as %XX";
    Error::config("The URL of the database is malformed", hint)
}

async fn is_cockroach(pool: &sqlx::Pool<Driver>) -> Result<bool> {
    let version: Result<String> = repeat!(pool, |held| {
        let conn: &mut Conn = &mut held;
        Ok(sqlx::query_scalar("SELECT version()").fetch_one(conn).await?)
    });
    Ok(version?.contains("CockroachDB"))
}

async fn connect(
    pools: &Pools,
    options: &PgConnectOptions,
    count: u32,
    ends_statements: bool,
) -> Result<sqlx::Pool<Driver>> {
    let pool = || {
        PoolOptions::<Driver>::new()
            .max_connections(count)
            .acquire_timeout(pools.acquire_timeout)
            // A lost connection shows when it is used, and the transaction is retried.
            .test_before_acquire(false)
            .idle_timeout(IDLE_TIMEOUT)
            .max_lifetime(MAX_LIFETIME)
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    for statement in SESSION.into_iter().chain(ends_statements.then_some(STATEMENT_TIMEOUT)) {
                        conn.execute(statement).await?;
                    }
                    Ok(())
                })
            })
    };
    let mut tries = Tries::new();
    loop {
        match pool().connect_with(options.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) => tries.again(error.into()).await?,
        }
    }
}
