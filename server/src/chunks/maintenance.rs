//! Garbage collection and checks of the whole store, a batch at a time. When they run is decided elsewhere: collection
//! in one process at a time, which holds a lease.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use vsekai_updater::formats::chunk::ChunkId;

use super::{Chunks, Storage};
use crate::db::Page;
use crate::error::{Error, Result};
use crate::lease::Held;
use crate::model::Time;

/// Chunks that a check looks at at the same time: each may be 16 MiB.
const LOOKS: usize = 8;

/// What a check found of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    Missing,
    Corrupt,
}

/// What a batch of garbage collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Chunks that nothing needs any more. They are removed after the grace period.
    pub doomed: u64,
    /// Chunks removed.
    pub removed: u64,
    /// Chunks that the object store failed to remove. The next batch tries again.
    pub failed: u64,
}

impl Cleaned {
    /// Whether there may be more to do right away.
    pub fn did_something(&self) -> bool {
        self.doomed + self.removed > 0
    }
}

/// What a batch of a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Live chunks checked.
    pub checked: u64,
    /// Live chunks without bytes.
    pub missing: Vec<ChunkId>,
    /// Live chunks whose bytes do not match their id.
    pub corrupt: Vec<ChunkId>,
    /// The last chunk of this batch; `None` if it was the last batch.
    pub last: Option<ChunkId>,
}

impl Chunks {
    /// Dooms up to `limit` chunks that nothing keeps at `now`, and removes up to `limit` that were doomed `grace_s`
    /// seconds ago or earlier. May be interrupted anywhere, and repeated.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clean(&self, now: Time, grace_s: i64, limit: u32) -> Result<Cleaned> {
        self.clean_while(&|| true, now, grace_s, limit).await
    }

    /// [`clean`](Self::clean) by a process with the lease [`LEASE`](super::LEASE): once it is lost, nothing more is
    /// removed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clean_under(&self, lease: &Held, now: Time, grace_s: i64, limit: u32) -> Result<Cleaned> {
        self.clean_while(&|| lease.is_held(), now, grace_s, limit).await
    }

    async fn clean_while(
        &self,
        may_remove: &(dyn Fn() -> bool + Sync),
        now: Time,
        grace_s: i64,
        limit: u32,
    ) -> Result<Cleaned> {
        self.place.check(self.db.as_ref()).await?;
        let doomed = self.db.doom(now, limit).await?;
        let before = now.plus_seconds(-grace_s);
        let mut cleaned = Cleaned { doomed, ..Cleaned::default() };
        match &self.storage {
            Storage::InDatabase(_) => cleaned.removed = self.db.sweep(before, limit).await?,
            Storage::AsObjects(objects) => {
                let claimed = self.db.claim(before, limit).await?;
                let count = claimed.len();
                let gone = objects.remove(claimed, may_remove).await;
                self.db.forget(&gone).await?;
                self.forget_cached(&gone).await;
                cleaned.removed = gone.len() as u64;
                cleaned.failed = (count - gone.len()) as u64;
            }
        }
        Ok(cleaned)
    }

    /// Checks whether live chunks have their bytes, as many as are recorded, and, if `deeply`, whether the bytes match the
    /// ids.
    pub async fn verify(&self, page: &Page<ChunkId>, deeply: bool) -> Result<Verified> {
        let ids = self.db.chunk_ids(page).await?;
        let mut verified = Verified { checked: ids.len() as u64, ..Verified::default() };
        let looks = stream::iter(ids.clone()).map(async |id| Ok::<_, Error>((id, self.look_at(&id, deeply).await?)));
        let found: Vec<(ChunkId, Health)> = looks.buffered(LOOKS).try_collect().await?;
        for (id, health) in found {
            match health {
                Health::Sound => {}
                Health::Missing => verified.missing.push(id),
                Health::Corrupt => verified.corrupt.push(id),
            }
        }
        if u32::try_from(ids.len()).is_ok_and(|count| count >= page.limit) {
            verified.last = ids.last().copied();
        }
        Ok(verified)
    }

    async fn look_at(&self, id: &ChunkId, deeply: bool) -> Result<Health> {
        let size = match &self.storage {
            _ if deeply => None,
            Storage::InDatabase(_) => self.db.chunk_bytes(id).await?.map(|bytes| bytes.len() as u64),
            Storage::AsObjects(objects) => objects.size(id).await?,
        };
        match size {
            None if !deeply => return Ok(Health::Missing),
            Some(size) if self.db.chunk_size(id).await? == Some(size) => return Ok(Health::Sound),
            _ => {}
        }
        // Of another size, it may still be the chunk: another program has compressed it otherwise.
        let Some(bytes) = self.read(id).await? else { return Ok(Health::Missing) };
        Ok(if self.checker.is_sound(*id, bytes).await { Health::Sound } else { Health::Corrupt })
    }

    pub(super) async fn is_there(&self, id: &ChunkId) -> Result<bool> {
        Ok(match &self.storage {
            Storage::InDatabase(_) => self.db.chunk_bytes(id).await?.is_some(),
            Storage::AsObjects(objects) => objects.size(id).await?.is_some(),
        })
    }

    pub(super) async fn forget_cached(&self, ids: &[ChunkId]) {
        let Some(cache) = &self.cache else { return };
        for id in ids {
            cache.invalidate(id).await;
        }
    }
}
