//! Turns the content to publish into an index and a file table, and adds its chunks to a store, if there is one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::history::PreviousRelease;
use super::{BuildSource, Request, import};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{Layout, NodeKind};
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};
use crate::formats::release::{Chunking, FileTable, Sizes};
use crate::local::acquire::DigestChoice;
use crate::local::disk;
use crate::local::make::{self, MakeOptions};
use crate::local::receipt::Stamp;
use crate::local::seed::Seed;
use crate::local::sources::Sources;
use crate::local::store::LocalStore;
use crate::local::tree::{self, Recorded, Skipped, Surveyed, Unsafe};

/// Trees of at least this size, in bytes, get chunks four times as large, to keep the index small.
const LARGE_TREE_BYTES: u64 = 2 << 30;

/// The content on disk, not yet split into chunks of its own.
pub(super) struct Gathered {
    layout: Layout,
    skipped: Vec<Skipped>,
    refused: Vec<Unsafe>,
    stamps: Vec<Option<Stamp>>,
    imported: Option<Imported>,
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

/// Reads the tree, or imports the index into a folder of its own in `scratch`. Chunks that `known` has are not brought.
pub(super) fn gather(
    request: &Request,
    scratch: &Path,
    known: Option<&LocalStore>,
    monitor: &Monitor,
) -> Result<Gathered> {
    match &request.content {
        BuildSource::Tree(path) => {
            let recorded = Recorded::Reproducible(FeatureFlags::TREE);
            if path.is_file() {
                let reason = format!("{} is a file: give the folder of the build", path.display());
                return Err(Error::invalid("tree", reason));
            }
            let Surveyed { layout, skipped, refused } = tree::survey(path, &recorded)?;
            let stamps = stamps(path, &layout);
            let place = Place { tree: path.clone(), scratch: None };
            Ok(Gathered { layout, skipped, refused, stamps, imported: None, place })
        }
        BuildSource::Cut { index, sources } => {
            let tree = import::import(request, index, sources, (scratch, known), monitor)?;
            let imported = Imported { index: index.clone(), store: tree.store, new: tree.new };
            Ok(Gathered {
                layout: tree.layout,
                skipped: Vec::new(),
                refused: Vec::new(),
                stamps: Vec::new(),
                imported: Some(imported),
                place: Place { tree: tree.tree, scratch: Some(tree.scratch) },
            })
        }
    }
}

impl Gathered {
    /// The tree on disk.
    pub(super) fn root(&self) -> &Path {
        &self.place.tree
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What was left out of the layout.
    pub(super) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What no tree may have, and the layout lacks.
    pub(super) fn refused(&self) -> &[Unsafe] {
        &self.refused
    }

    /// What tells this content from other content, as far as that is known without reading it.
    pub(super) fn key(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        if let Some(imported) = &self.imported {
            hasher.update(imported.index.to_bytes());
        } else {
            // Not the times of files: a build that was checked out again is the same.
            for node in self.layout.nodes() {
                hasher.update(format!("{:?} {:o} {};", node.path, node.metadata.mode, node.payload_bytes()));
            }
        }
        hasher.finalize().into()
    }

    /// Whether the tree was imported into a temporary folder.
    pub(super) fn is_imported(&self) -> bool {
        self.imported.is_some()
    }
}

/// An index, and a temporary store with those of its chunks that the destination lacked.
struct Imported {
    index: Index,
    store: LocalStore,
    new: NewChunks,
}

/// The number of chunks that the destination lacked, and their stored size in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NewChunks {
    pub(super) count: u64,
    pub(super) stored_bytes: u64,
}

/// Where and how a version is built.
pub(super) struct BuildContext<'a> {
    /// Where the chunks of a tree go.
    pub(super) chunks: ChunkOutlet<'a>,
    /// The version whose chunker and cuts are reused.
    pub(super) reference: Option<Reference<'a>>,
}

