//! [`Db`] for one driver: each method picks its connection and its kind of transaction, and repeats what is to be
//! repeated. The statements are in the modules beside this one.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::{Connection as _, Pool};
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;

use super::{BEGIN_READ, BEGIN_WRITE, Conn, Driver, chunks, records, repository, uploads};
use crate::db::retry::repeat;
use crate::db::{Applied, CdnFilter, Change, ChunkCounts, Db, FileFilter, ModeFilter, Page, VersionFilter, View};
use crate::error::{Error, Result};
use crate::model::{
    AuditEntry, Cdn, DocumentKind, Health, Mode, ModeVersion, NewChunk, Time, Token, Upload, VersionFile,
};

/// A database that is open.
pub(in crate::db) struct Store {
    /// For what only reads.
    pub(in crate::db) readers: Pool<Driver>,
    /// For the rest: the same pool where the database has many writers, one connection where it has one.
    pub(in crate::db) writers: Pool<Driver>,
    /// For chunks that come in, which a power cut may take until something else is written: it need not be waited for.
    pub(in crate::db) chunk_writers: Pool<Driver>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("driver", &<Driver as sqlx::Database>::NAME).finish_non_exhaustive()
    }
}

/// One statement that only reads: a transaction by itself.
macro_rules! statement {
    ($self:ident, |$conn:ident| $body:expr) => {
        repeat!($self.readers, |held| {
            let $conn: &mut Conn = &mut held;
            $body.await
        })
    };
}

macro_rules! transaction {
    ($pool:expr, $begin:expr, |$conn:ident| $body:expr) => {
        repeat!($pool, |held| {
            let mut transaction = held.begin_with($begin).await?;
            let $conn: &mut Conn = &mut transaction;
            let value = $body.await?;
            transaction.commit().await?;
            Ok(value)
        })
    };
}

/// Several statements that read one moment.
macro_rules! snapshot {
    ($self:ident, |$conn:ident| $body:expr) => {
        transaction!($self.readers, BEGIN_READ, |$conn| $body)
    };
}

/// What writes. An error undoes all of it.
macro_rules! write {
    ($self:ident, |$conn:ident| $body:expr) => {
        transaction!($self.writers, BEGIN_WRITE, |$conn| $body)
    };
}

pub(super) use {statement, transaction, write};

#[async_trait]
impl Db for Store {
    async fn ping(&self) -> Result<()> {
        statement!(self, |conn| records::ping(conn))
    }

    async fn view(&self) -> Result<View> {
        snapshot!(self, |conn| repository::view(conn))
    }

    async fn apply(&self, change: &Change) -> Result<Applied> {
        match write!(self, |conn| repository::apply(conn, change)) {
            Err(Error::ChunksMissing(ids)) => Ok(Applied::ChunksMissing(ids)),
            outcome => outcome,
        }
    }

    async fn repository_file(&self, path: &str) -> Result<Option<Bytes>> {
        statement!(self, |conn| repository::file(conn, path))
    }

    async fn revision(&self) -> Result<u64> {
        statement!(self, |conn| repository::revision(conn))
    }

    async fn repository_paths(&self, page: &Page<String>) -> Result<Vec<String>> {
        statement!(self, |conn| repository::paths(conn, page))
    }

    async fn modes(&self, filter: &ModeFilter, page: &Page<String>) -> Result<Vec<Mode>> {
        statement!(self, |conn| records::modes(conn, filter, page))
    }

    async fn mode(&self, id: Uuid) -> Result<Option<Mode>> {
        statement!(self, |conn| records::mode(conn, id))
    }

    async fn versions(&self, filter: &VersionFilter, page: &Page<(Vec<u8>, Uuid)>) -> Result<Vec<ModeVersion>> {
        statement!(self, |conn| records::versions(conn, filter, page))
    }

    async fn version(&self, id: Uuid) -> Result<Option<ModeVersion>> {
        statement!(self, |conn| records::version(conn, id))
    }

    async fn files(&self, filter: &FileFilter, page: &Page<Uuid>) -> Result<Vec<VersionFile>> {
        statement!(self, |conn| records::files(conn, filter, page))
    }

    async fn file(&self, id: Uuid) -> Result<Option<VersionFile>> {
        statement!(self, |conn| records::file(conn, id))
    }

    async fn cdns(&self, filter: &CdnFilter, page: &Page<String>) -> Result<Vec<Cdn>> {
        statement!(self, |conn| records::cdns(conn, filter, page))
    }

    async fn cdn(&self, uid: Uuid) -> Result<Option<Cdn>> {
        statement!(self, |conn| records::cdn(conn, uid))
    }

    async fn put_health(&self, uid: Uuid, health: &Health) -> Result<()> {
        write!(self, |conn| records::put_health(conn, uid, health))
    }

