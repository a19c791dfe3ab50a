//! Stores and indexes created with the library, both sound and invalid ones.

use std::fs;
use std::path::{Path, PathBuf};

use vsekai_updater::event::Monitor;
use vsekai_updater::formats::archive::Layout;
use vsekai_updater::formats::chunk::{ChunkId, CompressedChunk, Compressor, VerifiedChunk};
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
use vsekai_updater::local::disk;
use vsekai_updater::local::make::{self, MakeOptions};
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::local::tree::{self, Recorded};

/// A place for one test: a store, indexes, trees and destinations in one temporary folder.
#[derive(Debug)]
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Like [`Self::new`], but in memory if possible, because many small files are slow on some disks.
    pub(crate) fn in_memory() -> Self {
        const ENOUGH_BYTES: u64 = 2 << 30;
        let memory = Path::new("/dev/shm");
        let has_room = memory.is_dir() && disk::free_bytes(memory).is_ok_and(|free| free > ENOUGH_BYTES);
        let folder = if has_room { tempfile::tempdir_in(memory).ok() } else { None };
        folder.map_or_else(Self::new, |folder| Self { folder })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Chunks of 1 to 16 KiB, so that small trees have many of them.
    pub(crate) fn options() -> MakeOptions {
        let sizes = ChunkSizes::new(1 << 10, 4 << 10, 16 << 10).unwrap();
        let chunker = Chunker::new(Algorithm::Casync, sizes).unwrap();
        MakeOptions { chunker, flags: FeatureFlags::TREE, forced_cuts: false, level: 1, hint: None }
    }

    /// Adds the tree at `root` to the store. Returns the path of its index.
    pub(crate) fn publish(&self, name: &str, root: &Path) -> PathBuf {
        let options = Self::options();
        let layout = tree::layout(root, &Recorded::AsOnDisk(options.flags)).unwrap();
        self.publish_as(name, root, &layout, &options)
    }

    /// Adds a file to the store. Returns the path of its index.
    pub(crate) fn publish_blob(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.path(&format!("{name}.plain"));
        fs::write(&file, bytes).unwrap();
        let options = MakeOptions { flags: FeatureFlags::BLOB, ..Self::options() };
        self.publish_as(name, &file, &Layout::blob(bytes.len() as u64), &options)
    }

    pub(crate) fn publish_as(&self, name: &str, root: &Path, layout: &Layout, options: &MakeOptions) -> PathBuf {
        let store = LocalStore::create(&self.store()).unwrap();
        let made = make::make(root, layout, &store, options, &Monitor::default()).unwrap();
        let index = self.path(name);
        fs::write(&index, made.index.to_bytes()).unwrap();
        index
    }

    /// Adds any bytes to the store as a stream, and writes their index.
    pub(crate) fn publish_stream(&self, name: &str, flags: FeatureFlags, stream: &[u8]) -> PathBuf {
        let mut index = Index::new(flags, ChunkSizes::default());
        for part in stream.chunks(64 << 10) {
            let id = self.put(part);
            index.push(id, part.len() as u64).unwrap();
        }
        let path = self.path(name);
        fs::write(&path, index.to_bytes()).unwrap();
        path
    }

    /// Adds one chunk to the store.
    pub(crate) fn put(&self, plain: &[u8]) -> ChunkId {
        let store = LocalStore::create(&self.store()).unwrap();
        let chunk = VerifiedChunk::of(plain.to_vec(), FeatureFlags::TREE.digest());
        store.put(&Compressor::new(1).unwrap().compress(&chunk).unwrap()).unwrap();
        chunk.id()
    }

    /// Writes any bytes as the stored form of a chunk.
    pub(crate) fn put_stored(store: &Path, id: ChunkId, stored: Vec<u8>) {
        LocalStore::create(store).unwrap().put(&CompressedChunk::new(id, stored)).unwrap();
    }
}

pub(crate) fn read_index(path: &Path) -> Index {
    Index::parse(&fs::read(path).unwrap()).unwrap()
}

/// The distinct ids of an index.
pub(crate) fn ids(index: &Index) -> std::collections::HashSet<ChunkId> {
    index.iter().map(|chunk| chunk.id).collect()
}
