//! The place of chunks.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as};

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::{ChunkPlace, PlaceDb, sql};
use crate::error::{Error, Result};

#[async_trait]
impl PlaceDb for Store {
    async fn chunk_place(&self, place: &str) -> Result<ChunkPlace> {
        if let Some(found) = self.recorded_place().await? {
            return Ok(found);
        }
        write!(self, |conn| record(conn, place))
    }

    async fn recorded_place(&self) -> Result<Option<ChunkPlace>> {
        statement!(self, |conn| recorded(conn))
    }

    async fn move_place(&self, from: &str, to: &str) -> Result<bool> {
        write!(self, |conn| change(conn, from, to))
    }
}

async fn recorded(conn: &mut Conn) -> Result<Option<ChunkPlace>> {
    let row = query_as::<Driver, (String, String)>(sql::CHUNK_PLACE).fetch_optional(conn).await?;
    Ok(row.map(|(place, moved_from)| ChunkPlace { place, moved_from }))
}

async fn record(conn: &mut Conn, place: &str) -> Result<ChunkPlace> {
    query(sql::RECORD_PLACE).bind(place).execute(&mut *conn).await?;
    let lost = || Error::internal("the place of chunks was not recorded");
    recorded(conn).await?.ok_or_else(lost)
}

async fn change(conn: &mut Conn, from: &str, to: &str) -> Result<bool> {
    Ok(query(sql::MOVE_PLACE).bind(from).bind(to).execute(conn).await?.rows_affected() > 0)
}
