//! Imports a tree that desync or casync has split, with its chunks and its index unchanged. It stays in a temporary
//! folder until it has been checked.
//!
//! Every chunk is decoded and hashed, and the tree is assembled once, for the digests of its files and for the
//! preflight.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Request;
use super::build::NewChunks;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::chunk::{ChunkId, Compressor, VerifiedChunk};
use crate::formats::index::Index;
use crate::formats::release::DEFAULT_STORE;
use crate::local::acquire::{self, DigestChoice, Sink};
use crate::local::disk;
use crate::local::extract::{self, IndexKind};
use crate::local::receipt::Workplace;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::staging::Intent;
use crate::local::store::LocalStore;

pub(super) struct ImportedTree {
    pub(super) layout: Layout,
    pub(super) tree: PathBuf,
    /// The temporary folder that all of this is in.
    pub(super) scratch: PathBuf,
    /// The chunks that the destination lacks.
    pub(super) store: LocalStore,
    pub(super) new: NewChunks,
}

/// Imports into a new folder in `scratch`. Chunks that `known` has are not brought.
pub(super) fn import(
    request: &Request,
    index: &Index,
    sources: &Sources,
    (scratch, known): (&Path, Option<&LocalStore>),
    monitor: &Monitor,
) -> Result<ImportedTree> {
    let scratch = scratch.join(format!(".publish-{:016x}", fastrand::u64(..)));
    disk::make_private_directory(&scratch)?;
    let outcome = LocalStore::create(&scratch.join(DEFAULT_STORE)).and_then(|store| {
        // So that no clean-up takes what is not brought.
        let lock = known.map(|known| known.share("publish")).transpose()?;
        let stores: Vec<&LocalStore> = std::iter::once(&store).chain(known).collect();
        let new = bring(request, index, sources, &stores, monitor)?;
        let tree = scratch.join("tree");
        let layout = put_together(request, index, &stores, &tree, monitor)?;
        drop(lock);
        Ok(ImportedTree { layout, tree, scratch: scratch.clone(), store, new })
    });
    if outcome.is_err() {
        let _ = disk::remove_all(&scratch);
    }
    outcome
}

/// Copies the chunks of an index that a store lacks.
pub(super) fn adopt(index: &Index, from: &LocalStore, to: &LocalStore) -> Result<()> {
    let _lock = to.share("publish")?;
    let mut seen = HashSet::new();
    for chunk in index.iter().filter(|chunk| seen.insert(chunk.id)) {
        if to.has(&chunk.id) {
            continue;
        }
        let wanted = WantedChunk { id: chunk.id, size: chunk.size() };
        let gone = || Error::ChunkMissing { id: chunk.id, origins: to.root().display().to_string() };
        to.put(&from.get(&chunk.id, wanted.max_stored_bytes())?.ok_or_else(gone)?)?;
    }
    Ok(())
}

/// Gets the chunks that none of the stores has into the first one.
fn bring(
    request: &Request,
    index: &Index,
    sources: &Sources,
    stores: &[&LocalStore],
    monitor: &Monitor,
) -> Result<NewChunks> {
    let mut seen = HashSet::new();
    let is_there = |id: &ChunkId| stores.iter().any(|store| store.has(id));
    let chunks = index.iter().filter(|chunk| seen.insert(chunk.id) && !is_there(&chunk.id));
    let wanted: Vec<WantedChunk> = chunks.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
    let digest = DigestChoice::new(index.digest());
    let Some(store) = stores.first() else { return Ok(NewChunks::default()) };
    let sink = Keep { store, level: request.level };
    acquire::acquire(sources.into(), &wanted, &digest, &sink, monitor)?;
    let mut stored_bytes = 0;
    for want in &wanted {
        let path = store.path_of(&want.id);
        stored_bytes += std::fs::metadata(&path).map_err(Error::io("read", path))?.len();
    }
    Ok(NewChunks { count: wanted.len() as u64, stored_bytes })
}

/// Stores verified chunks. Compresses them again, because the originals may be gzip, xz or padded.
struct Keep<'a> {
    store: &'a LocalStore,
    level: i32,
}

impl Sink for Keep<'_> {
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()> {
        thread_local! {
            static COMPRESSOR: std::cell::RefCell<Option<(i32, Compressor)>> = const { std::cell::RefCell::new(None) };
        }
        COMPRESSOR.with_borrow_mut(|slot| {
            let compressor = match slot {
                Some((level, compressor)) if *level == self.level => compressor,
                _ => &mut slot.insert((self.level, Compressor::new(self.level)?)).1,
            };
            self.store.put(&compressor.compress(chunk)?)
        })
    }
}

fn put_together(
    request: &Request,
    index: &Index,
    stores: &[&LocalStore],
    tree: &Path,
    monitor: &Monitor,
) -> Result<Layout> {
    let stores = stores.iter().map(|store| (*store).clone()).collect();
    let sources = Sources { stores, ..Sources::default() };
    let wanted = extract::Request {
        index: index.clone(),
        content: IndexKind::Tree,
        destination: tree.to_owned(),
        seeds: Vec::new(),
        protected: Vec::new(),
        scratch: request.scratch.clone(),
        sync: false,
    };
    extract::prepare(wanted, sources, Intent::Apply, monitor)?.apply(monitor)?;
    let receipt = Workplace::of(tree)?.receipt();
    let lost = || Error::invalid("index", "its tree could not be assembled");
    receipt.map(|receipt| receipt.layout).ok_or_else(lost)
}
