//! Clean-up and checks of the whole store, a piece at a time. Who may run them, when and how often is not
//! decided here: one process at a time, by a lease.

use vsekai_updater::formats::chunk::ChunkId;

use super::{Chunks, Kept};
use crate::db::Page;
use crate::error::Result;
use crate::model::Time;

/// What a piece of clean-up did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Chunks that nothing needs any more, to be removed after the grace.
    pub doomed: u64,
    /// Chunks removed.
    pub removed: u64,
    /// Chunks that an object store did not remove. They are tried again.
    pub failed: u64,
}

impl Cleaned {
    /// Whether there may be more to do at once.
    pub fn did_something(&self) -> bool {
        self.doomed + self.removed > 0
    }
}

/// What a piece of a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Live chunks looked at.
    pub checked: u64,
    /// Live, and their bytes are not there.
    pub missing: Vec<ChunkId>,
    /// Live, and their bytes are another content's.
    pub corrupt: Vec<ChunkId>,
    /// Where the next piece begins. Nothing: this was the last one.
    pub last: Option<ChunkId>,
}

impl Chunks {
    /// Dooms up to `limit` chunks that nothing keeps at `now`, and removes up to `limit` that were doomed `grace_s`
    /// seconds ago or earlier. Can be cut off anywhere and be begun again.
    pub async fn clean(&self, now: Time, grace_s: i64, limit: u32) -> Result<Cleaned> {
        let doomed = self.db.doom(now, limit).await?;
        let before = now.plus_seconds(-grace_s);
        let mut cleaned = Cleaned { doomed, ..Cleaned::default() };
        match &self.bytes {
            Kept::InDatabase(_) => cleaned.removed = self.db.sweep(before, limit).await?,
            Kept::AsObjects(objects) => {
                let claimed = self.db.claim(before, limit).await?;
                let count = claimed.len();
                let gone = objects.remove(claimed).await;
                self.db.forget(&gone).await?;
                self.forget_cached(&gone).await;
                cleaned.removed = gone.len() as u64;
                cleaned.failed = (count - gone.len()) as u64;
            }
        }
        Ok(cleaned)
    }

    /// Looks whether live chunks have their bytes; if `deeply`, whether these are what the ids say.
    pub async fn verify(&self, page: &Page<ChunkId>, deeply: bool) -> Result<Verified> {
        let ids = self.db.chunk_ids(page).await?;
        let mut verified = Verified { checked: ids.len() as u64, ..Verified::default() };
        for id in &ids {
            if deeply {
                match self.read(id).await? {
                    Some(bytes) => {
                        if !self.checker.is_sound(*id, bytes).await {
                            verified.corrupt.push(*id);
                        }
                    }
                    None => verified.missing.push(*id),
                }
            } else if !self.is_there(id).await? {
                verified.missing.push(*id);
            }
        }
        if u32::try_from(ids.len()).is_ok_and(|count| count >= page.limit) {
            verified.last = ids.last().copied();
        }
        Ok(verified)
    }

    async fn is_there(&self, id: &ChunkId) -> Result<bool> {
        Ok(match &self.bytes {
            Kept::InDatabase(_) => self.db.chunk_bytes(id).await?.is_some(),
            Kept::AsObjects(objects) => objects.size(id).await?.is_some(),
        })
    }

    async fn forget_cached(&self, ids: &[ChunkId]) {
        let Some(cache) = &self.cache else { return };
        for id in ids {
            cache.invalidate(id).await;
        }
    }
}
