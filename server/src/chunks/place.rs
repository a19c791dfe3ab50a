//! Keeps a process from taking another place for that of the chunks, and moves them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{Chunks, Storage};
use crate::db::{Db, Page};
use crate::error::{Error, Result};
use crate::model::Time;
use vsekai_updater::formats::chunk::ChunkId;

/// How long a process trusts what it has read of the place.
const FRESH: Duration = Duration::from_secs(2);

/// Chunks of which it is looked whether they are at a place that is recorded for the first time.
const SAMPLE: u32 = 3;

/// Parts of bundles that are removed in one transaction.
const BUNDLE_PARTS: u32 = 256;

/// Where this process keeps chunks, and when it looked last whether that is right.
#[derive(Debug)]
pub(super) struct Place {
    name: String,
    looked: Mutex<Option<Instant>>,
}

impl Place {
    pub(super) fn new(name: String) -> Self {
        Self { name, looked: Mutex::default() }
    }

    /// Fails if chunks are at another place by now. Returns whether any place is recorded.
    pub(super) async fn check(&self, db: &dyn Db) -> Result<bool> {
        let is_fresh = || {
            let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            looked.is_some_and(|at| at.elapsed() < FRESH)
        };
        if is_fresh() {
            return Ok(true);
        }
        let asked = Instant::now();
        match db.recorded_place().await? {
            Some(found) if found.place != self.name => Err(Error::Unavailable {
                code: "store_moved",
                reason: "The chunks of this server were moved; it must be started again with the new place".to_owned(),
            }),
            Some(_) => {
                *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// What to do if nobody knows where the chunks are.
const WHERE: &str = "Set `chunks` to the place where they are, with `--chunks`, VSEKAI_SERVER_CHUNKS or in the \
                     configuration file. After a restore, restore the chunks too";

/// The error for a place that is not where the database says that the chunks are.
pub fn elsewhere(recorded: &str, configured: &str) -> Error {
    Error::config(
        format!("The chunks of this database are in {recorded:?}, not in {configured:?}"),
        format!(
            "Write `chunks = {recorded:?}` in the configuration file, `--chunks {recorded}` or \
             VSEKAI_SERVER_CHUNKS={recorded}. To bring them to {configured:?} instead, then run `vsekai-server move --to \
             {configured}`"
        ),
    )
}

impl Chunks {
    /// Fails if chunks, and bundles with them, are at another place by now.
    ///
    /// # Errors
    /// `store_moved`, and those of the database.
    pub async fn check_place(&self) -> Result<()> {
        self.place.check(self.db.as_ref()).await.map(|_| ())
    }

    /// Fails if chunks are at another place by now, and records this one if none is.
    pub(super) async fn settle(&self) -> Result<()> {
        if self.place.check(self.db.as_ref()).await? {
            return Ok(());
        }
        // A place that was mistyped must not be recorded.
        self.try_out().await?;
        self.record_place().await
    }

    /// Makes sure that this is the place of the chunks, and records it if that was not done before: once it can be
    /// reached, which may be later.
    ///
    /// # Errors
    /// [`Error::Config`] if chunks are elsewhere; those of the database and the store.
    pub async fn claim_place(&self) -> Result<()> {
        if self.db.recorded_place().await?.is_none() {
            if self.check_reach().await.is_err() {
                return Ok(());
            }
            for id in self.db.chunk_ids(&Page { after: None, limit: SAMPLE }).await? {
                if !self.is_there(&id).await? {
                    let reason = format!("The database names chunks, but chunk {id} is not in {:?}", self.place.name);
                    return Err(Error::config(reason, WHERE));
                }
            }
        }
        self.record_place().await
    }

    async fn record_place(&self) -> Result<()> {
        let found = self.db.chunk_place(&self.place.name).await?;
        if found.place == self.place.name {
            return Ok(());
        }
        Err(elsewhere(&found.place, &self.place.name))
    }

    /// Copies the chunks that `to` lacks from here. Returns how many, and how many are nowhere. May be interrupted
    /// anywhere, and repeated.
    ///
    /// # Errors
    /// Those of the database and of both stores.
    pub async fn copy_to(&self, to: &Self) -> Result<(u64, u64)> {
        let (mut copied, mut lost) = (0, 0);
        let mut page = Page { after: None, limit: 500 };
        loop {
            let ids = self.db.chunk_ids(&page).await?;
            for id in &ids {
                if to.is_there(id).await? {
                    continue;
                }
                match self.read(id).await? {
                    Some(stored) => {
                        to.put_anywhere(*id, stored, Time(0)).await?;
                        copied += 1;
                    }
                    None => lost += 1,
                }
            }
            let Some(end) = ids.last().filter(|_| ids.len() >= page.limit as usize) else { break };
            page.after = Some(*end);
        }
        Ok((copied, lost))
    }

    /// Removes the bytes of chunks and bundles from the database, after they were moved out of it and no server reads
    /// them there any more. May be interrupted anywhere, and repeated.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clear_database(&self) -> Result<()> {
        let mut page = Page { after: None, limit: 500 };
        loop {
            let ids = self.db.chunk_ids(&page).await?;
            self.db.drop_chunk_data(&ids).await?;
            let Some(last) = ids.last().filter(|_| ids.len() >= page.limit as usize) else { break };
            page.after = Some(*last);
        }
        while self.db.clear_bundle_parts(BUNDLE_PARTS).await? == u64::from(BUNDLE_PARTS) {}
        Ok(())
    }

    /// Replaces the bytes of a chunk, whatever is there now: missing, damaged or sound.
    ///
    /// # Errors
    /// As [`Chunks::put`].
    pub async fn repair(&self, id: ChunkId, stored: bytes::Bytes) -> Result<()> {
        self.checker.check(id, stored.clone()).await?;
        match &self.storage {
            Storage::InDatabase(_) => self.db.drop_chunk_data(&[id]).await?,
            Storage::AsObjects(objects) => {
                objects.remove(vec![id], &|| true).await;
            }
        }
        self.put_anywhere(id, stored, Time(0)).await?;
        self.forget_cached(&[id]).await;
        Ok(())
    }

    /// Those of `ids` whose bytes are not there, whatever the rows say. They are recorded as lost, so that publishers are
    /// asked for them.
    ///
    /// # Errors
    /// Those of the database and of the store.
    pub async fn find_lost(&self, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
        use futures_util::{StreamExt as _, TryStreamExt as _};
        let looks = futures_util::stream::iter(
            ids.iter().copied().map(async |id| Ok::<_, Error>((!self.is_there(&id).await?).then_some(id))),
        );
        let lost: Vec<ChunkId> = looks.buffer_unordered(16).try_filter_map(async |lost| Ok(lost)).try_collect().await?;
        self.db.lose_chunks(&lost).await?;
        Ok(lost)
    }
}
