//! The floor: the work that every extractor must do. Each unique chunk has to be decompressed and hashed once.
//!
//! The stored chunks are read into memory before the clock starts, to exclude the disk. Writing the tree is measured
//! separately, as a `cp -r` of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use vsekai_updater::formats::chunk::{CompressedChunk, Decompressor, DigestAlgorithm};
use vsekai_updater::formats::index::Index;
use vsekai_updater::local::store::LocalStore;

use crate::Result;

/// The unique chunks of an index, as stored.
pub(crate) struct Floor {
    chunks: Vec<CompressedChunk>,
    digest: DigestAlgorithm,
    max_bytes: u64,
}

impl Floor {
    pub(crate) fn load(index: &Index, store: &LocalStore) -> Result<Self> {
        let ids: BTreeSet<_> = index.iter().map(|chunk| chunk.id).collect();
        let mut chunks = Vec::with_capacity(ids.len());
        for id in ids {
            chunks.push(store.get(&id, u64::MAX)?.ok_or_else(|| format!("the store has no chunk {id}"))?);
        }
        Ok(Self { chunks, digest: index.digest(), max_bytes: index.sizes().max() })
    }

    /// Decompresses and hashes all chunks on all cores.
    pub(crate) fn run(&self) -> Result<Duration> {
        let threads = std::thread::available_parallelism()?.get();
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work(&next))).collect();
            workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread died")?)
        })?;
        Ok(started.elapsed())
    }

    fn work(&self, next: &AtomicUsize) -> Result<()> {
        let mut decompressor = Decompressor::new()?;
        let mut buffer = Vec::new();
        while let Some(stored) = self.chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let chunk = decompressor.decompress(stored, self.max_bytes, buffer)?;
            let verified = chunk.verify(self.digest).map_err(|_| format!("chunk {} is damaged", stored.id()))?;
            buffer = verified.into_bytes();
        }
        Ok(())
    }
}
