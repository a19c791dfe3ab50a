//! Checks every chunk of a store against its id, and repairs damaged ones on request.
//!
//! A repair removes a damaged chunk that no source can replace, as desync does: every reader can handle a missing chunk
//! (it asks the next store), and the next make adds it again, whereas it would assume a damaged one to be good. Without
//! a repair nothing is changed.

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

/// The result of [`verify`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of chunks read.
    pub checked: u64,
    /// Plain bytes of the good ones.
    pub bytes: u64,
    /// Chunks that do not match their ids and were not replaced. A repair removes them.
    pub damaged: Vec<ChunkId>,
    /// Damaged chunks that were replaced.
    pub repaired: Vec<ChunkId>,
    /// Temporary files of running or killed writers. [`prune`](crate::local::store::prune) removes old ones.
    pub leftovers: u64,
}

/// Decompresses and hashes every chunk of the store. Without a digest algorithm both are tried, because a store may
/// contain chunks of either.
///
/// # Errors
/// `Busy`, only for a repair while something adds to the store. Damaged chunks are not an error.
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
            // Pruned since the store was listed.
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

/// A stored chunk that was verified.
struct Sound {
    stored: CompressedChunk,
    plain_bytes: u64,
}

/// Verifies stored chunks in any thread.
struct Checker {
    digest: Option<DigestAlgorithm>,
    /// Decompressors and buffers that no thread is using.
    idle: Mutex<Vec<(Decompressor, Vec<u8>)>>,
}

impl Checker {
    fn new(digest: Option<DigestAlgorithm>) -> Self {
        Self { digest, idle: Mutex::default() }
    }

    /// Reads and verifies the chunk; `None` if the store lacks it.
    ///
    /// # Errors
    /// `ChunkCorrupt` if it is damaged.
    fn read(&self, store: &LocalStore, id: ChunkId) -> Result<Option<Sound>> {
        let origin = store.path_of(&id).display().to_string();
        let stored = store.get(&id, u64::MAX).map_err(|error| match error {
            // The disk cannot read it: for every reader the chunk is as good as damaged.
            Error::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
                Error::chunk_corrupt(id, origin.clone(), "it cannot be read").caused_by(source)
            }
            other => other,
        })?;
        stored.map(|stored| self.check(stored, &origin)).transpose()
    }

    /// # Errors
    /// `ChunkCorrupt` if the bytes do not match the id.
    fn check(&self, stored: CompressedChunk, origin: &str) -> Result<Sound> {
        let id = stored.id();
        let corrupt = |reason: &str| Error::chunk_corrupt(id, origin, reason);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut decompressor, buffer) = idle.map_or_else(|| Decompressor::new().map(|it| (it, Vec::new())), Ok)?;
        let plain = decompressor.decompress(&stored, limits::MAX_CHUNK_BYTES, buffer);
        let plain = plain.map_err(|e| corrupt("it does not decode").caused_by(e))?;
        let verified = match self.digest {
            Some(digest) => plain.verify(digest),
            None => plain.verify(DigestAlgorithm::Sha512_256).or_else(|buffer| {
                let plain = crate::formats::chunk::Chunk::new(id, buffer);
                plain.verify(DigestAlgorithm::Sha256)
            }),
        };
        let verified: VerifiedChunk = verified.map_err(|_| corrupt("the content does not match the id"))?;
        let plain_bytes = verified.as_bytes().len() as u64;
        let back = (decompressor, verified.into_bytes());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(back);
        Ok(Sound { stored, plain_bytes })
    }
}
