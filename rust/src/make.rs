//! Cuts a tree or a blob into chunks, and stores what the store does not have yet.
//!
//! The index is given back, not written: the caller writes it when this has returned, so an index never
//! names chunks that are not there. Memory is bounded by blocks, whatever the size of the tree.
//! It does not list trees ([`tree`](crate::tree) does), and it removes nothing.

use std::path::Path;

use crate::archive::Layout;
use crate::chunk::DigestAlgorithm;
use crate::chunker::Chunker;
use crate::error::Result;
use crate::event::{Monitor, Phase};
use crate::index::{FeatureFlags, Index};
use crate::tree;

mod cut;
mod run;
mod stream;

use run::Job;

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
    let job = Job { root, layout, chunker, flags, forced_cuts, phase: Phase::ScanSeed };
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
