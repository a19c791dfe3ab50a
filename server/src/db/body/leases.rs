//! Leases.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_scalar};

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, CLOCK, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::{LeaseDb, MAX_LEASE_S, sql};
use crate::error::Result;
use crate::model::Time;

#[async_trait]
impl LeaseDb for Store {
    async fn lease(&self, name: &str, holder: &str, seconds: i64) -> Result<bool> {
        write!(self, |conn| lease(conn, name, holder, seconds))
    }

    async fn clock(&self) -> Result<Time> {
        statement!(self, |conn| clock(conn))
    }
}

pub(super) async fn lease(conn: &mut Conn, name: &str, holder: &str, seconds: i64) -> Result<bool> {
    let now = clock(&mut *conn).await?;
    let query = query(sql::LEASE)
        .bind(name)
        .bind(holder)
        // It has ended by the end of its last second, however coarse the clock is.
        .bind(now.plus_seconds(seconds.min(MAX_LEASE_S)).0 - 1)
        .bind(now.0)
        .bind(now.plus_seconds(2 * MAX_LEASE_S).0);
    Ok(query.execute(conn).await?.rows_affected() > 0)
}

async fn clock(conn: &mut Conn) -> Result<Time> {
    Ok(Time(query_scalar::<Driver, i64>(CLOCK).fetch_one(conn).await?))
}
