//! The audit log.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as};
use uuid::Uuid;

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, AuditRow};
use crate::db::{AuditDb, Page, sql};
use crate::error::Result;
use crate::model::AuditEntry;

#[async_trait]
impl AuditDb for Store {
    async fn audit(&self, page: &Page<Uuid>) -> Result<Vec<AuditEntry>> {
        statement!(self, |conn| audit(conn, page))
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        write!(self, |conn| add_audit(conn, entry))
    }
}

async fn audit(conn: &mut Conn, page: &Page<Uuid>) -> Result<Vec<AuditEntry>> {
    let query =
        query_as::<Driver, AuditRow>(sql::AUDIT).bind(page.after.unwrap_or(Uuid::max())).bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn add_audit(conn: &mut Conn, entry: &AuditEntry) -> Result<()> {
    let query = query(sql::ADD_AUDIT)
        .bind(entry.id)
        .bind(entry.at.0)
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.subject)
        .bind(&entry.detail)
        .bind(&entry.request_id);
    query.execute(conn).await?;
    Ok(())
}
