//! Turns the content to publish into an index and a file table, and adds its chunks to a store, if there is one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::history::PreviousRelease;
use super::{BuildSource, Request, import};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{Layout, NodeKind};
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};
use crate::formats::release::{Chunking, DEFAULT_STORE, FileTable, Sizes};
use crate::local::disk;
use crate::local::make::{self, MakeOptions};
use crate::local::receipt::Stamp;
use crate::local::store::LocalStore;
use crate::local::tree::{self, Recorded};

/// Trees of at least this size, in bytes, get chunks four times as large, to keep the index small.
const LARGE_TREE_BYTES: u64 = 2 << 30;

/// Where and how a version is built.
pub(super) struct BuildContext<'a> {
    /// The store to add chunks to; without one, chunks are only listed.
    pub(super) store: Option<&'a LocalStore>,
    /// A folder for temporary files.
    pub(super) scratch: &'a Path,
    /// The version whose chunker and cuts are reused.
    pub(super) reference: Option<Reference<'a>>,
}

/// The chunker and the index of another version.
#[derive(Clone, Copy)]
pub(super) struct Reference<'a> {
    pub(super) chunking: &'a Chunking,
    pub(super) index: &'a Index,
}

impl<'a> From<&'a PreviousRelease> for Reference<'a> {
    fn from(before: &'a PreviousRelease) -> Self {
        Self { chunking: &before.release.chunking, index: &before.index }
    }
}

/// The content, split into chunks.
pub(super) struct Cut {
    pub(super) index: Index,
    pub(super) new_chunks: u64,
    pub(super) new_stored_bytes: u64,
    algorithm: Algorithm,
    forced_cuts: bool,
    layout: Layout,
    stamps: Vec<Option<Stamp>>,
    place: Place,
}

/// The content with its index and file table.
pub(super) struct Built {
    pub(super) index: Index,
    pub(super) table: FileTable,
    /// The sizes, except that of the stored chunks, which is not known yet.
    pub(super) sizes: Sizes,
    chunking: Chunking,
    place: Place,
}

/// The place of the tree on disk.
struct Place {
    tree: PathBuf,
    /// A temporary folder, removed on drop.
    scratch: Option<PathBuf>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch {
            let _ = disk::remove_all(scratch);
        }
    }
}

impl Built {
    /// The tree on disk.
    pub(super) fn root(&self) -> &Path {
        &self.place.tree
    }

    pub(super) fn chunking(&self) -> Chunking {
        self.chunking
    }
}

pub(super) fn cut(request: &Request, workshop: &BuildContext<'_>, monitor: &Monitor) -> Result<Cut> {
    match &request.content {
        BuildSource::Tree(path) => cut_tree(request, path, workshop, monitor),
        BuildSource::Cut { index, sources } => {
            let adopted = import::import(request, index, sources, workshop, monitor)?;
            Ok(Cut {
                index: index.clone(),
                new_chunks: adopted.new_chunks,
                new_stored_bytes: adopted.new_stored_bytes,
                algorithm: Algorithm::Casync,
                forced_cuts: make::has_forced_cuts(index),
                layout: adopted.layout,
                stamps: Vec::new(),
                place: Place { tree: adopted.tree, scratch: Some(adopted.scratch) },
            })
        }
    }
}

fn cut_tree(request: &Request, path: &Path, workshop: &BuildContext<'_>, monitor: &Monitor) -> Result<Cut> {
    let layout = tree::layout(path, &Recorded::Reproducible(FeatureFlags::TREE))?;
    let stamps = stamps(path, &layout);
    let chunker = chunker_for(request, workshop.reference, layout.stream_bytes())?;
    let algorithm = chunker.algorithm();
    let hint = workshop.reference.filter(|reference| reference.chunking.forced_cuts);
    let options = MakeOptions {
        chunker,
        flags: FeatureFlags::TREE,
        forced_cuts: true,
        level: request.level,
        hint: hint.map(|reference| reference.index.clone()),
    };
    let (index, new_chunks, new_stored_bytes) = match workshop.store {
        Some(store) => {
            let made = make::make(path, &layout, store, &options, monitor)?;
            (made.index, made.new_chunks, made.new_stored_bytes)
        }
        None => (make::cut(path, &layout, &options, monitor)?, 0, 0),
    };
    let place = Place { tree: path.to_owned(), scratch: None };
    Ok(Cut { index, new_chunks, new_stored_bytes, algorithm, forced_cuts: true, layout, stamps, place })
}

