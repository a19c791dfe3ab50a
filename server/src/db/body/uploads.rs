//! Publications that are not finished, and their documents.

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{Connection as _, query, query_as, query_scalar};
use uuid::Uuid;
use vsekai_updater::formats::release::ModeName;

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver};
use crate::db::retry::repeat;
use crate::db::rows::{self, UploadRow, number};
use crate::db::{Page, UploadDb, sql};
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Time, Upload};

const NO_UPLOAD: Error = Error::NotFound { what: "publication" };

#[async_trait]
impl UploadDb for Store {
    async fn begin_upload(&self, upload: &Upload) -> Result<Upload> {
        write!(self, |conn| begin(conn, upload))
    }

    async fn upload(&self, id: Uuid) -> Result<Option<Upload>> {
        statement!(self, |conn| upload(conn, id))
    }

    async fn open_uploads(&self, now: Time, mode: Option<&ModeName>, page: &Page<Uuid>) -> Result<Vec<Upload>> {
        statement!(self, |conn| open_uploads(conn, now, mode, page))
    }

    async fn put_document(&self, upload: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()> {
        write!(self, |conn| put_document(conn, upload, kind, &bytes))
    }

    async fn document(&self, upload: Uuid, kind: DocumentKind) -> Result<Option<Bytes>> {
        statement!(self, |conn| document(conn, upload, kind))
    }

    async fn documents(&self, upload: Uuid) -> Result<Vec<DocumentKind>> {
        statement!(self, |conn| documents(conn, upload))
    }

    async fn reap_uploads(&self, before: Time) -> Result<u64> {
        write!(self, |conn| reap(conn, before))
    }
}

async fn begin(conn: &mut Conn, new: &Upload) -> Result<Upload> {
    let query = query(sql::BEGIN_UPLOAD)
        .bind(new.id)
        .bind(new.mode.as_str())
        .bind(new.version.to_string())
        .bind(new.platform.as_str())
        .bind(new.sequence.map(number).transpose()?)
        .bind(new.created_at.0)
        .bind(new.expires_at.0);
    query.execute(&mut *conn).await?;
    upload(conn, new.id).await?.ok_or(NO_UPLOAD)
}

async fn upload(conn: &mut Conn, id: Uuid) -> Result<Option<Upload>> {
    let row = query_as::<Driver, UploadRow>(sql::UPLOAD).bind(id).fetch_optional(conn).await?;
    row.map(Upload::try_from).transpose()
}

async fn open_uploads(conn: &mut Conn, now: Time, mode: Option<&ModeName>, page: &Page<Uuid>) -> Result<Vec<Upload>> {
    let query = query_as::<Driver, UploadRow>(sql::OPEN_UPLOADS)
        .bind(page.after.unwrap_or(Uuid::nil()))
        .bind(now.0)
        .bind(mode.map(ModeName::as_str))
        .bind(i64::from(page.limit));
    rows::all(query.fetch_all(conn).await?)
}

/// Ends an upload, which was published with this sequence number of its mode.
pub(super) async fn end(conn: &mut Conn, id: Uuid, sequence: u64) -> Result<()> {
    let ended = query(sql::END_UPLOAD).bind(id).bind(number(sequence)?).execute(&mut *conn).await?;
    if ended.rows_affected() == 0 {
        return Err(NO_UPLOAD);
    }
    query(sql::REMOVE_DOCUMENTS).bind(id).execute(conn).await?;
    Ok(())
}

async fn put_document(conn: &mut Conn, id: Uuid, kind: DocumentKind, bytes: &[u8]) -> Result<()> {
    upload(conn, id).await?.ok_or(NO_UPLOAD)?;
    query(sql::PUT_DOCUMENT).bind(id).bind(kind.as_str()).bind(bytes).execute(conn).await?;
    Ok(())
}

async fn document(conn: &mut Conn, id: Uuid, kind: DocumentKind) -> Result<Option<Bytes>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::DOCUMENT).bind(id).bind(kind.as_str());
    Ok(query.fetch_optional(conn).await?.map(Bytes::from))
}

async fn documents(conn: &mut Conn, id: Uuid) -> Result<Vec<DocumentKind>> {
    let names = query_scalar::<Driver, String>(sql::DOCUMENTS).bind(id).fetch_all(conn).await?;
    Ok(DocumentKind::ALL.into_iter().filter(|kind| names.iter().any(|name| name == kind.as_str())).collect())
}

async fn reap(conn: &mut Conn, before: Time) -> Result<u64> {
    query(sql::REAP_DOCUMENTS).bind(before.0).execute(&mut *conn).await?;
    query(sql::REMOVE_PINS).bind(before.0).execute(&mut *conn).await?;
    Ok(query(sql::REAP_UPLOADS).bind(before.0).execute(conn).await?.rows_affected())
}
