//! Keeps verified chunks that are needed again, so that nothing is downloaded or decompressed twice.
//!
//! The layout of an archive is read before its content is written; the chunks that contain directory entries are needed
//! for both. Some stay in memory, the rest go to one unnamed file. A spool lasts for one run and leaves nothing on
//! disk.

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

/// Verified chunks, kept for one run.
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
    /// An empty spool. `directory` is the folder for its file, if it needs one.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(disk::random_name("spool-")), inside: Mutex::default() }
    }

    /// Adds a chunk.
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

    /// Whether the spool has the chunk.
    pub fn has(&self, id: &ChunkId) -> bool {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).places.contains_key(id)
    }

    /// The chunk, if the spool has it. The file may be on a failing disk, so chunks from it are hashed again.
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
        // Unix: the name is removed now, the file with its last handle. Elsewhere the file is removed on drop.
        #[cfg(unix)]
        disk::remove_file(&self.path)?;
        Ok(file)
    }
}

#[cfg(not(unix))]
impl Drop for Spool {
    fn drop(&mut self) {
        let inside = self.inside.get_mut().unwrap_or_else(PoisonError::into_inner);
        if inside.file.take().is_some() {
            let _ = disk::remove_file(&self.path);
        }
    }
}
