//! Clean-up: chunks that nothing needs, publications that were never finished, metadata that is out of date, bundles of
//! versions that are gone and those that better ones have replaced.
//!
//! A chunk is doomed first, by a transaction that sees whether a version or a publication needs it; it is removed
//! after a grace, and until then a publisher who sends it again saves it. Whoever asks which chunks are missing is
//! told that a doomed one is. So a version never lacks a chunk, whatever happens at the same time.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::model::Time;
use crate::service::Service;

/// Chunks in one transaction.
const PIECE: u32 = 500;

/// How long the lease is taken for, in seconds; it is taken again for every piece.
const LEASE_S: i64 = 600;

/// Most pieces of one round: the next round goes on.
const MAX_PIECES: u32 = 10_000;

/// How long what is kept for whom.
#[derive(Debug, Clone, Copy)]
pub struct Graces {
    /// From doomed to removed, in seconds; of bundles too.
    pub chunks_s: i64,
    /// From out of force to removed, in seconds.
    pub metadata_s: i64,
}

/// What a round did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Publications that were never finished.
    pub publications: u64,
    /// Chunks that nothing needs any more; they are removed after the grace.
    pub doomed_chunks: u64,
    /// Their stored bytes. Known when nothing is done only.
    pub doomed_bytes: u64,
    /// Chunks removed.
    pub removed_chunks: u64,
    /// Files of the repository removed.
    pub removed_files: u64,
    /// Bundles whose version is gone; they are removed after the grace.
    pub doomed_bundles: u64,
    /// Bundles removed.
    pub removed_bundles: u64,
}

/// What a round would doom now. Nothing is changed.
///
/// # Errors
/// Those of the database.
pub async fn look(service: &Service) -> Result<Swept> {
    let (doomed_chunks, doomed_bytes) = service.db().count_unused(Time::now()).await?;
    Ok(Swept { doomed_chunks, doomed_bytes, ..Swept::default() })
}

/// One round, if nobody else cleans up: two at once could delete what the other has just let come back. Cut off
/// anywhere, the next one goes on. Nothing: another has the lease.
///
/// # Errors
/// Those of the database and of the chunk store.
pub async fn round(service: &Service, holder: &str, graces: Graces) -> Result<Option<Swept>> {
    if !keep_lease(service, holder).await? {
        return Ok(None);
    }
    let now = Time::now();
    let db = service.db();
    let mut swept = Swept { publications: db.reap_uploads(now).await?, ..Swept::default() };
    swept.removed_files = db.remove_superseded(now.plus_seconds(-graces.metadata_s)).await?;
    for _ in 0..MAX_PIECES {
        if !keep_lease(service, holder).await? {
            break;
        }
        let cleaned = service.chunks().clean(now, graces.chunks_s, PIECE).await?;
        swept.doomed_chunks += cleaned.doomed;
        swept.removed_chunks += cleaned.removed;
        if cleaned.failed > 0 {
            tracing::warn!(failed = cleaned.failed, "the object store did not remove all chunks; they are tried again");
        }
        if !cleaned.did_something() {
            break;
        }
    }
    for _ in 0..MAX_PIECES {
        if !keep_lease(service, holder).await? {
            break;
        }
        let cleaned = service.bundles().clean(now, graces.chunks_s).await?;
        swept.doomed_bundles += cleaned.doomed;
        swept.removed_bundles += cleaned.removed;
        if cleaned.removed == 0 {
            break;
        }
    }
    // The next one need not wait.
    service.db().lease("clean", holder, now, now).await?;
    Ok(Some(swept))
}

/// Longer than any piece of clean-up takes, so that nobody else begins while one is under way.
async fn keep_lease(service: &Service, holder: &str) -> Result<bool> {
    let now = Time::now();
    service.db().lease("clean", holder, now, now.plus_seconds(LEASE_S)).await
}

/// Cleans up for ever, while it has the lease; to be dropped when the server ends.
pub async fn keep_clean(service: Arc<Service>, holder: String, every: Duration, graces: Graces) {
    loop {
        tokio::time::sleep(every).await;
        match round(&service, &holder, graces).await {
            Ok(Some(swept)) if swept != Swept::default() => tracing::info!(?swept, "cleaned up"),
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "cannot clean up: {error}"),
        }
    }
}
