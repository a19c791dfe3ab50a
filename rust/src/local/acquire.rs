//! Gets chunks from any source, verifies them, and passes each to a [`Sink`] once.
//!
//! ```text
//! spool, seeds, local stores, caches  --read--+
//!                                             +--> worker threads: decompress, hash --> Sink
//! remote stores  --queue of bodies------------+
//! ```
//!
//! If a source supplies damaged bytes, the next source is asked. Only when all are exhausted is it an error, which
//! names the chunk and the answer of each source. A remote limits its requests in flight, and a body counts as in
//! flight until it is verified. Does not decide which chunks are wanted, and writes nothing but the cache.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::chunk::{Chunk, ChunkId, CompressedChunk, Decompressor, DigestAlgorithm, VerifiedChunk};
use crate::limits;
use crate::local::sources::{Delivery, Sources, Transfer, WantedChunk};
use crate::local::spool::Spool;
use crate::local::store::LocalStore;

mod bundled;

pub use bundled::Bundled;

/// Receives verified chunks. Called from several threads at once, once for each wanted chunk.
pub trait Sink: Sync {
    /// Uses the chunk. An error stops the whole operation.
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()>;
}

/// The digest algorithm of an index's ids: the one that its flag names, unless the first chunk proves it wrong.
///
/// desync 1.0.4 and older could write SHA-256 ids under the flag of SHA-512/256.
#[derive(Debug)]
pub struct DigestChoice {
    flagged: DigestAlgorithm,
    state: AtomicU8,
}

const UNDECIDED: u8 = 0;
const AS_FLAGGED: u8 = 1;
const THE_OTHER: u8 = 2;

impl DigestChoice {
    /// Trusts the flag until the first chunk.
    pub fn new(flagged: DigestAlgorithm) -> Self {
        Self { flagged, state: AtomicU8::new(UNDECIDED) }
    }

    /// The digest algorithm as far as it is known.
    pub fn current(&self) -> DigestAlgorithm {
        self.in_state(self.state.load(Ordering::Relaxed))
    }

    fn in_state(&self, state: u8) -> DigestAlgorithm {
        if state == THE_OTHER { self.flagged.other() } else { self.flagged }
    }

    /// Verifies a chunk; the first one determines the digest algorithm.
    ///
    /// # Errors
    /// Returns the buffer if the content matches neither algorithm.
    pub fn verify(&self, chunk: Chunk, id: ChunkId, monitor: &Monitor) -> Result<VerifiedChunk, Vec<u8>> {
        // Read once: another thread may decide while this one hashes.
        let state = self.state.load(Ordering::Relaxed);
        match chunk.verify(self.in_state(state)) {
            Ok(chunk) => {
                if state == UNDECIDED {
                    self.state.store(AS_FLAGGED, Ordering::Relaxed);
                }
                Ok(chunk)
            }
            Err(buffer) if state == UNDECIDED => {
                let chunk = Chunk::new(id, buffer).verify(self.flagged.other())?;
                if self.state.swap(THE_OTHER, Ordering::Relaxed) != THE_OTHER {
                    let reason = format!("the index is mislabelled: its ids are {:?}", self.flagged.other());
                    monitor.warn(&Error::invalid("index", reason));
                }
                Ok(chunk)
            }
            Err(buffer) => Err(buffer),
        }
    }
}

/// The sources of chunks for one call of [`acquire`].
#[derive(Debug, Clone, Copy)]
pub struct Supply<'a> {
    /// Installed trees, stores and caches.
    pub sources: &'a Sources,
    /// Bundles on other machines, tried before the stores there.
    pub bundled: Option<&'a Bundled>,
    /// Chunks that were already read.
    pub spool: Option<&'a Spool>,
}

impl<'a> From<&'a Sources> for Supply<'a> {
    fn from(sources: &'a Sources) -> Self {
        Self { sources, bundled: None, spool: None }
    }
}

