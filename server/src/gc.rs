//! Garbage collection: chunks that nothing needs, publications that were never finished, metadata that is out of force,
//! and bundles whose version is gone or that better ones have replaced.
//!
//! A chunk is doomed first, by a transaction that sees whether a version or a publication needs it. It is removed after
//! a grace period, and until then a publisher can revive it by sending it again: when asked, the server reports doomed
//! chunks as missing. So no version ever lacks a chunk, whatever happens at the same time.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::chunks::LEASE;
use crate::error::Result;
use crate::lease::Held;
use crate::model::Time;
use crate::service::Service;

/// Chunks per transaction.
const BATCH: u32 = 500;

/// How long what a commit writes before its last transaction is left alone, in seconds: that takes minutes at most.
const COMMIT_S: i64 = 3600;

/// The longest wait before the first round: a server that is started again often must clean up, too.
const FIRST: Duration = Duration::from_mins(1);

/// Most batches of one round. The next round continues.
const MAX_BATCHES: u32 = 10_000;

/// Retention periods.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How long doomed chunks and bundles can still be read, in seconds.
    pub doomed_s: i64,
    /// How long metadata that is out of force can still be read, in seconds.
    pub superseded_s: i64,
}

/// What a round did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Unfinished publications removed.
    pub publications: u64,
    /// Chunks that nothing needs any more. They are removed after the grace period.
    pub doomed_chunks: u64,
    /// Stored bytes of the doomed chunks. Counted by [`preview`] only.
    pub doomed_bytes: u64,
    /// Chunks removed.
    pub removed_chunks: u64,
    /// Files of the repository removed.
    pub removed_files: u64,
    /// Versions that are gone and commits that never ended, whose remains were removed.
    pub leftovers: u64,
    /// Bundles whose version is gone. They are removed after the grace period.
    pub doomed_bundles: u64,
    /// Bundles removed.
    pub removed_bundles: u64,
    /// Chunks and bundles that could not be removed. The next round tries again.
    pub failed: u64,
}

/// What a round would doom now. Changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn preview(service: &Service) -> Result<Collected> {
    let (doomed_chunks, doomed_bytes) = service.db().count_unused(Time::now()).await?;
    Ok(Collected { doomed_chunks, doomed_bytes, ..Collected::default() })
}

/// Collects once, unless another process does: two at once could delete what the other has just revived. Returns `None`
/// if another process has the lease. May be interrupted anywhere; the next round continues.
///
/// # Errors
/// Those of the database and of the chunk store.
pub async fn collect(service: &Service, holder: &str, retention: Retention) -> Result<Option<Collected>> {
    let Some(lease) = Held::take(service.db(), LEASE, holder).await? else { return Ok(None) };
    let now = Time::now();
    let db = service.db();
    let mut collected = Collected { publications: db.reap_uploads(now).await?, ..Collected::default() };
    collected.removed_files = db.remove_superseded(now.plus_seconds(-retention.superseded_s)).await?;
    collected.leftovers = db.remove_leftovers(now.plus_seconds(-COMMIT_S)).await?;
    for _ in 0..MAX_BATCHES {
        if !lease.is_held() {
            break;
        }
        let cleaned = service.chunks().clean_under(&lease, now, retention.doomed_s, BATCH).await?;
        collected.doomed_chunks += cleaned.doomed;
        collected.removed_chunks += cleaned.removed;
        collected.failed = cleaned.failed;
        if cleaned.failed > 0 {
            tracing::warn!(
                event = "chunks_not_removed",
                failed = cleaned.failed,
                "the object store did not remove some chunks; the next round tries again"
            );
        }
        if !cleaned.did_something() {
            break;
        }
    }
    // Each batch tries again what the one before could not remove.
    let mut failed_bundles = 0;
    for _ in 0..MAX_BATCHES {
        if !lease.is_held() {
            break;
        }
        let cleaned = service.bundles().clean(now, retention.doomed_s, service.upload_ttl_s()).await?;
        failed_bundles = cleaned.failed;
        collected.doomed_bundles += cleaned.doomed;
        collected.removed_bundles += cleaned.removed;
        if cleaned.removed == 0 {
            break;
        }
    }
    collected.failed += failed_bundles;
    lease.give_back().await?;
    service.upkeep().has_cleaned(Time::now());
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    metrics::gauge!("vsekai_cleanup_last_success_timestamp_seconds").set((Time::now().0 / 1_000_000) as f64);
    Ok(Some(collected))
}

fn log(collected: &Collected) {
    tracing::info!(
        event = "cleaned_up",
        doomed_chunks = collected.doomed_chunks,
        removed_chunks = collected.removed_chunks,
        doomed_bundles = collected.doomed_bundles,
        removed_bundles = collected.removed_bundles,
        removed_files = collected.removed_files,
        publications = collected.publications,
        leftovers = collected.leftovers,
        failed = collected.failed,
        "cleaned up"
    );
}

/// Collects at this interval, whenever it gets the lease. Never returns: drop the future to stop.
pub async fn collect_forever(service: Arc<Service>, holder: String, every: Duration, retention: Retention) {
    let mut wait = every.min(FIRST);
    loop {
        tokio::time::sleep(wait).await;
        wait = every;
        match collect(&service, &holder, retention).await {
            Ok(Some(collected)) if collected != Collected::default() => log(&collected),
            Ok(_) => {}
            Err(error) => {
                metrics::counter!("vsekai_cleanup_failures_total").increment(1);
                service.upkeep().has_failed("clean-up", &error);
                tracing::warn!(event = "cleanup_failed", code = error.code(), "the clean-up failed: {error}");
            }
        }
    }
}
