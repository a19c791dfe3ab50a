//! Where chunk bytes are kept: one interface for all places, with a cache in front.
//!
//! ```text
//! Chunks        get, size, put, missing, clean, verify       this file, chunks/maintenance.rs
//!   check       an upload must be what its id says           chunks/check.rs
//!   Writer      in the database: uploads in groups           chunks/writer.rs
//!   Objects     in a folder or S3: one object per chunk      chunks/objects.rs
//!   Place       where all of that is, by the database        chunks/place.rs
//!   Reach       whether it can be read and written           chunks/reach.rs
//! ```
//!
//! Promises: bytes become visible only after they have been unpacked and hashed to their id; a chunk whose row is live
//! has its bytes, whatever runs at the same time; memory is bounded by the cache, by the number of concurrent checks
//! and by the callers' bodies. Absence is never cached. Nothing here knows HTTP, or who may do what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use moka::future::Cache;
use tokio::sync::Semaphore;
use vsekai_updater::formats::chunk::{ChunkId, DigestAlgorithm};
use vsekai_updater::limits;
use vsekai_updater::net::api::batch;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{NewChunk, Time};
use crate::problem::with_causes;

mod check;
mod location;
mod maintenance;
mod objects;
mod place;
mod reach;
mod writer;

pub use location::{Options, StorageLocation};
pub use maintenance::{Cleaned, Verified};
pub(crate) use objects::open_objects;

use check::{Checked, Checker};
pub use check::{Watch, turns};
use objects::Objects;
use place::Place;
pub use place::elsewhere;
use reach::Reach;
pub use reach::try_place;
pub(crate) use reach::why;
use writer::Writer;

/// The lease of the process that removes chunks.
pub const LEASE: &str = "clean";

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The chunk was not live before.
    New,
    /// The chunk was live already.
    There,
}

/// Statistics of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Requests answered from memory.
    pub hits: u64,
    /// Requests passed to the store.
    pub misses: u64,
    /// Bytes in the cache.
    pub bytes: u64,
}

/// A chunk store with its cache.
#[derive(Debug)]
pub struct Chunks {
    db: Arc<dyn Db>,
    storage: Storage,
    cache: Option<Cache<ChunkId, Bytes>>,
    checker: Checker,
    place: Place,
    reach: Reach,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
enum Storage {
    InDatabase(Writer),
    AsObjects(Objects),
}

impl Chunks {
    /// Opens the store. Must be called on a runtime: a task writes uploads into the database.
    ///
    /// # Errors
    /// [`Error::Config`] if the options cannot be used. An object store is not contacted yet.
    pub fn open(db: Arc<dyn Db>, options: &Options) -> Result<Self> {
        let storage = match &options.location {
            StorageLocation::Database => Storage::InDatabase(Writer::start(Arc::clone(&db))),
            _ => Storage::AsObjects(Objects::open(options)?),
        };
        let cache = (options.cache_bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(options.cache_bytes)
                .weigher(|_, bytes: &Bytes| {
                    u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(CACHE_OVERHEAD)
                })
                .build()
        });
        Ok(Self {
            db,
            storage,
            cache,
            checker: Checker::new(options.max_chunk_bytes()),
            place: Place::new(options.location.to_string()),
            reach: Reach::open(options)?,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Largest chunk accepted, in plain bytes.
    pub fn max_chunk_bytes(&self) -> u64 {
        self.checker.max_bytes()
    }

    /// Largest upload accepted, in stored bytes.
    pub fn max_stored_bytes(&self) -> u64 {
        self.checker.max_bytes() + limits::MAX_STORED_OVERHEAD_BYTES
    }

    /// The stored bytes of a chunk. Concurrent requests for the same chunk share one read of the store.
    pub async fn get(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        let Some(cache) = &self.cache else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return self.read(id).await;
        };
        if let Some(bytes) = cache.get(id).await {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(bytes));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let loaded = async { self.read(id).await.map_err(Some)?.ok_or(None) };
        match cache.try_get_with_by_ref(id, loaded).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(failed) => match failed.as_ref() {
                None => Ok(None),
                Some(error) => Err(shared(error)),
            },
        }
    }

    /// The stored bytes of a chunk, bypassing the cache: reading a whole version through it would only evict what
    /// players need.
    pub async fn read(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        match &self.storage {
            Storage::InDatabase(_) => self.db.chunk_bytes(id).await,
            Storage::AsObjects(objects) => self.noted(objects.get(id).await),
        }
    }

    /// After a failure of the store, it is looked at anew.
    fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(Error::ObjectStore(_)) = &outcome {
            self.reach.suspect();
        }
        outcome
    }

    /// Fails if the bytes of chunks cannot be read and written. Looks at most every few seconds, for a few seconds,
    /// however often it is called.
    ///
    /// # Errors
    /// `chunks_unreachable`, `disk_full`.
    pub async fn check_reach(&self) -> Result<()> {
        self.reach.check(self.db.as_ref()).await
    }