/// Acquires every wanted chunk once and passes it to `sink`.
pub fn acquire(
    supply: Supply<'_>,
    wanted: &[WantedChunk],
    digest: &DigestChoice,
    sink: &dyn Sink,
    monitor: &Monitor,
) -> Result<Transfer> {
    let Supply { sources, bundled, spool } = supply;
    let here = |want: &&WantedChunk| spool.is_some_and(|s| s.has(&want.id)) || sources.has_locally(&want.id);
    let (local, far): (Vec<WantedChunk>, Vec<WantedChunk>) = wanted.iter().partition(here);
    let round = Round::new(sources, spool, digest, sink, monitor);
    let mut transfer = Transfer::default();
    match bundled {
        Some(bundled) if !bundled.strategy.steps.is_empty() => {
            let ends = bundled::Ends { cached: sources, spool, digest, sink };
            let (given, stored) = std::thread::scope(|scope| {
                let given = scope.spawn(|| bundled::run(bundled, ends, &far, monitor));
                let stored = round.run(&local, &[]);
                (given.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), stored)
            });
            let (given, stored) = (given?, stored?);
            transfer.add(given.transfer);
            transfer.add(stored);
            let left: Vec<WantedChunk> = far.into_iter().filter(|want| !given.given.contains(&want.id)).collect();
            transfer.add(round.run(&[], &left)?);
        }
        _ => transfer.add(round.run(&local, &far)?),
    }
    let failed = std::mem::take(&mut *round.failed.lock().unwrap_or_else(PoisonError::into_inner));
    if !failed.is_empty() {
        transfer.add(round.run(&[], &failed)?);
    }
    Ok(transfer)
}

/// Whether a seed lacks the file, or a part of it, that a chunk would come from: it does not have the chunk.
fn is_gone(error: &Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound, UnexpectedEof};
    let Error::Io { source, .. } = error else { return false };
    matches!(source.kind(), NotFound | UnexpectedEof | NotADirectory | IsADirectory)
}

/// One pass over a list of wanted chunks, and the failures in it.
struct Round<'a> {
    sources: &'a Sources,
    spool: Option<&'a Spool>,
    digest: &'a DigestChoice,
    sink: &'a dyn Sink,
    monitor: &'a Monitor,
    next: AtomicUsize,
    stop: AtomicBool,
    error: Mutex<Option<Error>>,
    failed: Mutex<Vec<WantedChunk>>,
    complaints: Mutex<HashMap<ChunkId, Vec<Error>>>,
}

/// The tables and the buffer of one worker thread.
struct Worker {
    decompressor: Decompressor,
    buffer: Vec<u8>,
    stored: Vec<u8>,
}

