//! Bundles that are available, and what each builds on.
//!
//! Plain data and one trait: [`strategy`](crate::local::strategy) prices the offers, [`acquire`](crate::local::acquire)
//! gets chunks from the chosen ones.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::bundle::{BundleInfo, Section, Table};
use crate::formats::index::Index;
use crate::local::seed::Seed;
use crate::local::sources::Transfer;

/// Reads one bundle.
pub trait BundleFile: Send + Sync + std::fmt::Debug {
    /// Passes the bytes of a range to `take`, in order, in pieces. Bytes passed on before an error can be used.
    ///
    /// # Errors
    /// Those of network and disk, and those that `take` returns.
    fn read(
        &self,
        range: Range<u64>,
        take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
        monitor: &Monitor,
    ) -> Result<Transfer>;
}

/// An available bundle, and what it builds on.
#[derive(Debug, Clone)]
pub struct BundleOffer {
    /// Its entry in the list.
    pub info: BundleInfo,
    /// Its table, checked against both indexes.
    pub table: Arc<Table>,
    /// Position of its first section, in bytes.
    pub sections_at: u64,
    /// Reads its bytes.
    pub file: Arc<dyn BundleFile>,
    /// Whether its bytes are already in memory, because they came with its front.
    pub is_here: bool,
    /// Bytes that an earlier run received, by the position of their section in the table.
    pub kept: HashMap<usize, u64>,
    /// The version that its chunks belong to.
    pub to: VersionContent,
    /// The version it builds on; `None` if it needs none.
    pub old: Option<DeltaBase>,
}

/// The index and layout of a version, needed to cut and join the content of bundles.
#[derive(Debug, Clone)]
pub struct VersionContent {
    /// Its chunks.
    pub index: Arc<Index>,
    /// Its files.
    pub layout: Arc<Layout>,
}

/// The older version that a bundle builds on.
#[derive(Debug, Clone)]
pub struct DeltaBase {
    /// The installed version.
    pub seed: Arc<Seed>,
    /// Set if the older version is not the installed one but one between it and the new one.
    pub between: Option<IntermediateBase>,
}

/// A version that is never installed: another bundle leads to it.
#[derive(Debug, Clone)]
pub struct IntermediateBase {
    /// Its index and layout.
    pub version: VersionContent,
    /// The offer that supplies the part of it that is not installed, by position in the list of offers.
    pub after: usize,
}

impl BundleOffer {
    /// Each section with its range in the bundle.
    pub fn places(&self) -> impl Iterator<Item = (Range<u64>, &Section)> {
        self.table.places(self.sections_at)
    }

    /// Finds the bytes of its sections that an earlier run kept in the folder `parts`.
    pub fn find_kept(&mut self, parts: &Path) {
        let bytes = |number, section: &Section| {
            let found = std::fs::metadata(part_path(parts, &self.info, number)).ok()?;
            Some(found.len()).filter(|bytes| (1..=section.packed_bytes).contains(bytes))
        };
        let sections = self.table.sections.iter().enumerate();
        self.kept = sections.filter_map(|(number, section)| Some((number, bytes(number, section)?))).collect();
    }

    /// The offer that must be used first, if any.
    pub fn after(&self) -> Option<usize> {
        Some(self.old.as_ref()?.between.as_ref()?.after)
    }
}

impl DeltaBase {
    /// The index of the older version.
    pub fn index(&self) -> &Index {
        self.between.as_ref().map_or_else(|| self.seed.index(), |between| &between.version.index)
    }

    /// The layout of the older version.
    pub fn layout(&self) -> &Layout {
        self.between.as_ref().map_or_else(|| self.seed.layout(), |between| &between.version.layout)
    }
}

/// Path of the file that keeps the received bytes of a section.
pub(super) fn part_path(parts: &Path, info: &BundleInfo, section: usize) -> PathBuf {
    parts.join(format!("{}-{section}", info.id))
}
