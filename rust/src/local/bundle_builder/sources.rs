//! Sources of a version's chunks on this machine: a store, or an installed tree.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::formats::bundle::ChunkSource;
use crate::formats::chunk::{Decompressor, DigestAlgorithm};
use crate::formats::index::IndexChunk;
use crate::local::seed::Seed;
use crate::local::sources::WantedChunk;
use crate::local::store::LocalStore;

/// A store as a source: supplies verified chunks or an error.
#[derive(Debug)]
pub struct StoreSource<'a> {
    store: &'a LocalStore,
    digest: DigestAlgorithm,
    idle: Mutex<Vec<Decompressor>>,
}

impl<'a> StoreSource<'a> {
    /// The chunks of an index with this digest algorithm.
    pub fn new(store: &'a LocalStore, digest: DigestAlgorithm) -> Self {
        Self { store, digest, idle: Mutex::default() }
    }
}

impl ChunkSource for StoreSource<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        let wanted = WantedChunk { id: chunk.id, size: chunk.size() };
        let missing = || Error::ChunkMissing { id: chunk.id, origins: self.store.root().display().to_string() };
        let stored = self.store.get(&chunk.id, wanted.max_stored_bytes())?.ok_or_else(missing)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decompressor = idle.map_or_else(Decompressor::new, Ok)?;
        let plain = decompressor.decompress(&stored, chunk.size(), Vec::new());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(decompressor);
        let corrupt = |_| {
            Error::chunk_corrupt(chunk.id, self.store.root().display().to_string(), "the content does not match the id")
        };
        let plain = plain?.verify(self.digest).map_err(corrupt)?;
        buffer.extend_from_slice(plain.as_bytes());
        Ok(())
    }
}

impl ChunkSource for Seed {
    /// The current bytes of the tree. A file that the player has changed yields other bytes than the index describes.
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        self.append_part(chunk, chunk.range(), buffer)
    }

    /// A chunk of small files spans many files, and a part of it may be only one.
    fn append_part(&self, _: IndexChunk, part: Range<u64>, buffer: &mut Vec<u8>) -> Result<()> {
        self.append_range(part, buffer)
    }
}
