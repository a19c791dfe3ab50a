//! `PostgreSQL` and `CockroachDB`: one pool, every transaction serializable.
//!
//! Nothing here may depend on a feature that only one of the two has. `CockroachDB` is always serializable;
//! `PostgreSQL` is set to be.

// The modules in `body` are compiled once for each driver: see `db.rs`.
#![allow(clippy::duplicate_mod)]

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;

use super::retry::{Tries, repeat};
use super::{Db, Pools};
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
    let url = match url.split_once("://") {
        Some(("cockroachdb", rest)) => format!("postgres://{rest}"),
        _ => url.to_owned(),
    };
    // Does not show the error, which may contain the password.
    let options = PgConnectOptions::from_str(&url)
        .map_err(|_| Error::Config("The URL of the database is malformed".to_owned()))?
        .application_name("vsekai-server");

    let migrators = connect(pools, &options, 2, false).await?;
    migration::run(&migrators).await?;
    migrators.close().await;
    let pool = connect(pools, &options, pools.connections.max(1), true).await?;
    let is_cockroach = is_cockroach(&pool).await?;
    let (readers, chunk_writers, writers) = (pool.clone(), pool.clone(), pool);
    let (reads_earlier, is_postgres) = (is_cockroach.into(), !is_cockroach);
    Ok(Arc::new(store::Store { readers, writers, chunk_writers, reads_earlier, is_postgres }))
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
