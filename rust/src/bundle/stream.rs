//! A version's stream as who has its chunks can read it.

use std::ops::Range;
#[cfg(feature = "local")]
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "local")]
use crate::chunk::{Decompressor, DigestAlgorithm};
#[cfg(feature = "local")]
use crate::error::Error;
use crate::error::Result;
#[cfg(feature = "local")]
use crate::fetch::Wanted;
use crate::index::{Index, IndexChunk};
#[cfg(feature = "local")]
use crate::seed::Seed;
#[cfg(feature = "local")]
use crate::store::LocalStore;

/// Gives plain bytes of chunks: an installed tree, a store, a server's database.
pub trait ChunkSource: Sync {
    /// Appends the bytes of a chunk of the version; as many as its index says, or an error.
    ///
    /// # Errors
    /// Whatever keeps it from giving them. Whether they are the right ones is for who reads them to find out.
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()>;
}

/// Joins ranges of a stream, which lie inside it. `buffer` is emptied first.
///
/// # Errors
/// Those of the source.
pub fn read_ranges(index: &Index, source: &dyn ChunkSource, ranges: &[Range<u64>], buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    for range in ranges {
        for position in index.positions(range.clone()) {
            let Some(chunk) = index.get(position) else { continue };
            let begin = buffer.len();
            source.append(chunk, buffer)?;
            // A chunk has at most 16 MiB.
            let cut = |bytes: u64| usize::try_from(bytes).unwrap_or(0);
            buffer.truncate(buffer.len() - cut(chunk.end.saturating_sub(range.end)));
            buffer.drain(begin..begin + cut(range.start.saturating_sub(chunk.start)));
        }
    }
    Ok(())
}

/// A store as a source: gives sound chunks, or an error.
#[cfg(feature = "local")]
#[derive(Debug)]
pub struct Stored<'a> {
    store: &'a LocalStore,
    digest: DigestAlgorithm,
    idle: Mutex<Vec<Decompressor>>,
}

#[cfg(feature = "local")]
impl<'a> Stored<'a> {
    /// The chunks of an index with this digest.
    pub fn new(store: &'a LocalStore, digest: DigestAlgorithm) -> Self {
        Self { store, digest, idle: Mutex::default() }
    }
}

#[cfg(feature = "local")]
impl ChunkSource for Stored<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        let wanted = Wanted { id: chunk.id, size: chunk.size() };
        let missing = || Error::ChunkMissing { id: chunk.id, origins: self.store.root().display().to_string() };
        let stored = self.store.get(&chunk.id, wanted.max_stored_bytes())?.ok_or_else(missing)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decompressor = idle.map_or_else(Decompressor::new, Ok)?;
        let plain = decompressor.decompress(&stored, chunk.size(), Vec::new());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(decompressor);
        let corrupt = |_| Error::ChunkCorrupt {
            id: chunk.id,
            origin: self.store.root().display().to_string(),
            reason: "the content does not match the id".to_owned(),
        };
        let plain = plain?.verify(self.digest).map_err(corrupt)?;
        buffer.extend_from_slice(plain.as_bytes());
        Ok(())
    }
}

#[cfg(feature = "local")]
impl ChunkSource for Seed {
    /// What stands there now. A file that the player has changed gives other bytes than the index knows.
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        let found = self.read_at(chunk, Vec::new())?;
        buffer.extend_from_slice(found.as_unverified());
        Ok(())
    }
}
