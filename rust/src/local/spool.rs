//! Verified chunks kept for a second look, so that nothing is fetched or decoded twice.
//!
//! The layout of an archive is read before its content is written; the chunks that hold directory entries
//! are needed for both. A few of them stay in memory, more go to one file without a name.
//! It holds content for one run: nothing of it is left on disk afterwards.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::formats::chunk::{Chunk, ChunkId, DigestAlgorithm, VerifiedChunk};
use crate::local::disk;

/// Plain bytes kept in memory before the file is used.
const MEMORY_BYTES: usize = 8 << 20;

enum Place {
    Memory(VerifiedChunk),
    File { offset: u64, size: usize },
}

#[derive(Default)]
struct Inside {
    places: HashMap<ChunkId, Place>,
    memory_bytes: usize,
    file: Option<Arc<File>>,
    file_bytes: u64,
}

/// See the module's head.
pub struct Spool {
    path: PathBuf,
    inside: Mutex<Inside>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spool({})", self.path.display())
    }
}

impl Spool {
    /// An empty spool. `directory` is where its file goes, if it comes to that.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(format!("spool-{}", std::process::id())), inside: Mutex::default() }
    }

    /// Keeps a chunk.
    pub fn put(&self, chunk: &VerifiedChunk) -> Result<()> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.places.contains_key(&chunk.id()) {
            return Ok(());
        }
        let size = chunk.as_bytes().len();
        let place = if inside.memory_bytes + size <= MEMORY_BYTES {
            inside.memory_bytes += size;
            Place::Memory(chunk.clone())
        } else {
            let file = match &inside.file {
                Some(file) => Arc::clone(file),
                None => Arc::clone(inside.file.insert(Arc::new(self.create()?))),
            };
            let offset = inside.file_bytes;
            disk::write_all_at(&file, &self.path, offset, chunk.as_bytes())?;
            inside.file_bytes += size as u64;
            Place::File { offset, size }
        };
        inside.places.insert(chunk.id(), place);
        Ok(())
    }

    /// Whether the chunk is here.
    pub fn has(&self, id: &ChunkId) -> bool {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).places.contains_key(id)
    }

    /// The chunk, if it is here. Its file may lie on a failing disk, so what comes from there is hashed again.
    pub fn get(&self, id: &ChunkId, digest: DigestAlgorithm, mut buffer: Vec<u8>) -> Result<Option<VerifiedChunk>> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, offset, size) = match (inside.places.get(id), &inside.file) {
            (Some(Place::Memory(chunk)), _) => return Ok(Some(chunk.clone())),
            (Some(Place::File { offset, size }), Some(file)) => (Arc::clone(file), *offset, *size),
            _ => return Ok(None),
        };
        drop(inside);
        buffer.clear();
        buffer.resize(size, 0);
        disk::read_exact_at(&file, &self.path, offset, &mut buffer)?;
        Ok(Chunk::new(*id, buffer).verify(digest).ok())
    }

    fn create(&self) -> Result<File> {
        let file = disk::create(&self.path)?;
        // Unix: the name goes at once, the file with the last handle. Elsewhere it goes with the staging folder.
        #[cfg(unix)]
        disk::remove_file(&self.path)?;
        Ok(file)
    }
}
