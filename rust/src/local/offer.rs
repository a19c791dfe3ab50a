//! Bundles that can be had, and what each builds on.
//!
//! Plain data and one trait: [`strategy`](crate::local::strategy) prices the offers, [`acquire`](crate::local::acquire)
//! takes chunks out of those that were chosen.

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

/// Gives bytes of one bundle.
pub trait BundleFile: Send + Sync + std::fmt::Debug {
    /// Passes on the bytes of a range, in order, in pieces. What it passed on before an error is sound as far as it
    /// knows.
    ///
    /// # Errors
    /// Those of network and disk, and whatever `take` gives back.
    fn read(
        &self,
        range: Range<u64>,
        take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
        monitor: &Monitor,
    ) -> Result<Transfer>;
}

/// A bundle that can be had, and what it builds on.
#[derive(Debug, Clone)]
pub struct BundleOffer {
    /// Its entry in the list.
    pub info: BundleInfo,
    /// Its table, held against both indexes.
    pub table: Arc<Table>,
    /// Where its first section begins.
    pub sections_at: u64,
    /// Who gives its bytes.
    pub file: Arc<dyn BundleFile>,
    /// Whether nobody has to be asked for them: they came with its front.
    pub is_here: bool,
    /// What a run before this one has received of sections, in bytes, by their position in the table.
    pub kept: HashMap<usize, u64>,
    /// The version that it leads to.
    pub to: VersionContent,
    /// What it builds on; nothing for one that needs nothing.
    pub old: Option<DeltaBase>,
}

/// A version, as what is taken out of a bundle is cut and put together by.
#[derive(Debug, Clone)]
pub struct VersionContent {
    /// Its chunks.
    pub index: Arc<Index>,
    /// Its files.
    pub layout: Arc<Layout>,
}

/// The version that a bundle builds on.
#[derive(Debug, Clone)]
pub struct DeltaBase {
    /// What is installed.
    pub seed: Arc<Seed>,
    /// Set if that is an older version still.
    pub between: Option<IntermediateBase>,
}

/// A version that is not installed, and never will be: another bundle leads to it.
#[derive(Debug, Clone)]
pub struct IntermediateBase {
    /// What it is.
    pub version: VersionContent,
    /// The offer that gives what is not installed of it, by its place in the list.
    pub after: usize,
}

impl BundleOffer {
    /// Each section, and where it lies.
    pub fn places(&self) -> impl Iterator<Item = (Range<u64>, &Section)> {
        self.table.places(self.sections_at)
    }

    /// Looks for what an earlier run kept of its sections in the folder `parts`.
    pub fn find_kept(&mut self, parts: &Path) {
        let bytes = |number, section: &Section| {
            let found = std::fs::metadata(part_path(parts, &self.info, number)).ok()?;
            Some(found.len()).filter(|bytes| (1..=section.packed_bytes).contains(bytes))
        };
        let sections = self.table.sections.iter().enumerate();
        self.kept = sections.filter_map(|(number, section)| Some((number, bytes(number, section)?))).collect();
    }

    /// The offer that has to come first.
    pub fn after(&self) -> Option<usize> {
        Some(self.old.as_ref()?.between.as_ref()?.after)
    }
}

impl DeltaBase {
    /// The index of the version that is built on.
    pub fn index(&self) -> &Index {
        self.between.as_ref().map_or_else(|| self.seed.index(), |between| &between.version.index)
    }

    /// The files of that version.
    pub fn layout(&self) -> &Layout {
        self.between.as_ref().map_or_else(|| self.seed.layout(), |between| &between.version.layout)
    }
}

/// Where what was received of a section is kept.
pub(super) fn part_path(parts: &Path, info: &BundleInfo, section: usize) -> PathBuf {
    parts.join(format!("{}-{section}", info.id))
}
