//! Cuts a tree or a blob into chunks, and stores what the store does not have yet.
//!
//! The index is given back, not written: the caller writes it when this has returned, so an index never
//! names chunks that are not there. Memory is bounded by blocks, whatever the size of the tree.
//! It does not list trees ([`tree`](crate::local::tree) does), and it removes nothing.

use std::path::Path;

use serde::Serialize;

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

/// How a stream becomes chunks.
#[derive(Debug, Clone)]
pub struct MakeOptions {
    /// Where to cut.
    pub chunker: Chunker,
    /// What the index says that the stream records, and the digest of its ids.
    pub flags: FeatureFlags,
    /// Whether every file of 64 KiB and more begins and ends with a cut, so that its chunks are the same
    /// in every tree. Off, the cuts are those of casync.
    pub forced_cuts: bool,
    /// zstd level, 1 to 22; casync and desync use 3.
    pub level: i32,
    /// The index that the last make of this tree gave: where the bytes are the same, its cuts are taken
    /// over, and boundaries are not looked for. The result is the same without it. Used with
    /// `forced_cuts` and [`Algorithm::Casync`](crate::formats::chunker::Algorithm::Casync) only, and if its flags and sizes are those of this make.
    pub hint: Option<Index>,
}

/// What [`make`] did.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// To be written where the caller likes.
    #[serde(skip)]
    pub index: Index,
    /// Length of the stream, in bytes.
    pub bytes: u64,
    /// Chunks of the index, repeats counted.
    pub chunks: u64,
    /// Different chunks that were added to the store.
    pub new_chunks: u64,
    /// Their plain size, in bytes.
    pub new_bytes: u64,
    /// Their size as stored, in bytes.
    pub new_stored_bytes: u64,
    /// Different chunks that the store had.
    pub reused_chunks: u64,
}

/// Cuts what is at `root`, and adds to the store what it has not. `root` is the tree that `layout` is of,
/// or the file of a blob's layout.
///
/// Any number of these may run on one store at once. While one runs, [`prune`](crate::local::store::prune)
/// answers busy; chunks that were there count as new for its grace time.
///
/// # Errors
/// `Busy` while a prune runs; `Invalid` for a level that zstd has not, and if a file is not as long as
/// its layout says, or changes while it is read. What was stored until then stays.
pub fn make(
    root: &Path,
    layout: &Layout,
    store: &LocalStore,
    options: &MakeOptions,
    monitor: &Monitor,
) -> Result<Made> {
    let _lock = store.share("make")?;
    let keeper = Keeper::new(store, options.level)?;
    let index = run::run(&job(root, layout, options), &|id, plain| keeper.take(id, plain), monitor)?;
    Ok(keeper.into_made(index))
}

/// The index that [`make`] would give, storing nothing.
///
/// # Errors
/// As [`make`], without those of the store.
pub fn cut(root: &Path, layout: &Layout, options: &MakeOptions, monitor: &Monitor) -> Result<Index> {
    run::run(&job(root, layout, options), &|_, _| Ok(()), monitor)
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
    }
}

/// The index of what is at `root` now, storing nothing. `root` is the tree that `layout` is of, or the
/// file of a blob's layout. For `forced_cuts` see [`has_forced_cuts`].
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if a file is not as long as its layout says, or changes while it is read.
pub fn index_of(
    root: &Path,
    layout: &Layout,
    chunker: &Chunker,
    flags: FeatureFlags,
    forced_cuts: bool,
    monitor: &Monitor,
) -> Result<Index> {
    let job = BlockJob { root, layout, chunker, flags, forced_cuts, hint: None, phase: Phase::ScanSeed };
    run::run(&job, &|_, _| Ok(()), monitor)
}

/// The chunks of one file as a blob, storing nothing.
pub fn list_chunks(file: &Path, chunker: &Chunker, digest: DigestAlgorithm, monitor: &Monitor) -> Result<Index> {
    let layout = Layout::blob(tree::file_size(file)?);
    index_of(file, &layout, chunker, FeatureFlags::BLOB.with_digest(digest), false, monitor)
}

/// Whether an index was cut at the borders of its files too.
///
/// Only the end of a stream and forced cuts make chunks under the minimum. A tree without files of
/// 64 KiB has none either way, and either answer gives the same cuts for it.
pub fn has_forced_cuts(index: &Index) -> bool {
    let inner = index.len().saturating_sub(1);
    index.iter().take(inner).any(|chunk| chunk.size() < index.sizes().min())
}
