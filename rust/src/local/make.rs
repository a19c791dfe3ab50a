//! Cuts a tree or a blob into chunks, and stores those that the store lacks.
//!
//! The index is returned, not written: the caller writes it after this has returned, so an index never names missing
//! chunks. Memory is bounded by the size of a few blocks, whatever the size of the tree. Does not list trees
//! ([`tree`](crate::local::tree) does), and removes nothing.

use std::path::Path;

use serde::Serialize;

use crate::digest::Digest;
use crate::error::Result;
use crate::event::{Monitor, Phase};
use crate::formats::archive::Layout;
use crate::formats::chunk::DigestAlgorithm;
use crate::formats::chunker::Chunker;
use crate::formats::index::{FeatureFlags, Index};
use crate::local::store::LocalStore;
use crate::local::tree;

mod cut;
mod hint;
#[cfg(test)]
mod hint_tests;
mod keep;
mod run;
mod stream;
#[cfg(test)]
mod tests;

use keep::Keeper;
use run::BlockJob;
pub use run::Take;

/// How a stream becomes chunks.
#[derive(Debug, Clone)]
pub struct MakeOptions {
    /// The algorithm and sizes for the cuts.
    pub chunker: Chunker,
    /// The feature flags of the index, which include the digest algorithm of its ids.
    pub flags: FeatureFlags,
    /// Whether every file of at least 64 KiB begins and ends with a cut, so that its chunks are the same in every tree.
    /// If false, the cuts are those of casync.
    pub forced_cuts: bool,
    /// zstd level, 1 to 22; casync and desync use 3.
    pub level: i32,
    /// The index from the previous make of this tree. Where the bytes are unchanged, its cuts are reused instead of
    /// searching for boundaries; the result is the same without it. Used only with `forced_cuts` and
    /// [`Algorithm::Casync`](crate::formats::chunker::Algorithm::Casync), and only if its flags and sizes match this
    /// make.
    pub hint: Option<Index>,
}

/// The result of [`make`].
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The index, for the caller to write.
    #[serde(skip)]
    pub index: Index,
    /// Length of the stream, in bytes.
    pub bytes: u64,
    /// Chunks in the index, including repeated ones.
    pub chunks: u64,
    /// Distinct chunks that were added to the store.
    pub new_chunks: u64,
    /// Plain size of the added chunks, in bytes.
    pub new_bytes: u64,
    /// Size of the added chunks as stored, in bytes.
    pub new_stored_bytes: u64,
    /// Distinct chunks that the store already had.
    pub reused_chunks: u64,
}

/// Cuts the content of `root` and adds the chunks that the store lacks. `root` is the tree that `layout` describes, or
/// the file of a blob's layout.
///
/// Any number of makes may run on one store at once. While one runs, [`prune`](crate::local::store::prune) fails as
/// busy; reused chunks count as new for its grace time.
///
/// # Errors
/// `Busy` while a prune runs; `Invalid` for a level that zstd does not have, or if a file's length differs from its
/// layout or changes while it is read. Chunks stored until then stay.
pub fn make(
    root: &Path,
    layout: &Layout,
    store: &LocalStore,
    options: &MakeOptions,
    monitor: &Monitor,
) -> Result<Made> {
    let _lock = store.share("make")?;
    let keeper = Keeper::new(store, options.level)?;
    let made = run::run(&job(root, layout, options), &|_, id, plain| keeper.take(id, plain), monitor)?;
    Ok(keeper.into_made(made.index))
}

/// Computes the index that [`make`] would return, without storing anything.
///
/// # Errors
/// As for [`make`], without those of the store.
pub fn cut(root: &Path, layout: &Layout, options: &MakeOptions, monitor: &Monitor) -> Result<Index> {
    run::run(&job(root, layout, options), &|_, _, _| Ok(()), monitor).map(|outcome| outcome.index)
}

/// A tree that was read once.
#[derive(Debug)]
pub struct CutAndHashed {
    /// The index that [`make`] would return.
    pub index: Index,
    /// For each node of the layout, the SHA-256 of its content if it is a file.
    pub digests: Vec<Option<Digest>>,
}

/// Cuts the content of `root`, and passes every chunk to `take` with its position in the stream and its plain bytes: from
/// several threads at once, nearly in the order of the stream, and as often as it occurs. `phase` is what the monitor is told.
///
/// # Errors
/// As for [`cut`], and those of `take`, which end the work.
pub fn cut_and_hash(
    root: &Path,
    layout: &Layout,
    options: &MakeOptions,
    take: Take<'_>,
    phase: Phase,
    monitor: &Monitor,
) -> Result<CutAndHashed> {
    let job = BlockJob { phase, hashes_files: true, ..job(root, layout, options) };
    let run::Outcome { index, digests } = run::run(&job, take, monitor)?;
    Ok(CutAndHashed { index, digests })
}

fn job<'a>(root: &'a Path, layout: &'a Layout, options: &'a MakeOptions) -> BlockJob<'a> {
    BlockJob {
        root,
        layout,
        chunker: &options.chunker,
        flags: options.flags,
        forced_cuts: options.forced_cuts,
        hint: options.hint.as_ref(),
        phase: Phase::Make,
        hashes_files: false,
    }
}

/// Computes the index of the current content of `root`, without storing anything. `root` is the tree that `layout`
/// describes, or the file of a blob's layout. For `forced_cuts` see [`has_forced_cuts`].
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if a file's length differs from its layout or changes while it is read.
pub fn index_of(
    root: &Path,
    layout: &Layout,
    chunker: &Chunker,
    flags: FeatureFlags,
    forced_cuts: bool,
    monitor: &Monitor,
) -> Result<Index> {
    let job =
        BlockJob { root, layout, chunker, flags, forced_cuts, hint: None, phase: Phase::ScanSeed, hashes_files: false };
    run::run(&job, &|_, _, _| Ok(()), monitor).map(|outcome| outcome.index)
}

/// Computes the chunks of one file as a blob, without storing anything.
pub fn list_chunks(file: &Path, chunker: &Chunker, digest: DigestAlgorithm, monitor: &Monitor) -> Result<Index> {
    let layout = Layout::blob(tree::file_size(file)?);
    index_of(file, &layout, chunker, FeatureFlags::BLOB.with_digest(digest), false, monitor)
}

/// Whether an index was also cut at file boundaries.
///
/// Only the end of a stream and forced cuts make chunks below the minimum size. A tree without files of 64 KiB has none
/// either way, and then both answers lead to the same cuts.
pub fn has_forced_cuts(index: &Index) -> bool {
    let inner = index.len().saturating_sub(1);
    index.iter().take(inner).any(|chunk| chunk.size() < index.sizes().min())
}
