//! What uploads have in common: chunks are compressed on all cores and handed over through a short queue, and the stored
//! size of those that are not sent is estimated.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Observer};
use crate::formats::chunk::{ChunkId, CompressedChunk, Compressor, VerifiedChunk};
use crate::local::acquire::{self, DigestChoice, Sink};
use crate::local::sources::{Sources, WantedChunk};

/// Most chunks that wait for a request. Together with those being sent, these are all chunks in memory.
pub(super) const QUEUE: usize = 16;

/// How often cancellation is checked.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// Number of chunks that are compressed to estimate the size of all.
const SAMPLE: usize = 48;

/// A chunk to be sent, and its plain size in bytes.
pub(super) type Body = (CompressedChunk, u64);

/// Estimates the stored size of chunks, in bytes, by compressing a sample of them.
pub(super) fn weigh(
    sources: &Sources,
    chunks: &[WantedChunk],
    digest: &DigestChoice,
    level: i32,
    monitor: &Monitor,
) -> Result<u64> {
    let step = chunks.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<WantedChunk> = chunks.iter().step_by(step).copied().collect();
    let press = Press::new(level, None);
    acquire::acquire(sources.into(), &sample, digest, &press, &quiet(monitor))?;
    let sum = |chunks: &[WantedChunk]| chunks.iter().map(|want| u128::from(want.size)).sum::<u128>();
    let stored = u128::from(press.finish()) * sum(chunks);
    Ok(stored.checked_div(sum(&sample)).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
}

/// Compresses chunks and passes them on.
pub(super) struct Press {
    level: i32,
    /// Compressors that are not in use.
    idle: Mutex<Vec<Compressor>>,
    stored_bytes: AtomicU64,
    queue: Option<Sender<Body>>,
}

impl Press {
    pub(super) fn new(level: i32, queue: Option<Sender<Body>>) -> Self {
        Self { level, idle: Mutex::default(), stored_bytes: AtomicU64::new(0), queue }
    }

    /// Closes the queue, and returns the compressed size in bytes.
    pub(super) fn finish(self) -> u64 {
        self.stored_bytes.into_inner()
    }

    /// Compresses these bytes, whose id this is.
    pub(super) fn take(&self, id: ChunkId, plain: &[u8]) -> Result<()> {
        let lock = || self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let idle = lock().pop();
        let mut compressor = idle.map_or_else(|| Compressor::new(self.level), Ok)?;
        let stored = compressor.compress_as(id, plain)?;
        lock().push(compressor);
        self.stored_bytes.fetch_add(stored.as_bytes().len() as u64, Ordering::Relaxed);
        match &self.queue {
            // The queue is closed only after sending has failed.
            Some(queue) => queue.blocking_send((stored, plain.len() as u64)).map_err(|_| Error::Cancelled),
            None => Ok(()),
        }
    }
}

impl Sink for Press {
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()> {
        self.take(chunk.id(), chunk.as_bytes())
    }
}

/// Passes on warnings only: reading chunks does not count as progress of the upload.
struct Warnings(std::sync::Arc<dyn Observer>);

impl Observer for Warnings {
    fn on_event(&self, event: Event) {
        if matches!(event, Event::Warned { .. }) {
            self.0.on_event(event);
        }
    }
}

pub(super) fn quiet(monitor: &Monitor) -> Monitor {
    Monitor { observer: std::sync::Arc::new(Warnings(monitor.observer.clone())), ..monitor.clone() }
}
