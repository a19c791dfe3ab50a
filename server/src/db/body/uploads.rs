//! Publications that are not finished, and their documents.

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{Connection as _, query, query_as, query_scalar};
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::release::ModeName;

use super::store::{Store, statement, transaction, write};
use super::{BEGIN_WRITE, Conn, Driver, STEP};
use crate::db::retry::repeat;
use crate::db::rows::{self, UploadRow, number};
use crate::db::{Page, UploadDb, sql};
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Time, Upload};

/// Largest value that is stored of a document. The rest is in further rows, each written alone, and the first row last:
/// a document is there at once or not at all.
const PART_BYTES: usize = 1 << 20;

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
        let last = number((bytes.len().div_ceil(PART_BYTES) as u64).saturating_sub(1))?;
        if last > 0 {
            write!(self, |conn| hide_document(conn, upload, kind))?;
        }
        for (part, piece) in (0..).zip(bytes.chunks(PART_BYTES)).skip(1) {
            write!(self, |conn| put_part(conn, upload, kind, part, piece))?;
        }
        let first = &bytes[..bytes.len().min(PART_BYTES)];
        write!(self, |conn| put_document(conn, upload, kind, first, last))
    }

    async fn document(&self, upload: Uuid, kind: DocumentKind) -> Result<Option<Bytes>> {
        let read = |part| async move { statement!(self, |conn| document_part(conn, upload, kind, part)) };
        let Some(first) = read(0).await? else { return Ok(None) };
        let last = statement!(self, |conn| last_part(conn, upload, kind))?;
        if last == 0 {
            return Ok(Some(first.into()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(last + 1).unwrap_or(1).saturating_mul(PART_BYTES));
        bytes.extend_from_slice(&first);
        for part in 1..=last {
            let Some(piece) = read(part).await? else { return Ok(None) };
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes.into()))
    }

    async fn documents(&self, upload: Uuid) -> Result<Vec<DocumentKind>> {
        statement!(self, |conn| documents(conn, upload))
    }

    async fn put_upload_bundle_part(&self, upload: Uuid, bundle: &Digest, part: u64, bytes: Bytes) -> Result<()> {
        transaction!(self.chunk_writers, BEGIN_WRITE, |conn| put_bundle_part(conn, upload, bundle, part, &bytes))
    }

    async fn upload_bundle_part(&self, upload: Uuid, bundle: &Digest, part: u64) -> Result<Option<Bytes>> {
        statement!(self, |conn| bundle_part(conn, upload, bundle, part))
    }

    async fn upload_bundle_parts(&self, upload: Uuid, bundle: &Digest) -> Result<Vec<u64>> {
        statement!(self, |conn| bundle_parts(conn, upload, bundle))
    }

    async fn remove_upload_bundle_parts(&self, upload: Uuid, bundle: &Digest) -> Result<()> {
        while write!(self, |conn| remove_bundle_parts(conn, upload, bundle))? == STEP as u64 {}
        Ok(())
    }

    async fn reap_uploads(&self, before: Time) -> Result<u64> {
        for statement in
            [sql::REAP_DOCUMENTS, sql::REAP_DOCUMENT_PARTS, sql::REAP_UPLOAD_BUNDLE_PARTS, sql::REMOVE_PINS]
        {
            self.reap(statement, before).await?;
        }
        self.reap(sql::REAP_UPLOADS, before).await
    }
}