/// Where the chunks of a tree go while it is cut.
#[derive(Clone, Copy)]
pub(super) enum ChunkOutlet<'a> {
    /// Nowhere: they are only listed.
    None,
    /// To a store.
    Store(&'a LocalStore),
    /// To be uploaded: the function is called with each chunk and its position in the stream, from several threads at once.
    /// Files are hashed on the way.
    Upload(make::Take<'a>),
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
    pub(super) new: NewChunks,
    algorithm: Algorithm,
    forced_cuts: bool,
    gathered: Gathered,
    /// The digests of the files by node, if they are known already.
    digests: Option<Vec<Option<Digest>>>,
}

/// The content with its index and file table.
pub(super) struct Built {
    pub(super) index: Index,
    pub(super) table: FileTable,
    /// The sizes, except that of the stored chunks, which is not known yet.
    pub(super) sizes: Sizes,
    chunking: Chunking,
    // Keeps the tree until it is no longer read.
    _place: Place,
}

impl Built {
    pub(super) fn chunking(&self) -> Chunking {
        self.chunking
    }
}

pub(super) fn cut(
    request: &Request,
    mut gathered: Gathered,
    workshop: &BuildContext<'_>,
    monitor: &Monitor,
) -> Result<Cut> {
    let Some(imported) = gathered.imported.take() else { return cut_tree(request, gathered, workshop, monitor) };
    if let ChunkOutlet::Store(store) = workshop.chunks {
        import::adopt(&imported.index, &imported.store, store)?;
    }
    let forced_cuts = make::has_forced_cuts(&imported.index);
    let (index, new) = (imported.index.clone(), imported.new);
    gathered.imported = Some(imported);
    Ok(Cut { index, new, algorithm: Algorithm::Casync, forced_cuts, gathered, digests: None })
}

fn cut_tree(request: &Request, gathered: Gathered, workshop: &BuildContext<'_>, monitor: &Monitor) -> Result<Cut> {
    let (path, layout) = (gathered.root(), gathered.layout());
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
    let (mut new, mut digests) = (NewChunks::default(), None);
    let index = match workshop.chunks {
        ChunkOutlet::None => make::cut(path, layout, &options, monitor)?,
        ChunkOutlet::Store(store) => {
            let made = make::make(path, layout, store, &options, monitor)?;
            new = NewChunks { count: made.new_chunks, stored_bytes: made.new_stored_bytes };
            made.index
        }
        ChunkOutlet::Upload(take) => {
            let cut = make::cut_and_hash(path, layout, &options, take, Phase::Upload, monitor)?;
            digests = Some(cut.digests);
            cut.index
        }
    };
    Ok(Cut { index, new, algorithm, forced_cuts: true, gathered, digests })
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
    /// The content on disk, to be cut again.
    pub(super) fn into_gathered(self) -> Gathered {
        self.gathered
    }

    /// The content on disk.
    pub(super) fn gathered(&self) -> &Gathered {
        &self.gathered
    }

    /// The temporary store with its chunks, if the content was an index.
    pub(super) fn store(&self) -> Option<&LocalStore> {
        self.gathered.imported.as_ref().map(|imported| &imported.store)
    }

    /// The sources of the chunks: the tree, or the store into which they were imported.
    pub(super) fn sources(&self) -> Result<(Sources, DigestChoice)> {
        let digest = DigestChoice::new(self.index.digest());
        let mut sources = Sources::default();
        if let Some(store) = self.store() {
            sources.stores.push(store.clone());
        } else {
            let gathered = self.gathered();
            sources.seeds.push(Seed::new(gathered.root(), self.index.clone(), gathered.layout().clone())?);
        }
        Ok((sources, digest))
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
        let Gathered { layout, stamps: before, place, .. } = self.gathered;
        let table = match &self.digests {
            Some(digests) => FileTable::new(layout, &|node| digests.get(node).copied().flatten())?,
            None => table(&place.tree, layout, monitor)?,
        };
        if !before.is_empty() && stamps(&place.tree, table.layout()) != before {
            return Err(Error::invalid("tree", "it changed while it was being read"));
        }
        let mut sizes = Sizes::default();
        for (_, _, bytes, _) in table.files() {
            sizes.files += 1;
            sizes.tree_bytes += bytes;
        }
        let ids: HashSet<_> = self.index.iter().map(|chunk| chunk.id).collect();
        sizes.chunks = ids.len() as u64;
        Ok(Built { index: self.index, table, sizes, chunking, _place: place })
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
