//! An installed tree or file as a source of chunks.
//!
//! A [`Seed`] is a path on disk, with the index and the layout of what was installed there. A chunk is assembled from
//! the bytes of the files it covers and the directory entries between them, which are rendered from the layout. Nothing
//! is trusted: the result is a [`Chunk`] that still has to hash to its id, so a changed file only costs a download.
//!
//! [`plan`](crate::local::plan) decides which files may be kept without reading them.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::formats::archive::{Layout, Segment};
use crate::formats::chunk::{Chunk, ChunkId};
use crate::formats::index::{Index, IndexChunk};
use crate::local::disk;

/// Files kept open between two reads. Neighbouring chunks usually lie in the same file.
const OPEN_FILES: usize = 16;

/// An installed tree or file that can supply chunks.
pub struct Seed {
    root: PathBuf,
    index: Index,
    layout: Layout,
    positions: HashMap<ChunkId, u32>,
    open: Mutex<Vec<(usize, Arc<File>)>>,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seed({}, {} chunks)", self.root.display(), self.positions.len())
    }
}

impl Seed {
    /// The tree at `root` (or the file, for a blob), which `index` and `layout` describe.
    pub fn new(root: &Path, index: Index, layout: Layout) -> Result<Self> {
        if index.stream_bytes() != layout.stream_bytes() {
            let reason =
                format!("the index describes {} bytes, the tree has {}", index.stream_bytes(), layout.stream_bytes());
            return Err(Error::invalid("seed", reason));
        }
        let mut positions = HashMap::with_capacity(index.len());
        for (position, chunk) in index.iter().enumerate() {
            positions.entry(chunk.id).or_insert(u32::try_from(position).unwrap_or(u32::MAX));
        }
        Ok(Self { root: root.to_owned(), index, layout, positions, open: Mutex::default() })
    }

    /// The folder or file it reads from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The index of what was installed.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The layout of what was installed.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the chunk was part of what was installed.
    pub fn has(&self, id: &ChunkId) -> bool {
        self.positions.contains_key(id)
    }

    /// The current bytes of the chunk, or `None` if it was not part of what was installed.
    pub fn read(&self, id: &ChunkId, buffer: Vec<u8>) -> Result<Option<Chunk>> {
        let position = self.positions.get(id).map(|position| *position as usize);
        let Some(chunk) = position.and_then(|position| self.index.get(position)) else { return Ok(None) };
        self.read_at(chunk, buffer).map(Some)
    }

    /// The current bytes at the position where `chunk` was installed.
    pub(crate) fn read_at(&self, chunk: IndexChunk, mut buffer: Vec<u8>) -> Result<Chunk> {
        buffer.clear();
        self.append_range(chunk.range(), &mut buffer)?;
        Ok(Chunk::new(chunk.id, buffer))
    }

    /// Appends the current bytes of this range of the stream, which is at most as long as the largest chunk.
    pub(crate) fn append_range(&self, range: Range<u64>, buffer: &mut Vec<u8>) -> Result<()> {
        for segment in self.layout.segments(range) {
            match segment {
                Segment::Header(bytes) => buffer.extend_from_slice(&bytes),
                Segment::Payload { node, offset, len } => self.read_file(node, offset, len, buffer)?,
            }
        }
        Ok(())
    }

    fn read_file(&self, node: usize, offset: u64, len: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let path = self.path_of(node);
        let file = self.file(node, &path)?;
        let before = buffer.len();
        // `len` is part of one chunk, so at most the index's maximum.
        buffer.resize(before + usize::try_from(len).unwrap_or(0), 0);
        disk::read_exact_at(&file, &path, offset, &mut buffer[before..])
    }

    fn path_of(&self, node: usize) -> PathBuf {
        match &self.layout.nodes()[node].path {
            Some(path) => path.below(&self.root),
            None => self.root.clone(),
        }
    }

    /// Closes the files that are kept open between two reads: Windows renames no folder with an open file in it.
    pub fn close_files(&self) {
        self.opened().clear();
    }

    fn opened(&self) -> MutexGuard<'_, Vec<(usize, Arc<File>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, node: usize, path: &Path) -> Result<Arc<File>> {
        if let Some((_, file)) = self.opened().iter().find(|(of, _)| *of == node) {
            return Ok(Arc::clone(file));
        }
        // Anything but a regular file (a pipe, for example) must not even be opened.
        if !std::fs::symlink_metadata(path).map_err(Error::io("read", path))?.is_file() {
            return Err(Error::io("read", path)(std::io::ErrorKind::InvalidInput.into()));
        }
        // Other threads may read meanwhile. If one opens the same file, it is in the list twice for a while.
        let file = Arc::new(disk::open(path)?);
        let mut opened = self.opened();
        let oldest = (opened.len() == OPEN_FILES).then(|| opened.remove(0));
        opened.push((node, Arc::clone(&file)));
        drop(opened);
        // Closing takes time too, so it happens outside the lock.
        drop(oldest);
        Ok(file)
    }

    /// Whether any byte of the chunk was ever written (a hole was not).
    pub(crate) fn has_data(&self, chunk: IndexChunk) -> bool {
        self.layout.segments(chunk.range()).any(|segment| match segment {
            Segment::Header(_) => false,
            Segment::Payload { node, offset, len } => {
                let path = self.path_of(node);
                self.file(node, &path).is_ok_and(|file| disk::has_data(&file, offset..offset + len))
            }
        })
    }
}