    /// Writes, reads and removes an object where the bytes of chunks are.
    ///
    /// # Errors
    /// As [`check_reach`](Self::check_reach), with all causes.
    pub async fn try_out(&self) -> Result<()> {
        self.reach.try_out().await
    }

    /// The stored size of a chunk. Never from the cache: publishers ask this to decide whether to send the chunk.
    pub async fn size(&self, id: &ChunkId) -> Result<Option<u64>> {
        self.db.chunk_size(id).await
    }

    /// Largest batch of chunks accepted, in bytes with their heads.
    pub fn max_batch_bytes(&self) -> u64 {
        BATCH_BYTES.max(self.max_stored_bytes() + batch::HEAD_BYTES as u64)
    }

    /// The stored bytes of many chunks, in this order, bypassing the cache.
    pub async fn read_many(&self, ids: &[ChunkId]) -> Result<Vec<Option<Bytes>>> {
        match &self.storage {
            Storage::InDatabase(_) => self.db.chunks_bytes(ids).await,
            Storage::AsObjects(objects) => {
                let reads = stream::iter(ids.to_vec()).map(|id| async move { objects.get(&id).await });
                self.noted(reads.buffered(PARALLEL).try_collect().await)
            }
        }
    }

    /// Whether the id was found to be this digest of its content, when the chunk arrived here a while ago.
    pub fn knows(&self, id: &ChunkId, digest: DigestAlgorithm) -> bool {
        self.checker.knows(id, digest)
    }

    /// Checks the bytes and makes the chunk live. It is kept at least until `keep_until`.
    ///
    /// # Errors
    /// [`Error::TooLarge`], `chunk_corrupt` if it is not what its id says, and `chunk_deleting` while garbage
    /// collection removes it: retrying two seconds later will succeed, even if garbage collection has been killed.
    pub async fn put(&self, id: ChunkId, stored: Bytes, keep_until: Time) -> Result<PutOutcome> {
        self.settle().await?;
        self.put_anywhere(id, stored, keep_until).await
    }

    /// [`put`](Self::put) for many chunks. All are checked before the first is stored; results are in their order. `watch`
    /// sees each that has been checked. `own`: the [`turns`] of the sender.
    ///
    /// # Errors
    /// As [`put`](Self::put). Some may have been stored, and putting them again does no harm.
    pub async fn put_many(
        &self,
        chunks: Vec<(ChunkId, Bytes)>,
        keep_until: Time,
        watch: Option<&Watch>,
        own: &Semaphore,
    ) -> Result<Vec<PutOutcome>> {
        self.settle().await?;
        let checked = self.checker.check_all(chunks, watch, own).await?;
        let puts = stream::iter(checked).map(|checked| self.store(checked, keep_until));
        puts.buffered(PARALLEL).try_collect().await
    }

    /// [`put`](Self::put), even if chunks are elsewhere now.
    async fn put_anywhere(&self, id: ChunkId, stored: Bytes, keep_until: Time) -> Result<PutOutcome> {
        let checked = self.checker.check(id, stored).await?;
        self.store(checked, keep_until).await
    }

    async fn store(&self, checked: Checked, keep_until: Time) -> Result<PutOutcome> {
        let (id, stored_size) = (checked.id, checked.stored.len() as u64);
        let chunk = NewChunk { id, size: checked.plain_bytes, stored_size, keep_until };
        match &self.storage {
            Storage::InDatabase(writer) => writer.put(chunk, checked.stored).await,
            Storage::AsObjects(objects) => {
                self.noted(objects.put(&self.db, &self.checker, chunk, checked.stored).await)
            }
        }
    }

    /// Returns those of `ids` (at most 5,000) that must be sent. The others are kept at least until `keep_until`.
    pub async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>> {
        self.db.missing(ids, keep_until).await
    }

    /// Statistics of the cache.
    pub fn cache_counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            bytes: self.cache.as_ref().map_or(0, Cache::weighted_size),
        }
    }
}

/// Chunks that are read or stored at the same time for one request.
const PARALLEL: usize = 64;

/// Largest batch of chunks, in bytes, unless one chunk may be larger.
const BATCH_BYTES: u64 = 4 << 20;

/// Memory that an entry of the cache takes in addition to its bytes.
const CACHE_OVERHEAD: u32 = 256;

/// A copy of a failure, for another request that waited for the same chunk.
fn shared(error: &Error) -> Error {
    match error {
        Error::Unavailable { code, reason } => Error::Unavailable { code, reason: reason.clone() },
        Error::ObjectStore(_) => Error::Unavailable { code: error.code(), reason: error.to_string() },
        error => Error::internal_by("a chunk could not be read")(with_causes(error)),
    }
}

/// The error for a chunk that is being removed right now.
fn deleting() -> Error {
    Error::Unavailable {
        code: "chunk_deleting",
        reason: "The chunk is being removed; send it again in a moment".to_owned(),
    }
}
