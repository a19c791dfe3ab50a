//! Finds out how much of a staged tree from an interrupted run is good.
//!
//! There is no journal, which could be wrong: the content of every chunk is read back and hashed. Holes (never written)
//! are skipped without reading.

use std::path::Path;

use rayon::prelude::*;

use crate::error::Result;
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::Layout;
use crate::formats::index::{Index, IndexChunk};
use crate::local::seed::Seed;

/// The chunks of a stream that are already in place.
#[derive(Debug, Default)]
pub struct Staged {
    done: Vec<bool>,
}

impl Staged {
    /// Nothing is staged.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads and verifies the tree at `root`.
    pub fn scan(root: &Path, index: &Index, layout: &Layout, monitor: &Monitor) -> Result<Self> {
        let seed = Seed::new(root, index.clone(), layout.clone())?;
        let digest = index.digest();
        let chunks: Vec<_> = index.iter().collect();
        monitor.emit(Event::Started { phase: Phase::ScanSeed, total_bytes: index.stream_bytes() });
        let is_done = |buffer: &mut Vec<u8>, chunk: &IndexChunk| {
            monitor.emit(Event::Advanced { phase: Phase::ScanSeed, bytes: chunk.size() });
            if monitor.cancel.is_cancelled() || !seed.has_data(*chunk) {
                return false;
            }
            let Ok(found) = seed.read_at(*chunk, std::mem::take(buffer)) else { return false };
            found.verify(digest).map(|good| *buffer = good.into_bytes()).is_ok()
        };
        let pool = monitor.pool()?;
        let done = pool.install(|| chunks.par_iter().map_init(Vec::new, is_done).collect());
        monitor.emit(Event::Finished { phase: Phase::ScanSeed });
        monitor.cancel.check()?;
        Ok(Self { done })
    }

    /// Whether the chunk at this position is in place.
    pub fn is_done(&self, position: usize) -> bool {
        self.done.get(position).copied().unwrap_or(false)
    }

    /// Plain bytes of the chunks in place.
    pub fn done_bytes(&self, index: &Index) -> u64 {
        index.iter().zip(&self.done).filter(|(_, done)| **done).map(|(chunk, _)| chunk.size()).sum()
    }
}
