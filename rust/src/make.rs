//! Cuts a tree or file into chunks.

use std::path::Path;

use crate::archive::Layout;
use crate::chunker::Chunker;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::index::{FeatureFlags, Index};

/// The index of what is at `root` now, storing nothing.
pub fn index_of(
    _root: &Path,
    _layout: &Layout,
    _chunker: &Chunker,
    _flags: FeatureFlags,
    _monitor: &Monitor,
) -> Result<Index> {
    Err(Error::Cancelled)
}
