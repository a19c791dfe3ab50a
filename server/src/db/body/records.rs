//! Modes, versions, files and CDNs as lists; the audit log, tokens and leases.

use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{Conn, Driver};
use crate::db::rows::{self, AuditRow, CdnRow, FileRow, ModeRow, TokenRow, VersionRow};
use crate::db::{CdnFilter, FileFilter, ModeFilter, Page, VersionFilter, sql};
use crate::error::Result;
use crate::model::{AuditEntry, Cdn, Health, Mode, ModeVersion, Time, Token, VersionFile, VersionState};

const HOUR: i64 = 3_600_000_000;

pub(super) async fn ping(conn: &mut Conn) -> Result<()> {
    query(sql::PING).execute(conn).await?;
    Ok(())
}

pub(super) async fn modes(conn: &mut Conn, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>> {
    let query = query_as::<Driver, ModeRow>(sql::MODES)
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(filter.name.as_deref())
        .bind(filter.is_active)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn mode(conn: &mut Conn, id: Uuid) -> Result<Option<Mode>> {
    let row = query_as::<Driver, ModeRow>(sql::MODE).bind(id).fetch_optional(conn).await?;
    row.map(Mode::try_from).transpose()
}

pub(super) async fn versions(
    conn: &mut Conn,
    filter: &VersionFilter,
    page: &Page<(Vec<u8>, Uuid)>,
) -> Result<Vec<ModeVersion>> {
    // Keys are ASCII: one byte that is not is above all of them.
    let (sort_key, id) = page.after.clone().unwrap_or((vec![u8::MAX], Uuid::nil()));
    let query = query_as::<Driver, VersionRow>(sql::VERSIONS)
        .bind(sort_key)
        .bind(id)
        .bind(filter.mode_id)
        .bind(filter.state.map(VersionState::as_str))
        .bind(filter.version.as_deref())
        .bind(filter.platform.as_ref().map(vsekai_updater::formats::release::Platform::as_str))
        .bind(filter.skip_update)
        .bind(filter.recalled)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn version(conn: &mut Conn, id: Uuid) -> Result<Option<ModeVersion>> {
    let row = query_as::<Driver, VersionRow>(sql::VERSION).bind(id).fetch_optional(conn).await?;
    row.map(ModeVersion::try_from).transpose()
}

pub(super) async fn files(conn: &mut Conn, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>> {
    let query = query_as::<Driver, FileRow>(sql::FILES)
        .bind(page.after.unwrap_or(Uuid::nil()))
        .bind(filter.version_id)
        .bind(filter.platform.as_ref().map(vsekai_updater::formats::release::Platform::as_str))
        .bind(filter.file_name.as_deref())
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn file(conn: &mut Conn, id: Uuid) -> Result<Option<VersionFile>> {
    let row = query_as::<Driver, FileRow>(sql::FILE).bind(id).fetch_optional(conn).await?;
    row.map(VersionFile::try_from).transpose()
}

pub(super) async fn cdns(conn: &mut Conn, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>> {
    let query = query_as::<Driver, CdnRow>(sql::CDNS)
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(filter.region.as_deref())
        .bind(filter.is_enabled)
        .bind(filter.is_healthy)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn cdn(conn: &mut Conn, uid: Uuid) -> Result<Option<Cdn>> {
    let row = query_as::<Driver, CdnRow>(sql::CDN).bind(uid).fetch_optional(conn).await?;
    row.map(Cdn::try_from).transpose()
}

pub(super) async fn put_health(conn: &mut Conn, uid: Uuid, health: &Health) -> Result<()> {
    let query = query(sql::PUT_HEALTH)
        .bind(uid)
        .bind(health.is_healthy)
        .bind(i64::from(health.contrary_count))
        .bind(health.latency_ms.map(i64::from))
        .bind(health.last_checked_on.map(|time| time.0));
    query.execute(conn).await?;
    Ok(())
}

pub(super) async fn audit(conn: &mut Conn, page: &Page<Uuid>) -> Result<Vec<AuditEntry>> {
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

pub(super) async fn put_token(conn: &mut Conn, token: &Token) -> Result<()> {
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

/// The one that is there already can be this one: an earlier try, whose answer was lost.
pub(super) async fn put_first_token(conn: &mut Conn, token: &Token) -> Result<bool> {
    let first = query_scalar::<Driver, Uuid>(sql::FIRST_TOKEN).fetch_optional(&mut *conn).await?;
    if first.is_none() {
        put_token(conn, token).await?;
    }
    Ok(first.is_none_or(|first| first == token.id))
}

pub(super) async fn token(conn: &mut Conn, id: Uuid) -> Result<Option<Token>> {
    let row = query_as::<Driver, TokenRow>(sql::TOKEN).bind(id).fetch_optional(conn).await?;
    row.map(Token::try_from).transpose()
}

pub(super) async fn tokens(conn: &mut Conn, page: &Page<Uuid>) -> Result<Vec<Token>> {
    let query =
        query_as::<Driver, TokenRow>(sql::TOKENS).bind(page.after.unwrap_or(Uuid::nil())).bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

pub(super) async fn revoke_token(conn: &mut Conn, id: Uuid, at: Time) -> Result<bool> {
    Ok(query(sql::REVOKE_TOKEN).bind(id).bind(at.0).execute(conn).await?.rows_affected() > 0)
}

pub(super) fn hour_of(time: Time) -> Time {
    Time(time.0 - time.0.rem_euclid(HOUR))
}

pub(super) async fn is_to_touch(conn: &mut Conn, id: Uuid, hour: Time) -> Result<bool> {
    let query = query_scalar::<Driver, Uuid>(sql::TOKEN_TO_TOUCH).bind(id).bind(hour.0);
    Ok(query.fetch_optional(conn).await?.is_some())
}

pub(super) async fn touch_token(conn: &mut Conn, id: Uuid, hour: Time) -> Result<()> {
    query(sql::TOUCH_TOKEN).bind(id).bind(hour.0).execute(conn).await?;
    Ok(())
}

pub(in crate::db) async fn lease(conn: &mut Conn, name: &str, holder: &str, now: Time, until: Time) -> Result<bool> {
    let query = query(sql::LEASE).bind(name).bind(holder).bind(until.0).bind(now.0);
    Ok(query.execute(conn).await?.rows_affected() > 0)
}