impl Store {
    /// Runs a statement that removes some rows until there are no more. Returns how many there were.
    async fn reap(&self, statement: &'static str, before: Time) -> Result<u64> {
        let mut reaped = 0;
        loop {
            let some = write!(self, |conn| reap(conn, statement, before))?;
            reaped += some;
            if some < STEP as u64 {
                return Ok(reaped);
            }
        }
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
    query(sql::REMOVE_DOCUMENTS).bind(id).execute(&mut *conn).await?;
    query(sql::REMOVE_ALL_DOCUMENT_PARTS).bind(id).execute(conn).await?;
    Ok(())
}

async fn hide_document(conn: &mut Conn, id: Uuid, kind: DocumentKind) -> Result<()> {
    query(sql::HIDE_DOCUMENT).bind(id).bind(kind.as_str()).execute(conn).await?;
    Ok(())
}

async fn put_part(conn: &mut Conn, id: Uuid, kind: DocumentKind, part: i64, bytes: &[u8]) -> Result<()> {
    upload(conn, id).await?.ok_or(NO_UPLOAD)?;
    query(sql::PUT_DOCUMENT_PART).bind(id).bind(kind.as_str()).bind(part).bind(bytes).execute(conn).await?;
    Ok(())
}

/// Puts the first part, and removes those of an earlier, longer document after part `last`.
async fn put_document(conn: &mut Conn, id: Uuid, kind: DocumentKind, first: &[u8], last: i64) -> Result<()> {
    upload(conn, id).await?.ok_or(NO_UPLOAD)?;
    query(sql::PUT_DOCUMENT).bind(id).bind(kind.as_str()).bind(first).execute(&mut *conn).await?;
    query(sql::REMOVE_DOCUMENT_PARTS).bind(id).bind(kind.as_str()).bind(last).execute(conn).await?;
    Ok(())
}

async fn document_part(conn: &mut Conn, id: Uuid, kind: DocumentKind, part: i64) -> Result<Option<Vec<u8>>> {
    let query = match part {
        0 => query_scalar::<Driver, Vec<u8>>(sql::DOCUMENT).bind(id).bind(kind.as_str()),
        part => query_scalar::<Driver, Vec<u8>>(sql::DOCUMENT_PART).bind(id).bind(kind.as_str()).bind(part),
    };
    Ok(query.fetch_optional(conn).await?)
}

async fn last_part(conn: &mut Conn, id: Uuid, kind: DocumentKind) -> Result<i64> {
    let query = query_scalar::<Driver, i64>(sql::LAST_DOCUMENT_PART).bind(id).bind(kind.as_str());
    Ok(query.fetch_one(conn).await?)
}

async fn put_bundle_part(conn: &mut Conn, id: Uuid, bundle: &Digest, part: u64, bytes: &[u8]) -> Result<()> {
    upload(&mut *conn, id).await?.ok_or(NO_UPLOAD)?;
    let put = query(sql::PUT_UPLOAD_BUNDLE_PART).bind(id).bind(bundle.to_string()).bind(number(part)?).bind(bytes);
    put.execute(conn).await?;
    Ok(())
}

async fn bundle_part(conn: &mut Conn, id: Uuid, bundle: &Digest, part: u64) -> Result<Option<Bytes>> {
    let query = query_scalar::<Driver, Vec<u8>>(sql::UPLOAD_BUNDLE_PART).bind(id);
    let query = query.bind(bundle.to_string()).bind(number(part)?);
    Ok(query.fetch_optional(conn).await?.map(Bytes::from))
}

async fn bundle_parts(conn: &mut Conn, id: Uuid, bundle: &Digest) -> Result<Vec<u64>> {
    let query = query_scalar::<Driver, i64>(sql::UPLOAD_BUNDLE_PARTS).bind(id).bind(bundle.to_string());
    let parts = query.fetch_all(conn).await?;
    parts.into_iter().map(|part| rows::unsigned(part, "upload_bundle_parts.part")).collect()
}

async fn remove_bundle_parts(conn: &mut Conn, id: Uuid, bundle: &Digest) -> Result<u64> {
    let remove = query(sql::REMOVE_UPLOAD_BUNDLE_PARTS).bind(id).bind(bundle.to_string()).bind(number(STEP)?);
    Ok(remove.execute(conn).await?.rows_affected())
}

async fn documents(conn: &mut Conn, id: Uuid) -> Result<Vec<DocumentKind>> {
    let names = query_scalar::<Driver, String>(sql::DOCUMENTS).bind(id).fetch_all(conn).await?;
    Ok(DocumentKind::ALL.into_iter().filter(|kind| names.iter().any(|name| name == kind.as_str())).collect())
}

async fn reap(conn: &mut Conn, statement: &'static str, before: Time) -> Result<u64> {
    Ok(query(statement).bind(before.0).bind(number(STEP)?).execute(conn).await?.rows_affected())
}
