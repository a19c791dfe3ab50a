//! From what is to be published to an index, a file table, and chunks in the repository's store.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Before, Content, Request, adopt, chunker_for};
use crate::archive::{Layout, NodeKind};
use crate::chunker::Algorithm;
use crate::disk;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::index::{FeatureFlags, Index};
use crate::install::sha256;
use crate::make::{self, MakeOptions};
use crate::receipt::Stamp;
use crate::release::{DEFAULT_STORE, FileDigest, FileTable, Sizes};
use crate::store::LocalStore;
use crate::tree::{self, Recorded};

/// What was made of the content.
pub(super) struct Built {
    pub(super) index: Index,
    pub(super) table: FileTable,
    pub(super) sizes: Sizes,
    pub(super) algorithm: Algorithm,
    pub(super) forced_cuts: bool,
    pub(super) new_chunks: u64,
    pub(super) new_stored_bytes: u64,
    tree: PathBuf,
    /// Ours, to be removed.
    scratch: Option<PathBuf>,
}

impl Built {
    /// The tree on disk.
    pub(super) fn root(&self) -> &Path {
        &self.tree
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch {
            let _ = disk::remove_all(scratch);
        }
    }
}

pub(super) fn build(request: &Request, before: Option<&Before>, monitor: &Monitor) -> Result<Built> {
    let store = LocalStore::create(&request.repository.join(DEFAULT_STORE))?;
    match &request.content {
        Content::Tree(path) => cut(request, path, &store, before, monitor),
        Content::Cut { index, sources } => {
            let adopted = adopt::adopt(request, index, sources, &store, monitor)?;
            let table = table(&adopted.tree, adopted.layout, monitor)?;
            Ok(Built {
                sizes: sizes(&table, index, &store)?,
                index: index.clone(),
                table,
                algorithm: Algorithm::Casync,
                forced_cuts: make::has_forced_cuts(index),
                new_chunks: adopted.new_chunks,
                new_stored_bytes: adopted.new_stored_bytes,
                tree: adopted.tree.clone(),
                scratch: Some(adopted.scratch),
            })
        }
    }
}

fn cut(
    request: &Request,
    path: &Path,
    store: &LocalStore,
    before: Option<&Before>,
    monitor: &Monitor,
) -> Result<Built> {
    let layout = tree::layout(path, &Recorded::Reproducible(FeatureFlags::TREE))?;
    let stamps = stamps(path, &layout);
    let chunker = chunker_for(request, before, layout.stream_bytes())?;
    let algorithm = chunker.algorithm();
    let hint = before.filter(|before| before.release.chunking.forced_cuts).map(|before| before.index.clone());
    let options = MakeOptions { chunker, flags: FeatureFlags::TREE, forced_cuts: true, level: request.level, hint };
    let made = make::make(path, &layout, store, &options, monitor)?;
    let table = table(path, layout, monitor)?;
    if self::stamps(path, table.layout()) != stamps {
        return Err(Error::Invalid { what: "tree", reason: "it changed while it was read".to_owned() });
    }
    Ok(Built {
        sizes: sizes(&table, &made.index, store)?,
        index: made.index,
        table,
        algorithm,
        forced_cuts: true,
        new_chunks: made.new_chunks,
        new_stored_bytes: made.new_stored_bytes,
        tree: path.to_owned(),
        scratch: None,
    })
}

fn stamps(root: &Path, layout: &Layout) -> Vec<Option<Stamp>> {
    let paths = layout.nodes().iter().map(|node| node.path.as_ref());
    paths.map(|path| path.and_then(|path| Stamp::of(&path.below(root)))).collect()
}

/// Hashes every file; all cores, one file each.
fn table(root: &Path, layout: Layout, monitor: &Monitor) -> Result<FileTable> {
    let total_bytes = layout.nodes().iter().map(crate::archive::Node::payload_bytes).sum();
    monitor.emit(Event::Started { phase: Phase::Verify, total_bytes });
    let hash = |node: &crate::archive::Node| {
        monitor.cancel.check()?;
        let (NodeKind::File { .. }, Some(path)) = (&node.kind, &node.path) else { return Ok(None) };
        let digest = sha256(&path.below(root))?;
        monitor.emit(Event::Advanced { phase: Phase::Verify, bytes: node.payload_bytes() });
        Ok(Some(FileDigest(digest)))
    };
    let digests: Vec<Option<FileDigest>> = layout.nodes().par_iter().map(hash).collect::<Result<_>>()?;
    monitor.emit(Event::Finished { phase: Phase::Verify });
    FileTable::new(layout, &|node| digests.get(node).copied().flatten())
}

fn sizes(table: &FileTable, index: &Index, store: &LocalStore) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for (_, _, bytes, _) in table.files() {
        sizes.files += 1;
        sizes.tree_bytes += bytes;
    }
    let ids: std::collections::HashSet<_> = index.iter().map(|chunk| chunk.id).collect();
    for id in ids {
        let path = store.path_of(&id);
        sizes.chunks += 1;
        sizes.stored_bytes += std::fs::metadata(&path).map_err(Error::io("read", path))?.len();
    }
    Ok(sizes)
}
