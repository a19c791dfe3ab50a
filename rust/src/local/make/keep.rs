//! Handles each chunk once: if the store already has it, it is marked as used, else it is compressed and stored.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Made;
use crate::error::Result;
use crate::formats::chunk::{ChunkId, Compressor};
use crate::formats::index::Index;
use crate::local::store::{LocalStore, prune};

/// A chunk younger than this is safe from a prune for long enough, so its time is not updated: that would cost a disk
/// write for every chunk.
const FRESH: Duration = Duration::from_secs(prune::DEFAULT_GRACE.as_secs() / 4);

pub(super) struct Keeper<'a> {
    store: &'a LocalStore,
    level: i32,
    seen: Mutex<HashSet<ChunkId>>,
    /// Compressors that no thread is using.
    idle: Mutex<Vec<Compressor>>,
    new_chunks: AtomicU64,
    new_bytes: AtomicU64,
    new_stored_bytes: AtomicU64,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(store: &'a LocalStore, level: i32) -> Result<Self> {
        Ok(Self {
            store,
            level,
            seen: Mutex::default(),
            idle: Mutex::new(vec![Compressor::new(level)?]),
            new_chunks: AtomicU64::new(0),
            new_bytes: AtomicU64::new(0),
            new_stored_bytes: AtomicU64::new(0),
        })
    }

    /// Makes sure that the store has this chunk.
    pub(super) fn take(&self, id: ChunkId, plain: &[u8]) -> Result<()> {
        let is_first = self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        if !is_first || self.store.reuse(&id, FRESH)? {
            return Ok(());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut compressor = idle.map_or_else(|| Compressor::new(self.level), Ok)?;
        let stored = compressor.compress_as(id, plain)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(compressor);
        self.store.put(&stored)?;
        self.new_chunks.fetch_add(1, Ordering::Relaxed);
        self.new_bytes.fetch_add(plain.len() as u64, Ordering::Relaxed);
        self.new_stored_bytes.fetch_add(stored.as_bytes().len() as u64, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn into_made(self, index: Index) -> Made {
        let different = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner).len() as u64;
        let new_chunks = self.new_chunks.into_inner();
        Made {
            bytes: index.stream_bytes(),
            chunks: index.len() as u64,
            new_chunks,
            new_bytes: self.new_bytes.into_inner(),
            new_stored_bytes: self.new_stored_bytes.into_inner(),
            reused_chunks: different - new_chunks,
            index,
        }
    }
}
