//! Garbage collection and checks of all bundles. When they run is decided elsewhere: collection in one process at a
//! time, which holds a lease.

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{Bundles, storage};
use crate::error::{Error, Result};
use crate::model::Time;
use crate::problem;
use vsekai_updater::digest::Digest;

/// Most bundles removed in one batch.
const BATCH: u32 = 20;

/// No upload of a bundle takes this long, in seconds: an older one was left behind by a server that was killed.
const INCOMING_S: i64 = 6 * 3600;

/// What a batch of garbage collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Bundles whose version is gone, and remains of bundles that were never finished.
    pub doomed: u64,
    /// Bundles removed.
    pub removed: u64,
    /// Bundles whose bytes could not be removed. The next batch tries again.
    pub failed: u64,
}

impl Bundles {
    /// Dooms bundles that nothing needs any more, also those that have waited `waiting_s` seconds for their version, and
    /// removes some that were doomed `grace_s` seconds ago or earlier. May be interrupted anywhere, and repeated.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clean(&self, now: Time, grace_s: i64, waiting_s: i64) -> Result<Cleaned> {
        let (incoming_before, waiting_before) = (now.plus_seconds(-INCOMING_S), now.plus_seconds(-waiting_s));
        let doomed = self.db.doom_bundles(now, incoming_before, waiting_before).await?;
        let mut cleaned = Cleaned { doomed, ..Cleaned::default() };
        for id in self.db.claim_bundles(now.plus_seconds(-grace_s), BATCH).await? {
            match self.remove_claimed(&id).await {
                Ok(()) => cleaned.removed += 1,
                Err(error) => {
                    let inside = problem::with_causes(&error);
                    tracing::warn!(event = "bundle_not_removed", %id, code = error.code(), inside, "cannot remove a bundle: {error}");
                    cleaned.failed += 1;
                }
            }
        }
        Ok(cleaned)
    }

    /// Removes a bundle at once, whatever its state. It may be built again. Returns whether it existed.
    ///
    /// # Errors
    /// Those of the database and the object store.
    pub async fn remove(&self, id: &Digest) -> Result<bool> {
        let is_there = self.db.expel_bundle(id).await?;
        if is_there {
            self.remove_claimed(id).await?;
        }
        Ok(is_there)
    }

    /// Removes all bundles that were expelled. May be interrupted anywhere, and repeated.
    ///
    /// # Errors
    /// Those of the database and the object store.
    pub async fn remove_expelled(&self) -> Result<()> {
        loop {
            // Doomed ones keep their grace period.
            let ids = self.db.claim_bundles(Time(i64::MIN), BATCH).await?;
            for id in &ids {
                self.remove_claimed(id).await?;
            }
            if ids.is_empty() {
                return Ok(());
            }
        }
    }

    async fn remove_claimed(&self, id: &Digest) -> Result<()> {
        self.storage.remove(id).await?;
        // Those of before a move to a store, too: the row cannot go while the database has parts.
        storage::remove_parts(&self.db, id).await?;
        self.db.forget_bundle(id).await
    }

    /// Whether all bytes of a bundle are there and, if `deeply`, whether they match its name.
    ///
    /// # Errors
    /// Those of the database and the object store.
    pub async fn is_sound(&self, id: Digest, length: u64, deeply: bool) -> Result<bool> {
        if self.storage.size(&id, length).await? != Some(length) {
            return Ok(false);
        }
        if !deeply {
            return Ok(true);
        }
        let mut hash = Sha256::new();
        let read = async {
            let mut pieces = self.read(id, 0..length).await?;
            while let Some(bytes) = pieces.try_next().await? {
                hash.update(&bytes);
            }
            Ok(())
        };
        match read.await {
            Ok(()) => Ok(Digest(hash.finalize().into()) == id),
            Err(Error::NotFound { .. } | Error::Internal { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
