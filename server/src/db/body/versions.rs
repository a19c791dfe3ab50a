//! Modes, versions and files as lists.

use async_trait::async_trait;
use sqlx::query_as;
use uuid::Uuid;
use vsekai_updater::formats::release::Platform;

use super::store::{Store, statement};
use super::{Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, FileRow, ModeRow, VersionRow};
use crate::db::{FileFilter, ModeFilter, Page, VersionDb, VersionFilter, sql};
use crate::error::Result;
use crate::model::{Mode, ModeVersion, VersionFile, VersionState};

#[async_trait]
impl VersionDb for Store {
    async fn modes(&self, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>> {
        statement!(self, |conn| modes(conn, filter, page))
    }

    async fn mode(&self, id: Uuid) -> Result<Option<Mode>> {
        statement!(self, |conn| mode(conn, id))
    }

    async fn versions(&self, filter: &VersionFilter, page: &Page<(Vec<u8>, Uuid)>) -> Result<Vec<ModeVersion>> {
        statement!(self, |conn| versions(conn, filter, page))
    }

    async fn version(&self, id: Uuid) -> Result<Option<ModeVersion>> {
        statement!(self, |conn| version(conn, id))
    }

    async fn files(&self, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>> {
        statement!(self, |conn| files(conn, filter, page))
    }

    async fn file(&self, id: Uuid) -> Result<Option<VersionFile>> {
        statement!(self, |conn| file(conn, id))
    }
}

async fn modes(conn: &mut Conn, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>> {
    let query = query_as::<Driver, ModeRow>(sql::MODES)
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(filter.name.as_deref())
        .bind(filter.is_active)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

async fn mode(conn: &mut Conn, id: Uuid) -> Result<Option<Mode>> {
    let row = query_as::<Driver, ModeRow>(sql::MODE).bind(id).fetch_optional(conn).await?;
    row.map(Mode::try_from).transpose()
}

async fn versions(conn: &mut Conn, filter: &VersionFilter, page: &Page<(Vec<u8>, Uuid)>) -> Result<Vec<ModeVersion>> {
    // Keys are ASCII, so a byte that is not sorts above all of them.
    let (sort_key, id) = page.after.clone().unwrap_or((vec![u8::MAX], Uuid::nil()));
    let query = query_as::<Driver, VersionRow>(sql::VERSIONS)
        .bind(sort_key)
        .bind(id)
        .bind(filter.mode_id)
        .bind(filter.state.map(VersionState::as_str))
        .bind(filter.version.as_deref())
        .bind(filter.platform.as_ref().map(Platform::as_str))
        .bind(filter.skip_update)
        .bind(filter.recalled)
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

async fn version(conn: &mut Conn, id: Uuid) -> Result<Option<ModeVersion>> {
    let row = query_as::<Driver, VersionRow>(sql::VERSION).bind(id).fetch_optional(conn).await?;
    row.map(ModeVersion::try_from).transpose()
}

async fn files(conn: &mut Conn, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>> {
    let query = query_as::<Driver, FileRow>(sql::FILES)
        .bind(page.after.unwrap_or(Uuid::nil()))
        .bind(filter.version_id)
        .bind(filter.platform.as_ref().map(Platform::as_str))
        .bind(filter.file_name.as_deref())
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

async fn file(conn: &mut Conn, id: Uuid) -> Result<Option<VersionFile>> {
    let row = query_as::<Driver, FileRow>(sql::FILE).bind(id).fetch_optional(conn).await?;
    row.map(VersionFile::try_from).transpose()
}
