//! What can give chunks: installed trees, stores and caches on local disks, and stores on other machines.
//!
//! Plain data and one trait. [`acquire`](crate::local::acquire) asks the sources, [`plan`](crate::local::plan) counts
//! what they have. Nothing that a source gives is trusted.

use std::sync::Arc;

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
    /// Its id.
    pub id: ChunkId,
    /// Its plain size in bytes, from the index.
    pub size: u64,
}

impl WantedChunk {
    /// The most that a store may give for it, in bytes.
    pub fn max_stored_bytes(&self) -> u64 {
        self.size + self.size / 128 + limits::MAX_STORED_OVERHEAD_BYTES
    }
}

/// A body that arrived, and whom to tell whether it was good.
pub struct Delivery {
    /// The body.
    pub chunk: CompressedChunk,
    /// The store it came from.
    pub origin: String,
    /// Called once with the outcome; after `ChunkCorrupt` the next store is asked.
    pub verdict: Box<dyn FnOnce(Result<()>) + Send>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({:?} from {})", self.chunk, self.origin)
    }
}

/// What a remote did, for reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Transfer {
    /// Requests sent, repeats counted.
    pub requests: u64,
    /// Bytes of bodies received.
    pub received_bytes: u64,
}

impl Transfer {
    /// Adds what else was done.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.received_bytes += other.received_bytes;
    }
}

/// Stores on other machines. Implemented by the network layer.
pub trait Remote: Send + Sync + std::fmt::Debug {
    /// Gets every wanted chunk and sends it to `deliveries`; returns when all were accepted, or with the
    /// first that cannot be had. Runs on a thread of its own.
    fn fetch(&self, wanted: &[WantedChunk], deliveries: Sender<Delivery>, monitor: &Monitor) -> Result<Transfer>;
}

/// Everything that can give chunks, in the order in which it is asked.
#[derive(Debug, Default)]
pub struct Sources {
    /// Installed trees and files.
    pub seeds: Vec<Seed>,
    /// Stores on local disks.
    pub stores: Vec<LocalStore>,
    /// Caches shared with other programs: read, and a bad chunk in one is removed.
    pub caches: Vec<LocalStore>,
    /// Where what was fetched is kept as well.
    pub write_cache: Option<LocalStore>,
    /// Stores on other machines.
    pub remote: Option<Arc<dyn Remote>>,
}

impl Sources {
    /// Whether the chunk is to be had without asking another machine, as far as the local sources say. Its
    /// bytes may still prove bad.
    pub fn has_locally(&self, id: &ChunkId) -> bool {
        // With nobody else to ask there is no need to ask the disk twice.
        self.remote.is_none() || self.seeds.iter().any(|seed| seed.has(id)) || self.has_stored(id)
    }

    fn has_stored(&self, id: &ChunkId) -> bool {
        self.stores.iter().chain(&self.caches).chain(&self.write_cache).any(|store| store.has(id))
    }
}
