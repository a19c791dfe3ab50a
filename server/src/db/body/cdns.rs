//! CDNs as lists, and their health.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as};
use uuid::Uuid;

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, CdnRow};
use crate::db::{CdnDb, CdnFilter, Page, sql};
use crate::error::Result;
use crate::model::{Cdn, Health};

#[async_trait]
impl CdnDb for Store {
    async fn cdns(&self, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>> {
        statement!(self, |conn| cdns(conn, filter, page))
    }

    async fn cdn(&self, uid: Uuid) -> Result<Option<Cdn>> {
        statement!(self, |conn| cdn(conn, uid))
    }

    async fn put_health(&self, uid: Uuid, health: &Health) -> Result<()> {
        write!(self, |conn| put_health(conn, uid, health))
    }
}

async fn cdns(conn: &mut Conn, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>> {
    let query = query_as::<Driver, CdnRow>(sql::CDNS)
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(filter.region.as_deref())
        .bind(filter.is_enabled)
        .bind(filter.is_healthy)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

async fn cdn(conn: &mut Conn, uid: Uuid) -> Result<Option<Cdn>> {
    let row = query_as::<Driver, CdnRow>(sql::CDN).bind(uid).fetch_optional(conn).await?;
    row.map(Cdn::try_from).transpose()
}

async fn put_health(conn: &mut Conn, uid: Uuid, health: &Health) -> Result<()> {
    let query = query(sql::PUT_HEALTH)
        .bind(uid)
        .bind(health.is_healthy)
        .bind(i64::from(health.contrary_count))
        .bind(health.latency_ms.map(i64::from))
        .bind(health.last_checked_on.map(|time| time.0));
    query.execute(conn).await?;
    Ok(())
}
