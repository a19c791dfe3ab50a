//! Chunks out of bundles: one thread reads the ranges of a [`Route`], others unpack the sections that are complete.
//!
//! Nothing that is wrong with a bundle is an error: who asked gets fewer chunks than the route promised, and gets those
//! from the stores. What is held at once is bounded, whatever a table says.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{DigestChoice, Sink, Transfer, Wanted};
use crate::bundle::{BundleInfo, Section, Table, read_ranges, unpack};
use crate::chunk::{Chunk, ChunkId, Compressor};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::index::Index;
use crate::route::Route;
use crate::seed::Seed;
use crate::store::LocalStore;

/// Prefixes and contents of the sections that are being unpacked, in bytes. A larger section is unpacked alone.
const MAX_HELD_BYTES: u64 = 96 << 20;

/// zstd level of what goes into the cache: that of casync and desync.
const CACHE_LEVEL: i32 = 3;

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
pub struct Offer {
    /// Its entry in the list.
    pub info: BundleInfo,
    /// Its table, held against both indexes.
    pub table: Arc<Table>,
    /// Where its first section begins.
    pub sections_at: u64,
    /// Who gives its bytes.
    pub file: Arc<dyn BundleFile>,
    /// The installed version that it builds on.
    pub old: Option<Arc<Seed>>,
}

impl Offer {
    /// Each section, and where it lies.
    pub fn places(&self) -> impl Iterator<Item = (Range<u64>, &Section)> {
        self.table.places(self.sections_at)
    }
}

/// Bundles, and what is taken from them.
#[derive(Debug)]
pub struct Bundled {
    /// The wanted version.
    pub index: Index,
    /// Those that the route names.
    pub offers: Vec<Offer>,
    /// What is taken.
    pub route: Route,
}

/// A packed section, complete.
struct Packed<'a> {
    offer: &'a Offer,
    section: &'a Section,
    bytes: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) transfer: Transfer,
    pub(super) given: HashSet<ChunkId>,
}

pub(super) fn run(
    bundled: &Bundled,
    write_cache: Option<&LocalStore>,
    wanted: &[Wanted],
    digest: &DigestChoice,
    sink: &dyn Sink,
    monitor: &Monitor,
) -> Result<Outcome> {
    let wanted: HashMap<ChunkId, u64> = wanted.iter().map(|want| (want.id, want.size)).collect();
    let work = Work {
        bundled,
        write_cache,
        wanted,
        digest,
        sink,
        monitor,
        given: Mutex::default(),
        held: Mutex::default(),
        freed: Condvar::new(),
        stop: AtomicBool::new(false),
        error: Mutex::default(),
    };
    let (sender, receiver) = bounded(WAITING);
    let transfer = std::thread::scope(|scope| {
        for _ in 0..monitor.threads.max(1) {
            let receiver = receiver.clone();
            let work = &work;
            scope.spawn(move || work.unpack_all(&receiver));
        }
        drop(receiver);
        // Dropped when all is read: then the others end.
        let sender = sender;
        work.read_all(&sender)
    });
    monitor.cancel.check()?;
    if let Some(error) = work.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(Outcome { transfer, given: work.given.into_inner().unwrap_or_else(PoisonError::into_inner) })
}

struct Work<'a> {
    bundled: &'a Bundled,
    write_cache: Option<&'a LocalStore>,
    wanted: HashMap<ChunkId, u64>,
    digest: &'a DigestChoice,
    sink: &'a dyn Sink,
    monitor: &'a Monitor,
    given: Mutex<HashSet<ChunkId>>,
    held: Mutex<u64>,
    freed: Condvar,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
}

impl<'a> Work<'a> {
    fn read_all(&self, sender: &Sender<Packed<'a>>) -> Transfer {
        let mut transfer = Transfer::default();
        for step in &self.bundled.route.steps {
            let Some(offer) = self.bundled.offers.get(step.offer) else { continue };
            let places: Vec<(Range<u64>, &Section)> = offer.places().collect();
            for sections in &step.reads {
                match self.read(offer, &places, sections, sender) {
                    Ok(some) => transfer.add(some),
                    Err(_) if self.stop.load(Ordering::Relaxed) || self.monitor.cancel.is_cancelled() => {
                        return transfer;
                    }
                    Err(error) => {
                        self.monitor.warn(&error);
                        break;
                    }
                }
            }
        }
        transfer
    }

