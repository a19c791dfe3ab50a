//! A folder of chunks in the layout of casync and desync: `<first 4 hex>/<64 hex>.cacnk`.
//!
//! A chunk appears atomically (temporary file and rename), so any number of processes may read and add at once,
//! including desync and casync. Its bytes are as untrusted as those of any other source, so they are returned as
//! [`CompressedChunk`]s.
//!
//! Does not access the network, and does not know which chunks an index needs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::formats::chunk::{ChunkId, CompressedChunk};
use crate::limits;
use crate::local::disk;
use crate::local::lock::Lock;

pub mod prune;

/// A file in the store's folder. It is not named like a chunk, so other programs ignore it.
const LOCK_NAME: &str = ".vsekai-lock";

/// A chunk store on a local disk.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    /// Opens an existing store.
    pub fn open(root: &Path) -> Result<Self> {
        match fs::metadata(root) {
            Ok(found) if found.is_dir() => Ok(Self { root: root.to_owned() }),
            Ok(_) => Err(Error::io("open store", root)(io::ErrorKind::NotADirectory.into())),
            Err(e) => Err(Error::io("open store", root)(e)),
        }
    }

    /// Opens a store for writing; creates its folder if needed.
    pub fn create(root: &Path) -> Result<Self> {
        disk::create_directory(root)?;
        Self::open(root)
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of this chunk, whether it exists or not.
    pub fn path_of(&self, id: &ChunkId) -> PathBuf {
        self.root.join(id.store_path())
    }

    /// Whether the store has the chunk. Does not read its content.
    pub fn has(&self, id: &ChunkId) -> bool {
        self.path_of(id).is_file()
    }

    /// The chunk as stored, or `None` if the store lacks it. Reads at most `max_stored_bytes`.
    pub fn get(&self, id: &ChunkId, max_stored_bytes: u64) -> Result<Option<CompressedChunk>> {
        self.get_into(id, max_stored_bytes, Vec::new())
    }

    /// [`LocalStore::get`] into a buffer whose allocation is reused.
    pub fn get_into(&self, id: &ChunkId, max_stored_bytes: u64, buffer: Vec<u8>) -> Result<Option<CompressedChunk>> {
        let path = self.path_of(id);
        let file = match disk::open(&path) {
            Ok(file) => file,
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let Some(length) = disk::regular_bytes(&file, &path)? else {
            let (origin, reason) = (path.display().to_string(), "it is not a regular file".to_owned());
            return Err(Error::chunk_corrupt(*id, origin, reason));
        };
        if length > max_stored_bytes.min(limits::MAX_CHUNK_BYTES + limits::MAX_STORED_OVERHEAD_BYTES) {
            let reason = format!("the file has {length} bytes, more than a chunk of this index can have");
            return Err(Error::chunk_corrupt(*id, path.display().to_string(), reason));
        }
        let mut bytes = buffer;
        // Bounded by the limit above.
        disk::read_next(&file, &path, usize::try_from(length).unwrap_or(usize::MAX), &mut bytes)?;
        Ok(Some(CompressedChunk::new(*id, bytes)))
    }

    /// Adds or replaces a chunk.
    pub fn put(&self, chunk: &CompressedChunk) -> Result<()> {
        let path = self.path_of(&chunk.id());
        let folder = path.parent().unwrap_or(&self.root);
        let temporary = disk::temporary_beside(&path);
        let file = match disk::create(&temporary) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                disk::create_directory(folder)?;
                disk::create(&temporary)
            }
            other => other,
        }?;
        let written = disk::write_all_at(&file, &temporary, 0, chunk.as_bytes());
        let written = written.and_then(|()| disk::rename_over(&temporary, &path));
        if written.is_err() {
            let _ = disk::remove_file(&temporary);
        }
        written
    }

    /// Marks a chunk as used now, so that [`prune`] keeps it for its grace time. Returns false if the store lacks it.
    pub fn touch(&self, id: &ChunkId) -> Result<bool> {
        match disk::set_mtime_now(&self.path_of(id)) {
            Ok(()) => Ok(true),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Whether a new index may rely on the chunk: [`prune`] will keep it as if it had been added less than `fresh` ago.
    /// Also false if that cannot be ensured (another user's file) or the file is empty after a power cut; adding the
    /// chunk again solves both.
    pub fn reuse(&self, id: &ChunkId, fresh: Duration) -> Result<bool> {
        let path = self.path_of(id);
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        if !found.is_file() || found.len() == 0 {
            return Ok(false);
        }
        if age(&found) < fresh {
            return Ok(true);
        }
        match self.touch(id) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            other => other,
        }
    }

    /// Locks the store for adding: no chunks are removed until the lock is dropped. Shared by all writers.
    pub fn share(&self, verb: &str) -> Result<Lock> {
        Lock::shared(&self.root.join(LOCK_NAME), verb)
    }

    /// Locks the store for removing: nobody can add chunks until the lock is dropped.
    pub(crate) fn claim(&self, verb: &str) -> Result<Lock> {
        Lock::exclusive(&self.root.join(LOCK_NAME), verb)
    }

    /// Removes a chunk, if it exists.
    pub fn remove(&self, id: &ChunkId) -> Result<()> {
        disk::remove_file(&self.path_of(id))
    }

    /// Every chunk file, ordered by id. Other files are ignored, except temporary ones.
    pub fn entries(&self) -> Result<Vec<StoreEntry>> {
        let mut found = Vec::new();
        for folder in disk::list(&self.root)? {
            if !folder.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            for file in disk::list(&folder.path())? {
                let name = file.file_name();
                let Some(name) = name.to_str() else { continue };
                if let Some(id) = name.strip_suffix(".cacnk").and_then(|hex| hex.parse().ok()) {
                    found.push(StoreEntry::Chunk { id, path: file.path() });
                } else if name.starts_with(".tmp-") {
                    found.push(StoreEntry::Leftover { path: file.path() });
                }
            }
        }
        Ok(found)
    }
}

/// A file in a store.
#[derive(Debug, Clone)]
pub enum StoreEntry {
    /// A file that is named like a chunk.
    Chunk {
        /// The id in its name.
        id: ChunkId,
        /// Its path.
        path: PathBuf,
    },
    /// A temporary file of a running or killed writer.
    Leftover {
        /// Its path.
        path: PathBuf,
    },
}

/// Time since the last write; zero if it is unknown or in the future.
fn age(found: &fs::Metadata) -> Duration {
    found.modified().ok().and_then(|then| SystemTime::now().duration_since(then).ok()).unwrap_or_default()
}
