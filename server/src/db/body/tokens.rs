//! Tokens.

use async_trait::async_trait;
use sqlx::{Connection as _, query, query_as, query_scalar};
use uuid::Uuid;

use super::audit::add_audit;
use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, TokenRow};
use crate::db::{Page, TokenDb, sql};
use crate::error::{Error, Result};
use crate::model::{AuditEntry, Time, Token};

const HOUR_MICROS: i64 = 3_600_000_000;

#[async_trait]
impl TokenDb for Store {
    async fn put_token(&self, token: &Token, entry: Option<&AuditEntry>) -> Result<()> {
        write!(self, |conn| put_token_as(conn, token, entry))
    }

    async fn put_first_token(&self, token: &Token) -> Result<bool> {
        write!(self, |conn| put_first_token(conn, token))
    }

    async fn token(&self, id: Uuid) -> Result<Option<Token>> {
        statement!(self, |conn| token(conn, id))
    }

    async fn tokens(&self, page: &Page<Uuid>) -> Result<Vec<Token>> {
        statement!(self, |conn| tokens(conn, page))
    }

    async fn revoke_token(&self, id: Uuid, at: Time, entry: Option<&AuditEntry>) -> Result<bool> {
        write!(self, |conn| revoke_token(conn, id, at, entry))
    }

    async fn touch_token(&self, id: Uuid, at: Time) -> Result<()> {
        // Nearly every use falls into an hour that is recorded already, and needs no writer.
        let hour = hour_of(at);
        if statement!(self, |conn| is_to_touch(conn, id, hour))? {
            write!(self, |conn| touch_token(conn, id, hour))?;
        }
        Ok(())
    }
}

async fn put_token_as(conn: &mut Conn, token: &Token, entry: Option<&AuditEntry>) -> Result<()> {
    // The transaction is serializable: of two that add the same name at once, the second sees the first.
    if let Some(other) = valid_namesake(conn, token).await? {
        let reason = format!(
            "A valid token is named {:?} already, {other}: choose another name, or revoke that token first",
            token.name
        );
        return Err(Error::Conflict { code: "token_exists", reason });
    }
    put_token(conn, token).await?;
    match entry {
        Some(entry) => add_audit(conn, entry).await,
        None => Ok(()),
    }
}

async fn valid_namesake(conn: &mut Conn, token: &Token) -> Result<Option<Uuid>> {
    let query = query_scalar::<Driver, Uuid>(sql::VALID_NAMESAKE);
    let query = query.bind(&token.name).bind(token.id).bind(token.created_at.0);
    Ok(query.fetch_optional(conn).await?)
}

async fn put_token(conn: &mut Conn, token: &Token) -> Result<()> {
    let query = query(sql::PUT_TOKEN)
        .bind(token.id)
        .bind(&token.name)
        .bind(token.hash.as_slice())
        .bind(&token.scopes)
        .bind(token.created_at.0)
        .bind(token.expires_at.map(|time| time.0))
        .bind(token.revoked_at.map(|time| time.0))
        .bind(token.last_used_at.map(|time| time.0));
    query.execute(conn).await?;
    Ok(())
}

/// The token that exists already may be this one, from an earlier try whose answer was lost.
async fn put_first_token(conn: &mut Conn, token: &Token) -> Result<bool> {
    let first = query_scalar::<Driver, Uuid>(sql::FIRST_TOKEN).fetch_optional(&mut *conn).await?;
    if first.is_none() {
        put_token(conn, token).await?;
    }
    Ok(first.is_none_or(|first| first == token.id))
}

async fn token(conn: &mut Conn, id: Uuid) -> Result<Option<Token>> {
    let row = query_as::<Driver, TokenRow>(sql::TOKEN).bind(id).fetch_optional(conn).await?;
    row.map(Token::try_from).transpose()
}

async fn tokens(conn: &mut Conn, page: &Page<Uuid>) -> Result<Vec<Token>> {
    let query =
        query_as::<Driver, TokenRow>(sql::TOKENS).bind(page.after.unwrap_or(Uuid::nil())).bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

async fn revoke_token(conn: &mut Conn, id: Uuid, at: Time, entry: Option<&AuditEntry>) -> Result<bool> {
    let Some(before) = token(conn, id).await? else { return Ok(false) };
    if before.revoked_at.is_none() {
        query(sql::REVOKE_TOKEN).bind(id).bind(at.0).execute(&mut *conn).await?;
        if let Some(entry) = entry {
            add_audit(conn, entry).await?;
        }
    }
    Ok(true)
}

fn hour_of(time: Time) -> Time {
    Time(time.0 - time.0.rem_euclid(HOUR_MICROS))
}

async fn is_to_touch(conn: &mut Conn, id: Uuid, hour: Time) -> Result<bool> {
    let query = query_scalar::<Driver, Uuid>(sql::TOKEN_TO_TOUCH).bind(id).bind(hour.0);
    Ok(query.fetch_optional(conn).await?.is_some())
}

async fn touch_token(conn: &mut Conn, id: Uuid, hour: Time) -> Result<()> {
    query(sql::TOUCH_TOKEN).bind(id).bind(hour.0).execute(conn).await?;
    Ok(())
}