    /// Reads sections that lie close together in one go.
    fn read(
        &self,
        offer: &'a Offer,
        places: &[(Range<u64>, &'a Section)],
        sections: &[usize],
        sender: &Sender<Packed<'a>>,
    ) -> Result<Transfer> {
        let wanted: Vec<&(Range<u64>, &Section)> = sections.iter().filter_map(|at| places.get(*at)).collect();
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(Transfer::default()) };
        let mut at = first.0.start;
        let mut rest = wanted.iter();
        let mut current = rest.next();
        let mut bytes: Vec<u8> = Vec::new();
        let mut take = |mut piece: &[u8]| {
            self.monitor.emit(Event::Received { bytes: piece.len() as u64 });
            while let (Some((place, section)), false) = (current, piece.is_empty()) {
                // What lies between two wanted sections is read and dropped.
                let skip = clamp(place.start.saturating_sub(at), piece.len());
                at += skip as u64;
                piece = &piece[skip..];
                let some = clamp(place.end.saturating_sub(at), piece.len());
                bytes.extend_from_slice(&piece[..some]);
                at += some as u64;
                piece = &piece[some..];
                if at == place.end {
                    let packed = Packed { offer, section, bytes: std::mem::take(&mut bytes) };
                    // Nobody listens any more: the error is kept elsewhere.
                    sender.send(packed).map_err(|_| Error::Cancelled)?;
                    current = rest.next();
                }
            }
            if self.stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
        };
        offer.file.read(first.0.start..last.0.end, &mut take, self.monitor)
    }

    fn unpack_all(&self, receiver: &Receiver<Packed<'a>>) {
        let (mut prefix, mut plain) = (Vec::new(), Vec::new());
        for packed in receiver {
            if self.stop.load(Ordering::Relaxed) || self.monitor.cancel.is_cancelled() {
                self.stop.store(true, Ordering::Relaxed);
                return;
            }
            let bytes = packed.section.prefix_bytes() + packed.section.plain_bytes;
            self.hold(bytes);
            let outcome = self.unpack(&packed, &mut prefix, &mut plain);
            if bytes > MAX_HELD_BYTES / 2 {
                (prefix, plain) = (Vec::new(), Vec::new());
            }
            self.let_go(bytes);
            if let Err(error) = outcome {
                self.stop.store(true, Ordering::Relaxed);
                self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                return;
            }
        }
    }

    /// Errors of the sink alone: what is wrong with the section is told, and costs its chunks.
    fn unpack(&self, packed: &Packed<'_>, prefix: &mut Vec<u8>, plain: &mut Vec<u8>) -> Result<()> {
        let section = packed.section;
        prefix.clear();
        let unpacked = match &packed.offer.old {
            Some(old) => read_ranges(old.index(), &**old, &section.prefix, prefix),
            None => Ok(()),
        };
        let unpacked = unpacked.and_then(|()| unpack(&packed.bytes, prefix, section.plain_bytes, plain));
        if let Err(error) = unpacked {
            self.monitor.warn(&error);
            return Ok(());
        }
        let mut rest = &plain[..];
        let mut bad = 0;
        for position in section.positions() {
            let Some(chunk) = self.bundled.index.get(position) else { break };
            let Some((bytes, behind)) = rest.split_at_checked(clamp(chunk.size(), usize::MAX)) else { break };
            rest = behind;
            if self.wanted.get(&chunk.id) == Some(&chunk.size()) && !self.give(chunk.id, bytes)? {
                bad += 1;
            }
        }
        if bad > 0 {
            let reason = format!("{bad} chunks of a section do not match their ids");
            self.monitor.warn(&Error::Malformed { format: crate::error::Format::Bundle, offset: 0, reason });
        }
        Ok(())
    }

    /// Whether the bytes are those of the chunk.
    fn give(&self, id: ChunkId, bytes: &[u8]) -> Result<bool> {
        let Ok(chunk) = self.digest.verify(Chunk::new(id, bytes.to_vec()), id, self.monitor) else { return Ok(false) };
        if self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            self.sink.accept(&chunk)?;
            if let Some(cache) = self.write_cache {
                cache.put(&Compressor::new(CACHE_LEVEL)?.compress(&chunk)?)?;
            }
            self.monitor.emit(Event::Advanced { phase: Phase::Assemble, bytes: bytes.len() as u64 });
        }
        Ok(true)
    }

    fn hold(&self, bytes: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held > 0 && *held + bytes > MAX_HELD_BYTES {
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held += bytes;
    }

    fn let_go(&self, bytes: u64) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.freed.notify_all();
    }
}

fn clamp(bytes: u64, most: usize) -> usize {
    usize::try_from(bytes).map_or(most, |bytes| bytes.min(most))
}
