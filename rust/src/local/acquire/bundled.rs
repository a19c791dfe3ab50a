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
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crossbeam_channel::bounded;

use super::{DigestChoice, Sink};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::local::offer::BundleOffer;
use crate::local::sources::{Transfer, WantedChunk};
use crate::local::spool::Spool;
use crate::local::store::LocalStore;
use crate::local::strategy::{Step, Strategy};

mod part;
mod read;
mod unpack;

/// Packed sections that wait to be unpacked.
const WAITING: usize = 2;

/// Bundles, and what is taken from them.
#[derive(Debug)]
pub struct Bundled {
    /// Those that the strategy names.
    pub offers: Vec<BundleOffer>,
    /// What is taken.
    pub strategy: Strategy,
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
    for step in &bundled.strategy.steps {
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