    async fn audit(&self, page: &Page<Uuid>) -> Result<Vec<AuditEntry>> {
        statement!(self, |conn| records::audit(conn, page))
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        write!(self, |conn| records::add_audit(conn, entry))
    }

    async fn begin_upload(&self, upload: &Upload) -> Result<Upload> {
        write!(self, |conn| uploads::begin(conn, upload))
    }

    async fn upload(&self, id: Uuid) -> Result<Option<Upload>> {
        statement!(self, |conn| uploads::upload(conn, id))
    }

    async fn put_document(&self, upload: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()> {
        write!(self, |conn| uploads::put_document(conn, upload, kind, &bytes))
    }

    async fn document(&self, upload: Uuid, kind: DocumentKind) -> Result<Option<Bytes>> {
        statement!(self, |conn| uploads::document(conn, upload, kind))
    }

    async fn documents(&self, upload: Uuid) -> Result<Vec<DocumentKind>> {
        statement!(self, |conn| uploads::documents(conn, upload))
    }

    async fn reap_uploads(&self, before: Time) -> Result<u64> {
        write!(self, |conn| uploads::reap(conn, before))
    }

    async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>> {
        write!(self, |conn| chunks::missing(conn, ids, keep_until))
    }

    async fn put_chunk(&self, chunk: &NewChunk, bytes: Option<Bytes>) -> Result<Option<bool>> {
        let chunk = [(chunk.clone(), bytes)];
        let outcomes = transaction!(self.chunk_writers, BEGIN_WRITE, |conn| chunks::put(conn, &chunk))?;
        Ok(outcomes.first().copied().flatten())
    }

    async fn put_chunks(&self, chunks: &[(NewChunk, Option<Bytes>)]) -> Result<Vec<Option<bool>>> {
        transaction!(self.chunk_writers, BEGIN_WRITE, |conn| chunks::put(conn, chunks))
    }

    async fn chunk_bytes(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        statement!(self, |conn| chunks::bytes(conn, id))
    }

    async fn chunk_size(&self, id: &ChunkId) -> Result<Option<u64>> {
        statement!(self, |conn| chunks::size(conn, id))
    }

    async fn chunk_ids(&self, page: &Page<ChunkId>) -> Result<Vec<ChunkId>> {
        statement!(self, |conn| chunks::ids(conn, page))
    }

    async fn chunk_counts(&self) -> Result<ChunkCounts> {
        statement!(self, |conn| chunks::counts(conn))
    }

    async fn count_unused(&self, now: Time) -> Result<(u64, u64)> {
        statement!(self, |conn| chunks::count_unused(conn, now))
    }

    async fn doom(&self, now: Time, limit: u32) -> Result<u64> {
        // What to doom is looked for outside of the transaction that dooms it, which reads it once more: it stays
        // short, and conflicts with nobody but those who want the same chunks.
        let ids = statement!(self, |conn| chunks::unused(conn, now, limit))?;
        write!(self, |conn| chunks::doom(conn, now, &ids))
    }

    async fn sweep(&self, doomed_before: Time, limit: u32) -> Result<u64> {
        write!(self, |conn| chunks::sweep(conn, doomed_before, limit))
    }

    async fn claim(&self, doomed_before: Time, limit: u32) -> Result<Vec<ChunkId>> {
        write!(self, |conn| chunks::claim(conn, doomed_before, limit))
    }

    async fn forget(&self, ids: &[ChunkId]) -> Result<()> {
        write!(self, |conn| chunks::forget(conn, ids))
    }

    async fn remove_superseded(&self, before: Time) -> Result<u64> {
        write!(self, |conn| repository::remove_superseded(conn, before))
    }

    async fn put_token(&self, token: &Token) -> Result<()> {
        write!(self, |conn| records::put_token(conn, token))
    }

    async fn put_first_token(&self, token: &Token) -> Result<bool> {
        write!(self, |conn| records::put_first_token(conn, token))
    }

    async fn token(&self, id: Uuid) -> Result<Option<Token>> {
        statement!(self, |conn| records::token(conn, id))
    }

    async fn tokens(&self, page: &Page<Uuid>) -> Result<Vec<Token>> {
        statement!(self, |conn| records::tokens(conn, page))
    }

    async fn revoke_token(&self, id: Uuid, at: Time) -> Result<bool> {
        write!(self, |conn| records::revoke_token(conn, id, at))
    }

    async fn touch_token(&self, id: Uuid, at: Time) -> Result<()> {
        // Nearly every use is in an hour that is noted already: those need no writer.
        let hour = records::hour_of(at);
        if statement!(self, |conn| records::is_to_touch(conn, id, hour))? {
            write!(self, |conn| records::touch_token(conn, id, hour))?;
        }
        Ok(())
    }

    async fn lease(&self, name: &str, holder: &str, now: Time, until: Time) -> Result<bool> {
        write!(self, |conn| records::lease(conn, name, holder, now, until))
    }
}
