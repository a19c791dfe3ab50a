//! Acquires chunks from bundles: one thread reads the ranges of a [`Strategy`], others unpack the complete sections.
//!
//! ```text
//! part    the received bytes of a section, kept for the next run      bundled/part.rs
//! read    reads ranges of a bundle and cuts them into sections        bundled/read.rs
//! unpack  unpacks a section against the old version, fills the sink   bundled/unpack.rs
//! ```
//!
//! A faulty bundle is not an error: it supplies fewer chunks than the strategy expected, and the stores supply the
//! rest. Memory use is bounded whatever a table says.

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
use crate::local::sources::{Sources, Transfer, WantedChunk};
use crate::local::spool::Spool;
use crate::local::strategy::{Step, Strategy};

mod part;
mod read;
mod unpack;

/// Most packed sections that wait to be unpacked.
const WAITING: usize = 2;

/// Bundles, and what to acquire from them.
#[derive(Debug)]
pub struct Bundled {
    /// The bundles that the strategy refers to.
    pub offers: Vec<BundleOffer>,
    /// Which sections to acquire.
    pub strategy: Strategy,
    /// A folder for the received bytes of sections, if a later run may want them.
    pub parts: Option<PathBuf>,
}

/// The result of a run over bundles.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) transfer: Transfer,
    pub(super) given: HashSet<ChunkId>,
}

/// The wanted chunks, and the sink for them.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) cached: &'a Sources,
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
        // Steps run in order, because one builds on the chunks of the one before.
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
    /// Threads that verify the chunks of an unpacked section.
    pool: rayon::ThreadPool,
    bundled: &'a Bundled,
    ends: Ends<'a>,
    wanted: HashMap<ChunkId, u64>,
    monitor: &'a Monitor,
    given: Mutex<HashSet<ChunkId>>,
    /// Memory of the sections being unpacked, in bytes.
    held: Mutex<u64>,
    freed: Condvar,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

/// One step, and the bundle that it reads.
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
            // Dropped once everything is read, which ends the other threads.
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
