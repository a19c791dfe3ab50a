//! Whole tables.

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Database, Row as _, query};
use uuid::Uuid;

use super::steps::steps_of;
use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver, fill};
use crate::db::copy::{CopyDb, Kind, Table, Value};
use crate::db::retry::repeat;
use crate::error::{Error, Result};

/// Rows of one transaction: each item is one.
const STEP_ROWS: usize = 1000;
/// Rows of one statement: with twelve columns, far fewer values than any database takes.
const AT_ONCE: usize = 100;

type Bound = Query<'static, Driver, <Driver as Database>::Arguments>;

#[async_trait]
impl CopyDb for Store {
    async fn rows(&self, table: &'static Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>> {
        statement!(self, |conn| rows(conn, table, after, false))
    }

    async fn digests(&self, table: &'static Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>> {
        if self.is_postgres {
            return statement!(self, |conn| rows(conn, table, after, true));
        }
        let rows = statement!(self, |conn| rows(conn, table, after, false))?;
        Ok(rows.iter().map(|row| table.digest(row)).collect())
    }

    async fn put_rows(&self, table: &'static Table, rows: &[Vec<Value>]) -> Result<()> {
        for some in steps_of(rows, STEP_ROWS, |row| row.iter().map(size).sum()) {
            if self.is_postgres {
                match write!(self, |conn| fill(conn, table, some)) {
                    // A copy that was interrupted has left some of them.
                    Err(error) if is_there(&error) => {}
                    outcome => {
                        outcome?;
                        continue;
                    }
                }
            }
            write!(self, |conn| insert_rows(conn, table, some))?;
        }
        Ok(())
    }
}

async fn rows(
    conn: &mut Conn,
    table: &'static Table,
    after: Option<&[Value]>,
    is_hashed: bool,
) -> Result<Vec<Vec<Value>>> {
    // The text consists of constants and numbers.
    let mut query = query(AssertSqlSafe(table.select(after.is_none(), is_hashed)));
    for (value, (_, kind)) in after.unwrap_or_default().iter().zip(table.columns) {
        query = bind(query, value, *kind);
    }
    let found = query.bind(i64::from(table.page)).fetch_all(conn).await?;
    found
        .iter()
        .map(|row| table.columns.iter().enumerate().map(|(at, (_, kind))| read(row, at, *kind)).collect())
        .collect()
}

pub(super) async fn insert_rows(conn: &mut Conn, table: &'static Table, rows: &[Vec<Value>]) -> Result<()> {
    for some in rows.chunks(AT_ONCE) {
        let mut query = query(AssertSqlSafe(table.insert(some.len())));
        for row in some {
            for (value, (_, kind)) in row.iter().zip(table.columns) {
                query = bind(query, value, *kind);
            }
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

fn is_there(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 16,
    }
}

fn bind(query: Bound, value: &Value, kind: Kind) -> Bound {
    match (value, kind) {
        (Value::Int(number), _) => query.bind(*number),
        (Value::Bool(is), _) => query.bind(*is),
        (Value::Text(text), _) => query.bind(text.clone()),
        (Value::Bytes(bytes), _) => query.bind(bytes.clone()),
        (Value::Uuid(id), _) => query.bind(*id),
        (Value::Null, Kind::Int) => query.bind(None::<i64>),
        (Value::Null, Kind::Bool) => query.bind(None::<bool>),
        (Value::Null, Kind::Text) => query.bind(None::<String>),
        (Value::Null, Kind::Bytes) => query.bind(None::<Vec<u8>>),
        (Value::Null, Kind::Uuid) => query.bind(None::<Uuid>),
    }
}

fn read(row: &<Driver as Database>::Row, at: usize, kind: Kind) -> Result<Value> {
    let value = match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(at)?.map(Value::Int),
        Kind::Bool => row.try_get::<Option<bool>, _>(at)?.map(Value::Bool),
        Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Value::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Value::Bytes),
        Kind::Uuid => row.try_get::<Option<Uuid>, _>(at)?.map(Value::Uuid),
    };
    Ok(value.unwrap_or(Value::Null))
}