fn chunker_for(request: &Request, reference: Option<Reference<'_>>, tree_bytes: u64) -> Result<Chunker> {
    if let Some(chunker) = &request.chunker {
        return Ok(chunker.clone());
    }
    if let Some(reference) = reference {
        let [min, avg, max] = reference.chunking.sizes_bytes;
        return Chunker::new(reference.chunking.algorithm, ChunkSizes::new(min, avg, max)?);
    }
    let kib = if tree_bytes < LARGE_TREE_BYTES { 1 << 10 } else { 4 << 10 };
    Chunker::new(Algorithm::Casync, ChunkSizes::new(16 * kib, 64 * kib, 256 * kib)?)
}

impl Cut {
    /// The tree on disk.
    pub(super) fn root(&self) -> &Path {
        &self.place.tree
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The temporary store with its chunks, if the content was an index.
    pub(super) fn store(&self) -> Result<Option<LocalStore>> {
        self.place.scratch.as_ref().map(|scratch| LocalStore::open(&scratch.join(DEFAULT_STORE))).transpose()
    }

    pub(super) fn chunking(&self) -> Chunking {
        let sizes = self.index.sizes();
        Chunking {
            algorithm: self.algorithm,
            sizes_bytes: [sizes.min(), sizes.avg(), sizes.max()],
            forced_cuts: self.forced_cuts,
        }
    }

    /// Hashes every file, and builds the file table.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the tree has changed since it was split.
    pub(super) fn hash(self, monitor: &Monitor) -> Result<Built> {
        let chunking = self.chunking();
        let table = table(&self.place.tree, self.layout, monitor)?;
        if !self.stamps.is_empty() && stamps(&self.place.tree, table.layout()) != self.stamps {
            return Err(Error::Invalid { what: "tree", reason: "it changed while it was being read".to_owned() });
        }
        let mut sizes = Sizes::default();
        for (_, _, bytes, _) in table.files() {
            sizes.files += 1;
            sizes.tree_bytes += bytes;
        }
        let ids: HashSet<_> = self.index.iter().map(|chunk| chunk.id).collect();
        sizes.chunks = ids.len() as u64;
        Ok(Built { index: self.index, table, sizes, chunking, place: self.place })
    }
}

fn stamps(root: &Path, layout: &Layout) -> Vec<Option<Stamp>> {
    let paths = layout.nodes().iter().map(|node| node.path.as_ref());
    paths.map(|path| path.and_then(|path| Stamp::of(&path.below(root)))).collect()
}

/// Hashes all files in parallel, one per core.
fn table(root: &Path, layout: Layout, monitor: &Monitor) -> Result<FileTable> {
    let total_bytes = layout.nodes().iter().map(crate::formats::archive::Node::payload_bytes).sum();
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes });
    let hash = |node: &crate::formats::archive::Node| {
        monitor.cancel.check()?;
        let (NodeKind::File { .. }, Some(path)) = (&node.kind, &node.path) else { return Ok(None) };
        let digest = disk::sha256(&path.below(root))?;
        monitor.emit(Event::Advanced { phase: Phase::Verify, bytes: node.payload_bytes() });
        Ok(Some(digest))
    };
    let digests: Vec<Option<Digest>> = layout.nodes().par_iter().map(hash).collect::<Result<_>>()?;
    monitor.emit(Event::Finished { phase: Phase::Verify });
    FileTable::new(layout, &|node| digests.get(node).copied().flatten())
}

/// The stored size, in bytes, of an index's chunks in a store that has all of them.
pub(super) fn stored_bytes(index: &Index, store: &LocalStore) -> Result<u64> {
    let ids: HashSet<_> = index.iter().map(|chunk| chunk.id).collect();
    let sizes = ids.iter().map(|id| {
        let path = store.path_of(id);
        Ok(std::fs::metadata(&path).map_err(Error::io("read", path))?.len())
    });
    sizes.sum()
}
