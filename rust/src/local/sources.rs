//! Sources of chunks: installed trees, stores and caches on local disks, and stores on other machines.
//!
//! Plain data and one trait. [`acquire`](crate::local::acquire) reads the sources, [`plan`](crate::local::plan) counts
//! what they have. Nothing from a source is trusted.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::chunk::{ChunkId, CompressedChunk};
use crate::limits;
use crate::local::seed::Seed;
use crate::local::store::LocalStore;

/// A chunk that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedChunk {
    /// Its id, by which sources are asked.
    pub id: ChunkId,
    /// Its plain size in bytes, from the index.
    pub size: u64,
}

impl WantedChunk {
    /// The most bytes that a store may return for it.
    pub fn max_stored_bytes(&self) -> u64 {
        self.size + self.size / 128 + limits::MAX_STORED_OVERHEAD_BYTES
    }
}

/// A received body, and the callback for its verification.
pub struct Delivery {
    /// The body, not verified yet.
    pub chunk: CompressedChunk,
    /// The store that it came from, for messages.
    pub origin: String,
    /// Called once with the outcome; after `ChunkCorrupt` the next store is asked.
    pub verdict: Box<dyn FnOnce(Result<()>) + Send>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({:?} from {})", self.chunk, self.origin)
    }
}

/// Network usage of a remote, for reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Transfer {
    /// Requests sent, including repeated ones.
    pub requests: u64,
    /// Bytes of bodies received.
    pub received_bytes: u64,
}

impl Transfer {
    /// Adds the usage of another operation.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.received_bytes += other.received_bytes;
    }
}

/// Stores on other machines. Implemented by the network layer.
pub trait Remote: Send + Sync + std::fmt::Debug {
    /// Requests every wanted chunk and sends it to `deliveries`. Returns once all were accepted, or with the error of
    /// the first that is unavailable. Runs on a thread of its own.
    fn fetch(&self, wanted: &[WantedChunk], deliveries: Sender<Delivery>, monitor: &Monitor) -> Result<Transfer>;
}

/// All sources of chunks, in the order in which they are tried.
#[derive(Debug, Default)]
pub struct Sources {
    /// Installed trees and files.
    pub seeds: Vec<Seed>,
    /// Stores on local disks.
    pub stores: Vec<LocalStore>,
    /// A store on a local disk that should be there and is not.
    pub absent: Option<PathBuf>,
    /// Caches shared with other programs: read, and a bad chunk in one is removed.
    pub caches: Vec<LocalStore>,
    /// A cache that downloaded chunks are added to.
    pub write_cache: Option<LocalStore>,
    /// Stores on other machines.
    pub remote: Option<Arc<dyn Remote>>,
    /// Whether somebody was told that the cache cannot be written to.
    pub is_told: AtomicBool,
}

impl Sources {
    /// Adds a downloaded chunk to the cache, if there is one. A cache that cannot be written to, such as on a full disk,
    /// is no reason to stop: that is a warning, once.
    pub fn remember(&self, chunk: &CompressedChunk, monitor: &Monitor) {
        let Some(cache) = &self.write_cache else { return };
        if let Err(error) = cache.put(chunk)
            && !self.is_told.swap(true, Ordering::Relaxed)
        {
            monitor.warn(&error);
        }
    }

    /// Whether the chunk is available without asking another machine, as far as the local sources know. Its bytes may
    /// still turn out to be bad.
    pub fn has_locally(&self, id: &ChunkId) -> bool {
        // Without a remote, the answer makes no difference, so the disk is not asked.
        self.remote.is_none() || self.seeds.iter().any(|seed| seed.has(id)) || self.has_stored(id)
    }

    fn has_stored(&self, id: &ChunkId) -> bool {
        self.stores.iter().chain(&self.caches).chain(&self.write_cache).any(|store| store.has(id))
    }
}
