//! Runs the migrations, or waits until another server has: see [`crate::db::migrate`].

use std::time::Instant;

use sqlx::{Executor as _, Pool, query, query_as};
use uuid::Uuid;

use super::{Conn, Driver, leases};
use crate::db::migrate::{self, ASK_EVERY, LEASE, LEASE_SECONDS, MAX_WAIT, RENEW_EVERY};
use crate::db::retry::{Tries, repeat};
use crate::db::sql;
use crate::error::{Error, Result};

/// Needs two connections: one migrates, and the other renews the lease.
pub(super) async fn run(pool: &Pool<Driver>) -> Result<()> {
    if is_done(pool).await? {
        return Ok(());
    }
    make_leases(pool).await?;
    let holder = Uuid::new_v4().to_string();
    wait_for_lease(pool, &holder).await?;
    let outcome = tokio::select! {
        outcome = migrate(pool) => outcome,
        error = renew_lease(pool, &holder) => Err(error),
    };
    // Other servers wait for the lease. If it cannot be given back, it expires.
    if let Err(error) = give_back(pool, &holder).await {
        tracing::warn!(event = "lease_not_returned", %error, "cannot give the lease for migrations back; it will expire");
    }
    outcome
}

async fn give_back(pool: &Pool<Driver>, holder: &str) -> Result<()> {
    repeat!(pool, |held| {
        query(sql::END_LEASE).bind(LEASE).bind(holder).execute(&mut *held).await?;
        Ok(())
    })
}

async fn migrate(pool: &Pool<Driver>) -> Result<()> {
    repeat!(pool, |held| {
        let conn: &mut Conn = &mut held;
        migrate::migrator().run_direct(None, conn, false).await.map_err(migrate::failed)
    })
}

async fn is_done(pool: &Pool<Driver>) -> Result<bool> {
    let done: Result<Vec<(i64, Vec<u8>)>> = repeat!(pool, |held| {
        let conn: &mut Conn = &mut held;
        Ok(query_as::<Driver, _>(sql::MIGRATIONS_DONE).fetch_all(conn).await?)
    });
    match done {
        Ok(done) => migrate::is_done(&done),
        Err(Error::Database(sqlx::Error::Database(error))) if is_no_table(&*error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_no_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
}

/// On `PostgreSQL`, concurrent `CREATE TABLE IF NOT EXISTS` can fail with one of several errors of the system catalog.
/// The next try finds the table.
async fn make_leases(pool: &Pool<Driver>) -> Result<()> {
    let mut tries = Tries::new();
    loop {
        match pool.execute(migrate::LEASES).await {
            Ok(_) => return Ok(()),
            Err(sqlx::Error::Database(error)) if tries.count() < 5 => {
                tracing::debug!(%error, "another server is making the table of leases");
                tries.pause().await;
            }
            Err(error) => tries.again(error.into()).await?,
        }
    }
}

async fn lease(pool: &Pool<Driver>, holder: &str) -> Result<bool> {
    repeat!(pool, |held| leases::lease(&mut held, LEASE, holder, LEASE_SECONDS).await)
}

async fn wait_for_lease(pool: &Pool<Driver>, holder: &str) -> Result<()> {
    let began = Instant::now();
    while !lease(pool, holder).await? {
        if began.elapsed() > MAX_WAIT {
            let reason = "Another server has been migrating the database for too long".to_owned();
            return Err(Error::Unavailable { code: "database_busy", reason });
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}

/// Renews the lease. Returns only when it is lost.
async fn renew_lease(pool: &Pool<Driver>, holder: &str) -> Error {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match lease(pool, holder).await {
            Ok(true) => {}
            Ok(false) => {
                let reason = "Another server has taken over migrating the database".to_owned();
                return Error::Unavailable { code: "database_busy", reason };
            }
            Err(error) => return error,
        }
    }
}
