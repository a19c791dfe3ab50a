//! Where chunk bytes live, behind one seam, with a cache in front.
//!
//! ```text
//! Chunks        get, size, put, missing, clean, verify     this file, chunks/care.rs
//!   check       an upload is what its id says              chunks/check.rs
//!   Writer      the database: uploads grouped              chunks/writer.rs
//!   Objects     a folder or S3: one object a chunk         chunks/objects.rs
//! ```
//!
//! Promises: bytes become visible only after they were unpacked and hashed to their id; a chunk whose row is live has its
//! bytes, whatever runs at the same time; memory is bounded by the cache, by the number of checks at once and by
//! the callers' bodies. Absence is never remembered. It knows neither HTTP nor who may do what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use moka::future::Cache;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::limits;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::{NewChunk, Time};

mod care;
mod check;
mod objects;
mod place;
mod writer;

pub use care::{Cleaned, Verified};
pub(crate) use objects::open_objects;
pub use place::{Options, Place};

use check::Checker;
use objects::Objects;
use writer::Writer;

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The chunk was not live before.
    New,
    /// It was there already.
    There,
}

/// How the cache is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Answered from memory.
    pub hits: u64,
    /// Asked of the store.
    pub misses: u64,
    /// Bytes held.
    pub bytes: u64,
}

/// See the module's head.
#[derive(Debug)]
pub struct Chunks {
    db: Arc<dyn Db>,
    bytes: Kept,
    cache: Option<Cache<ChunkId, Bytes>>,
    checker: Checker,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
enum Kept {
    InDatabase(Writer),
    AsObjects(Objects),
}

impl Chunks {
    /// Opens the store. Must be called on a runtime: uploads into the database are grouped by a task.
    ///
    /// # Errors
    /// If the options cannot be used. An object store is not asked anything yet.
    pub fn open(db: Arc<dyn Db>, options: &Options) -> Result<Self> {
        let bytes = match &options.place {
            Place::Database => Kept::InDatabase(Writer::start(Arc::clone(&db))),
            _ => Kept::AsObjects(Objects::open(options)?),
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
            bytes,
            cache,
            checker: Checker::new(options.max_chunk_bytes()),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// The largest chunk that is taken, in plain bytes.
    pub fn max_chunk_bytes(&self) -> u64 {
        self.checker.max_bytes()
    }

    /// The largest upload that is taken, in stored bytes.
    pub fn max_stored_bytes(&self) -> u64 {
        self.checker.max_bytes() + limits::MAX_STORED_OVERHEAD_BYTES
    }

    /// The stored bytes of a chunk. Those who ask for the same at once share one look into the store.
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

    /// The stored bytes of a chunk, past the cache: who reads a whole version once would only push out what others
    /// want.
    pub async fn read(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        match &self.bytes {
            Kept::InDatabase(_) => self.db.chunk_bytes(id).await,
            Kept::AsObjects(objects) => objects.get(id).await,
        }
    }

    /// The stored size of a chunk. Never from the cache: who asks this wants to know whether to send it.
    pub async fn size(&self, id: &ChunkId) -> Result<Option<u64>> {
        self.db.chunk_size(id).await
    }

    /// Checks the bytes and makes the chunk live, kept at least until then.
    ///
    /// # Errors
    /// [`Error::TooLarge`], `chunk_corrupt` if it is not what its id says, and `chunk_deleting` while clean-up
    /// removes it: the same again in two seconds will do.
    pub async fn put(&self, id: ChunkId, stored: Bytes, keep_until: Time) -> Result<PutOutcome> {
        let checked = self.checker.check(id, stored).await?;
        let chunk = NewChunk { id, size: checked.plain_bytes, stored_size: checked.stored.len() as u64, keep_until };
        match &self.bytes {
            Kept::InDatabase(writer) => writer.put(chunk, checked.stored).await,
            Kept::AsObjects(objects) => objects.put(self.db.as_ref(), &self.checker, chunk, checked.stored).await,
        }
    }

    /// Those of `ids` (at most 5,000) that must be sent; the others are kept at least until then.
    pub async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>> {
        self.db.missing(ids, keep_until).await
    }

    /// How the cache is doing.
    pub fn cache_counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            bytes: self.cache.as_ref().map_or(0, Cache::weighted_size),
        }
    }
}

/// What an entry of the cache costs beside its bytes.
const CACHE_OVERHEAD: u32 = 256;

/// The same failure, for another one who waited for it.
fn shared(error: &Error) -> Error {
    match error {
        Error::Unavailable { code, reason } => Error::Unavailable { code, reason: reason.clone() },
        error => Error::Internal { context: format!("a chunk could not be read: {error}") },
    }
}

/// The stable word for a chunk that is being removed just now.
fn deleting() -> Error {
    Error::Unavailable {
        code: "chunk_deleting",
        reason: "The chunk is being removed; send it again in a moment".to_owned(),
    }
}
