//! Leases.

use async_trait::async_trait;
use sqlx::{Connection as _, query};

use super::store::{Store, transaction, write};
use super::{BEGIN_WRITE, Conn};
use crate::db::retry::repeat;
use crate::db::{LeaseDb, sql};
use crate::error::Result;
use crate::model::Time;

#[async_trait]
impl LeaseDb for Store {
    async fn lease(&self, name: &str, holder: &str, now: Time, until: Time) -> Result<bool> {
        write!(self, |conn| lease(conn, name, holder, now, until))
    }
}

pub(super) async fn lease(conn: &mut Conn, name: &str, holder: &str, now: Time, until: Time) -> Result<bool> {
    let query = query(sql::LEASE).bind(name).bind(holder).bind(until.0).bind(now.0);
    Ok(query.execute(conn).await?.rows_affected() > 0)
}
