//! Imports a tree that desync or casync has split, with its chunks and its index unchanged.
//!
//! Every chunk is decoded and hashed, and the tree is assembled once, for the digests of its files and for the
//! preflight.

use std::collections::HashSet;
use std::path::PathBuf;

use super::Request;
use super::build::BuildContext;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::chunk::{Compressor, VerifiedChunk};
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
    pub(super) scratch: PathBuf,
    pub(super) new_chunks: u64,
    pub(super) new_stored_bytes: u64,
}

pub(super) fn import(
    request: &Request,
    index: &Index,
    sources: &Sources,
    workshop: &BuildContext<'_>,
    monitor: &Monitor,
) -> Result<ImportedTree> {
    let scratch = workshop.scratch.join(format!(".publish-{:016x}", fastrand::u64(..)));
    disk::make_private_directory(&scratch)?;
    let own = || LocalStore::create(&scratch.join(DEFAULT_STORE));
    let store = workshop.store.map_or_else(own, |store| Ok(store.clone()));
    let outcome = store.and_then(|store| {
        let lock = store.share("publish")?;
        let (new_chunks, new_stored_bytes) = bring(request, index, sources, &store, monitor)?;
        drop(lock);
        let tree = scratch.join("tree");
        let layout = put_together(request, index, &store, &tree, monitor)?;
        Ok(ImportedTree { layout, tree, scratch: scratch.clone(), new_chunks, new_stored_bytes })
    });
    match outcome {
        Ok(adopted) => Ok(adopted),
        Err(error) => {
            let _ = disk::remove_all(&scratch);
            Err(error)
        }
    }
}

/// Gets the chunks that the store lacks. Returns their number and their stored size in bytes.
fn bring(
    request: &Request,
    index: &Index,
    sources: &Sources,
    store: &LocalStore,
    monitor: &Monitor,
) -> Result<(u64, u64)> {
    let mut seen = HashSet::new();
    let chunks = index.iter().filter(|chunk| seen.insert(chunk.id) && !store.has(&chunk.id));
    let wanted: Vec<WantedChunk> = chunks.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
    let digest = DigestChoice::new(index.digest());
    let sink = Keep { store, level: request.level };
    acquire::acquire(sources.into(), &wanted, &digest, &sink, monitor)?;
    let mut bytes = 0;
    for want in &wanted {
        let path = store.path_of(&want.id);
        bytes += std::fs::metadata(&path).map_err(Error::io("read", path))?.len();
    }
    Ok((wanted.len() as u64, bytes))
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
    store: &LocalStore,
    tree: &std::path::Path,
    monitor: &Monitor,
) -> Result<Layout> {
    let sources = Sources { stores: vec![store.clone()], ..Sources::default() };
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
    let lost = || Error::Invalid { what: "index", reason: "its tree could not be assembled".to_owned() };
    receipt.map(|receipt| receipt.layout).ok_or_else(lost)
}
