//! Publications that are under way, and their documents.

use bytes::Bytes;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{Conn, Driver};
use crate::db::rows::{UploadRow, number};
use crate::db::sql;
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Time, Upload};

pub(super) const NO_UPLOAD: Error = Error::NotFound { what: "publication" };

pub(super) async fn begin(conn: &mut Conn, new: &Upload) -> Result<Upload> {
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

pub(super) async fn upload(conn: &mut Conn, id: Uuid) -> Result<Option<Upload>> {
    let row = query_as::<Driver, UploadRow>(sql::UPLOAD).bind(id).fetch_optional(conn).await?;
    row.map(Upload::try_from).transpose()
}

/// The end of an upload: it has become this number of its mode.
pub(super) async fn end(conn: &mut Conn, id: Uuid, sequence: u64) -> Result<()> {
    let ended = query(sql::END_UPLOAD).bind(id).bind(number(sequence)?).execute(&mut *conn).await?;
    if ended.rows_affected() == 0 {
        return Err(NO_UPLOAD);
    }
    query(sql::REMOVE_DOCUMENTS).bind(id).execute(conn).await?;
    Ok(())
}

pub(super) async fn put_document(conn: &mut Conn, id: Uuid, kind: DocumentKind, bytes: &[u8]) -> Result<()> {
    upload(conn, id).await?.ok_or(NO_UPLOAD)?;
    query(sql::PUT_DOCUMENT).bind(id).bind(kind.as_str()).bind(bytes).execute(conn).await?;
    Ok(())
}

pub(super) async fn document(conn: &mut Conn, id: Uuid, kind: DocumentKind) -> Result<Option<Bytes>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::DOCUMENT).bind(id).bind(kind.as_str());
    Ok(query.fetch_optional(conn).await?.map(Bytes::from))
}

pub(super) async fn documents(conn: &mut Conn, id: Uuid) -> Result<Vec<DocumentKind>> {
    let names = query_scalar::<Driver, String>(sql::DOCUMENTS).bind(id).fetch_all(conn).await?;
    Ok(DocumentKind::ALL.into_iter().filter(|kind| names.iter().any(|name| name == kind.as_str())).collect())
}

pub(super) async fn reap(conn: &mut Conn, before: Time) -> Result<u64> {
    query(sql::REAP_DOCUMENTS).bind(before.0).execute(&mut *conn).await?;
    query(sql::REMOVE_PINS).bind(before.0).execute(&mut *conn).await?;
    Ok(query(sql::REAP_UPLOADS).bind(before.0).execute(conn).await?.rows_affected())
}
