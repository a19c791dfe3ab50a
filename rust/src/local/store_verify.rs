//! Reads every chunk of a store and holds it against its name; mends what is damaged, if asked to.
//!
//! A damaged chunk that no source can replace is removed by a repair, as desync does: every reader knows
//! what to do about a missing chunk (ask the next store), and the next make puts it back, while it would
//! take the damaged one for present. Without a repair nothing is changed.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::chunk::{ChunkId, CompressedChunk, Decompressor, DigestAlgorithm, VerifiedChunk};
use crate::limits;
use crate::local::sources::Sources;
use crate::local::store::{LocalStore, StoreEntry};

mod repair;

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Chunks read.
    pub checked: u64,
    /// Plain bytes of the sound ones.
    pub bytes: u64,
    /// Chunks that are not what their name says and were not repaired. After a repair they are gone.
    pub damaged: Vec<ChunkId>,
    /// Chunks that were damaged and are sound now.
    pub repaired: Vec<ChunkId>,
    /// Temporary files of writers that work, or were killed. [`prune`](crate::local::store::prune) removes old ones.
    pub leftovers: u64,
}

/// Decodes and hashes every chunk of the store. Without a digest both are tried: a store may hold chunks
/// of either.
///
/// # Errors
/// For `repair` only, `Busy` while something adds to the store. Damage is no error.
pub fn verify(
    store: &LocalStore,
    digest: Option<DigestAlgorithm>,
    repair: Option<&Sources>,
    monitor: &Monitor,
) -> Result<Verified> {
    let _lock = repair.map(|_| store.claim("verify --repair")).transpose()?;
    let entries = store.entries()?;
    let mut chunks: Vec<ChunkId> = Vec::with_capacity(entries.len());
    chunks.extend(entries.iter().filter_map(|entry| match entry {
        StoreEntry::Chunk { id, .. } => Some(*id),
        StoreEntry::Leftover { .. } => None,
    }));
    let leftovers = (entries.len() - chunks.len()) as u64;
    drop(entries);
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes: 0 });
    let checker = Checker::new(digest);
    let bytes = AtomicU64::new(0);
    let check = |id: &ChunkId| -> Result<Option<ChunkId>> {
        monitor.cancel.check()?;
        match checker.read(store, *id) {
            Ok(Some(sound)) => {
                let size = sound.plain_bytes;
                bytes.fetch_add(size, Ordering::Relaxed);
                monitor.emit(Event::Advanced { phase: Phase::Verify, bytes: size });
                Ok(None)
            }
            // Pruned since the listing.
            Ok(None) => Ok(None),
            Err(error @ Error::ChunkCorrupt { .. }) => {
                monitor.warn(&error);
                Ok(Some(*id))
            }
            Err(error) => Err(error),
        }
    };
    let pool = monitor.pool()?;
    let found: Result<Vec<Option<ChunkId>>> = pool.install(|| chunks.par_iter().map(check).collect());
    let mut damaged: Vec<ChunkId> = found?.into_iter().flatten().collect();
    damaged.sort_unstable();
    let repaired = match repair {
        Some(sources) => repair::repair(store, &damaged, sources, &checker, monitor)?,
        None => Vec::new(),
    };
    damaged.retain(|id| repaired.binary_search(id).is_err());
    monitor.emit(Event::Finished { phase: Phase::Verify });
    Ok(Verified { checked: chunks.len() as u64, bytes: bytes.into_inner(), damaged, repaired, leftovers })
}

/// A chunk as stored, and proof that it is sound.
struct Sound {
    stored: CompressedChunk,
    plain_bytes: u64,
}

/// Holds stored chunks against their ids, in any thread.
struct Checker {
    digest: Option<DigestAlgorithm>,
    /// Decoders and buffers that no thread uses now.
    idle: Mutex<Vec<(Decompressor, Vec<u8>)>>,
}

impl Checker {
    fn new(digest: Option<DigestAlgorithm>) -> Self {
        Self { digest, idle: Mutex::default() }
    }

    /// The chunk in this store, if it is there and sound.
    ///
    /// # Errors
    /// `ChunkCorrupt` if it is damaged.
    fn read(&self, store: &LocalStore, id: ChunkId) -> Result<Option<Sound>> {
        let origin = store.path_of(&id).display().to_string();
        let stored = store.get(&id, u64::MAX).map_err(|error| match error {
            // The disk gives no bytes: for whoever wants the chunk that is damage like any other.
            Error::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
                Error::ChunkCorrupt { id, origin: origin.clone(), reason: source.to_string() }
            }
            other => other,
        })?;
        stored.map(|stored| self.check(stored, &origin)).transpose()
    }

    /// # Errors
    /// `ChunkCorrupt` if the bytes are not the chunk that they are said to be.
    fn check(&self, stored: CompressedChunk, origin: &str) -> Result<Sound> {
        let id = stored.id();
        let corrupt = |reason: String| Error::ChunkCorrupt { id, origin: origin.to_owned(), reason };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut decompressor, buffer) = idle.map_or_else(|| Decompressor::new().map(|it| (it, Vec::new())), Ok)?;
        let plain = decompressor.decompress(&stored, limits::MAX_CHUNK_BYTES, buffer);
        let plain = plain.map_err(|e| corrupt(e.to_string()))?;
        let verified = match self.digest {
            Some(digest) => plain.verify(digest),
            None => plain.verify(DigestAlgorithm::Sha512_256).or_else(|buffer| {
                let plain = crate::formats::chunk::Chunk::new(id, buffer);
                plain.verify(DigestAlgorithm::Sha256)
            }),
        };
        let verified: VerifiedChunk = verified.map_err(|_| corrupt("the content does not match the id".into()))?;
        let plain_bytes = verified.as_bytes().len() as u64;
        let back = (decompressor, verified.into_bytes());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(back);
        Ok(Sound { stored, plain_bytes })
    }
}