impl<'a> Round<'a> {
    fn new(
        sources: &'a Sources,
        spool: Option<&'a Spool>,
        digest: &'a DigestChoice,
        sink: &'a dyn Sink,
        monitor: &'a Monitor,
    ) -> Self {
        Self {
            sources,
            spool,
            digest,
            sink,
            monitor,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            error: Mutex::default(),
            failed: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    fn run(&self, local: &[WantedChunk], far: &[WantedChunk]) -> Result<Transfer> {
        self.next.store(0, Ordering::Relaxed);
        let sizes: HashMap<ChunkId, u64> = far.iter().map(|want| (want.id, want.size)).collect();
        let (sender, receiver) = crossbeam_channel::unbounded();
        let transfer = std::thread::scope(|scope| {
            for _ in 0..self.monitor.threads.max(1) {
                let receiver = receiver.clone();
                let sizes = &sizes;
                scope.spawn(move || self.work(local, &receiver, sizes));
            }
            drop(receiver);
            let transfer = if far.is_empty() { Ok(Transfer::default()) } else { self.fetch_far(far, sender) };
            if transfer.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            transfer
        });
        let failure = self.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.monitor.cancel.check()?;
        match failure {
            Some(error) => Err(error),
            None => transfer,
        }
    }

    fn fetch_far(&self, far: &[WantedChunk], sender: Sender<Delivery>) -> Result<Transfer> {
        match &self.sources.remote {
            Some(remote) => remote.fetch(far, sender, self.monitor),
            None => Err(self.exhausted(far[0].id)),
        }
    }

    /// Where a chunk is missing if there is no store.
    fn nowhere(&self) -> String {
        match &self.sources.absent {
            Some(folder) => {
                format!("what is on this disk, and its repository is gone: there is no {}", folder.display())
            }
            None => "what is on this disk; there is no store to ask".to_owned(),
        }
    }

    /// The error for a chunk that no local source could supply.
    fn exhausted(&self, id: ChunkId) -> Error {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let complaints = complaints.remove(&id).unwrap_or_default();
        let text = complaints.iter().map(Error::message_with_causes).collect::<Vec<_>>().join("; ");
        let stores = self.sources.stores.iter().map(|store| store.root().display().to_string());
        let origins = stores.collect::<Vec<_>>().join(", ");
        match complaints.into_iter().next() {
            Some(Error::ChunkCorrupt { origin, .. }) => Error::chunk_corrupt(id, origin, text),
            Some(other) => other,
            None if origins.is_empty() => Error::ChunkMissing { id, origins: self.nowhere() },
            None => Error::ChunkMissing { id, origins },
        }
    }

    fn work(&self, local: &[WantedChunk], deliveries: &Receiver<Delivery>, sizes: &HashMap<ChunkId, u64>) {
        let outcome = Decompressor::new().and_then(|decompressor| {
            let mut worker = Worker { decompressor, buffer: Vec::new(), stored: Vec::new() };
            while !self.stop.load(Ordering::Relaxed) {
                self.monitor.cancel.check()?;
                match deliveries.try_recv() {
                    Ok(delivery) => {
                        self.take_delivery(&mut worker, delivery, sizes)?;
                        continue;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
                }
                if let Some(want) = local.get(self.next.fetch_add(1, Ordering::Relaxed)) {
                    self.take_local(&mut worker, want)?;
                    continue;
                }
                match deliveries.recv_timeout(Duration::from_millis(100)) {
                    Ok(delivery) => self.take_delivery(&mut worker, delivery, sizes)?,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            Ok(())
        });
        if let Err(error) = outcome {
            self.stop.store(true, Ordering::Relaxed);
            self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    fn take_delivery(&self, worker: &mut Worker, delivery: Delivery, sizes: &HashMap<ChunkId, u64>) -> Result<()> {
        let Delivery { chunk: stored, origin, verdict } = delivery;
        let size = sizes.get(&stored.id()).copied().unwrap_or(0);
        let outcome = self.decode(worker, &stored, size, &origin);
        match outcome {
            Ok(chunk) => {
                self.accept(worker, chunk)?;
                self.sources.remember(&stored, self.monitor);
                verdict(Ok(()));
            }
            Err(error) => {
                self.monitor.warn(&error);
                verdict(Err(error));
            }
        }
        Ok(())
    }

    fn take_local(&self, worker: &mut Worker, want: &WantedChunk) -> Result<()> {
        if let Some(chunk) = self.find_local(worker, want)? {
            return self.accept(worker, chunk);
        }
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(*want);
        Ok(())
    }

    fn find_local(&self, worker: &mut Worker, want: &WantedChunk) -> Result<Option<VerifiedChunk>> {
        if let Some(spool) = self.spool
            && let Some(chunk) = spool.get(&want.id, self.digest.current(), std::mem::take(&mut worker.buffer))?
            && chunk.as_bytes().len() as u64 == want.size
        {
            return Ok(Some(chunk));
        }
        for seed in &self.sources.seeds {
            match seed.read(&want.id, std::mem::take(&mut worker.buffer)) {
                Ok(Some(chunk)) => match self.digest.verify(chunk, want.id, self.monitor) {
                    Ok(chunk) if chunk.as_bytes().len() as u64 == want.size => return Ok(Some(chunk)),
                    Ok(_) => {}
                    Err(buffer) => worker.buffer = buffer,
                },
                Ok(None) => {}
                // A seed that changed meanwhile does no harm: the chunk is acquired from another source.
                Err(error) if is_gone(&error) => {}
                Err(error) => self.complain(want.id, error),
            }
        }
        for store in &self.sources.stores {
            if let Some(chunk) = self.read_store(worker, store, want) {
                self.monitor.emit(Event::Received { bytes: worker.stored.len() as u64 });
                return Ok(Some(chunk));
            }
        }
        for cache in self.sources.caches.iter().chain(&self.sources.write_cache) {
            if let Some(chunk) = self.read_store(worker, cache, want) {
                return Ok(Some(chunk));
            }
            if self.is_damaged(worker, cache, want.id) {
                // Later readers, which may be other programs, must not find it.
                let _ = cache.remove(&want.id);
            }
        }
        Ok(None)
    }

    /// Whether a store has other content under this id. An index that states a wrong size is not the chunk's fault, nor is
    /// a disk that cannot be read for a moment.
    fn is_damaged(&self, worker: &mut Worker, store: &LocalStore, id: ChunkId) -> bool {
        match store.get(&id, limits::MAX_CHUNK_BYTES + limits::MAX_STORED_OVERHEAD_BYTES) {
            Ok(Some(stored)) => match worker.decompressor.decompress(&stored, limits::MAX_CHUNK_BYTES, Vec::new()) {
                Ok(chunk) => self.digest.verify(chunk, id, self.monitor).is_err(),
                Err(_) => true,
            },
            Ok(None) => false,
            Err(error) => matches!(error, Error::ChunkCorrupt { .. }),
        }
    }

    fn read_store(&self, worker: &mut Worker, store: &LocalStore, want: &WantedChunk) -> Option<VerifiedChunk> {
        let buffer = std::mem::take(&mut worker.stored);
        let outcome = store.get_into(&want.id, want.max_stored_bytes(), buffer).and_then(|stored| {
            let Some(stored) = stored else { return Ok(None) };
            let chunk = self.decode(worker, &stored, want.size, &store.root().display());
            worker.stored = stored.into_bytes();
            chunk.map(Some)
        });
        match outcome {
            Ok(found) => found,
            Err(error) => {
                self.monitor.warn(&error);
                self.complain(want.id, error);
                None
            }
        }
    }

    fn complain(&self, id: ChunkId, error: Error) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(error);
    }

    fn decode(
        &self,
        worker: &mut Worker,
        stored: &CompressedChunk,
        size: u64,
        origin: &dyn fmt::Display,
    ) -> Result<VerifiedChunk> {
        let id = stored.id();
        let corrupt = |reason: &str| Error::chunk_corrupt(id, origin.to_string(), reason);
        let buffer = std::mem::take(&mut worker.buffer);
        let chunk = worker
            .decompressor
            .decompress(stored, size, buffer)
            .map_err(|e| corrupt("it does not decode").caused_by(e))?;
        let chunk = self.digest.verify(chunk, id, self.monitor);
        let chunk = chunk.map_err(|_| corrupt("the content does not match the id"))?;
        match chunk.as_bytes().len() as u64 {
            actual if actual == size => Ok(chunk),
            actual => Err(corrupt(&format!("it has {actual} bytes, the index says {size}"))),
        }
    }

    fn accept(&self, worker: &mut Worker, chunk: VerifiedChunk) -> Result<()> {
        self.sink.accept(&chunk)?;
        let bytes = chunk.as_bytes().len() as u64;
        self.monitor.emit(Event::Advanced { phase: Phase::Assemble, bytes });
        worker.buffer = chunk.into_bytes();
        Ok(())
    }
}
