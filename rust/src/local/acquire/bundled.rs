//! Chunks out of bundles: one thread reads the ranges of a [`Strategy`], others unpack the sections that are complete.
//!
//! ```text
//! part    what is received of a section, kept for the next run        bundled/part.rs
//! read    ranges of a bundle, cut into sections                       bundled/read.rs
//! unpack  a section against the old version, chunks to the sink       bundled/unpack.rs
//! ```
//!
//! Nothing that is wrong with a bundle is an error: who asked gets fewer chunks than the route promised, and gets those
//! from the stores. What is held at once is bounded, whatever a table says.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crossbeam_channel::bounded;

use super::{DigestChoice, Sink, Transfer, WantedChunk};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::bundle::{BundleInfo, Section, Table};
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::local::seed::Seed;
use crate::local::spool::Spool;
use crate::local::store::LocalStore;
use crate::local::strategy::{Step, Strategy};

mod part;
mod read;
mod unpack;

/// Packed sections that wait to be unpacked.
const WAITING: usize = 2;

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

    /// Looks for what is kept of it in a folder of [`Bundled::parts`].
    pub fn find_kept(&mut self, parts: &Path) {
        let bytes = |number, section: &Section| {
            let found = std::fs::metadata(part::path_of(parts, &self.info, number)).ok()?;
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

/// Bundles, and what is taken from them.
#[derive(Debug)]
pub struct Bundled {
    /// Those that the route names.
    pub offers: Vec<BundleOffer>,
    /// What is taken.
    pub route: Strategy,
    /// A folder for what is received of sections, if a later run may want it.
    pub parts: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) transfer: Transfer,
    pub(super) given: HashSet<ChunkId>,
}

/// What chunks are wanted for, and where they go.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) write_cache: Option<&'a LocalStore>,
    pub(super) spool: Option<&'a Spool>,
    pub(super) digest: &'a DigestChoice,
    pub(super) sink: &'a dyn Sink,
}

pub(super) fn run(bundled: &Bundled, ends: Ends<'_>, wanted: &[WantedChunk], monitor: &Monitor) -> Result<Outcome> {
    let work = Work {
        pool: monitor.pool()?,
        bundled,
        ends,
        wanted: wanted.iter().map(|want| (want.id, want.size)).collect(),
        monitor,
        given: Mutex::default(),
        held: Mutex::default(),
        freed: Condvar::new(),
        stop: AtomicBool::new(false),
        error: Mutex::default(),
    };
    let mut transfer = Transfer::default();
    for step in &bundled.route.steps {
        // One step builds on what the one before has given.
        transfer.add(work.carry_out(step));
        if work.is_over() {
            break;
        }
    }
    monitor.cancel.check()?;
    if let Some(error) = work.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(Outcome { transfer, given: work.given.into_inner().unwrap_or_else(PoisonError::into_inner) })
}

struct Work<'a> {
    /// For the chunks of a section that is unpacked.
    pool: rayon::ThreadPool,
    bundled: &'a Bundled,
    ends: Ends<'a>,
    wanted: HashMap<ChunkId, u64>,
    monitor: &'a Monitor,
    given: Mutex<HashSet<ChunkId>>,
    /// Bytes that sections take while they are unpacked.
    held: Mutex<u64>,
    freed: Condvar,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

/// One step, and the bundle that it is taken from.
#[derive(Clone, Copy)]
struct Task<'a> {
    step: &'a Step,
    offer: &'a BundleOffer,
}

impl<'a> Work<'a> {
    fn carry_out(&self, step: &'a Step) -> Transfer {
        let Some(offer) = self.bundled.offers.get(step.offer) else { return Transfer::default() };
        let task = Task { step, offer };
        let (sender, receiver) = bounded(WAITING);
        std::thread::scope(|scope| {
            for _ in 0..self.monitor.threads.max(1) {
                let receiver = receiver.clone();
                scope.spawn(move || self.unpack_all(task, &receiver));
            }
            drop(receiver);
            // Dropped when all is read: then the others end.
            let sender = sender;
            self.read_all(task, &sender)
        })
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.monitor.cancel.is_cancelled()
    }

    fn fail(&self, error: Error) {
        self.stop.store(true, Ordering::Relaxed);
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

fn clamp(bytes: u64, most: usize) -> usize {
    usize::try_from(bytes).map_or(most, |bytes| bytes.min(most))
}
