//! Reports, and the rollouts that were stopped for them.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as};
use uuid::Uuid;

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, HaltRow, ReportRow, number};
use crate::db::{ReportDb, sql};
use crate::error::Result;
use crate::model::{Halt, Mode, ReportCount};

#[async_trait]
impl ReportDb for Store {
    async fn add_reports(&self, counts: &[ReportCount]) -> Result<()> {
        write!(self, |conn| add(conn, counts))
    }

    async fn reports(&self) -> Result<Vec<ReportCount>> {
        statement!(self, |conn| reports(conn))
    }

    async fn halts(&self) -> Result<Vec<Halt>> {
        statement!(self, |conn| halts(conn))
    }
}

async fn add(conn: &mut Conn, counts: &[ReportCount]) -> Result<()> {
    for count in counts {
        let add = query(sql::ADD_REPORTS).bind(count.version_id).bind(count.platform.as_str());
        add.bind(number(count.started)?).bind(number(count.failed)?).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn reports(conn: &mut Conn) -> Result<Vec<ReportCount>> {
    rows::all(query_as::<Driver, ReportRow>(sql::REPORTS).fetch_all(conn).await?)
}

async fn halts(conn: &mut Conn) -> Result<Vec<Halt>> {
    rows::all(query_as::<Driver, HaltRow>(sql::HALTS).fetch_all(conn).await?)
}

/// Writes whether a mode asks for reports.
pub(super) async fn put_limit(conn: &mut Conn, mode: &Mode) -> Result<()> {
    let query = match &mode.reports {
        Some(limit) => {
            query(sql::PUT_REPORT_LIMIT).bind(mode.id).bind(i64::from(limit.minimum)).bind(i64::from(limit.percent))
        }
        None => query(sql::REMOVE_REPORT_LIMIT).bind(mode.id),
    };
    query.execute(conn).await?;
    Ok(())
}

pub(super) async fn put_halt(conn: &mut Conn, halt: &Halt) -> Result<()> {
    let query = query(sql::PUT_HALT)
        .bind(halt.version_id)
        .bind(halt.platform.as_str())
        .bind(number(halt.reports)?)
        .bind(number(halt.failed)?)
        .bind(i64::from(halt.percent))
        .bind(halt.at.0);
    query.execute(conn).await?;
    Ok(())
}

pub(super) async fn forget(conn: &mut Conn, version: Uuid) -> Result<()> {
    query(sql::REMOVE_HALT).bind(version).execute(&mut *conn).await?;
    query(sql::REMOVE_REPORTS).bind(version).execute(conn).await?;
    Ok(())
}
