//! Uploads chunks: reads and compresses them on all cores, and sends them in parallel requests.
//!
//! ```text
//! tree or store --obtain: verify, compress, several threads--> queue --one thread, many requests--> uplink
//! ```

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Observer, Phase};
use crate::formats::chunk::{CompressedChunk, Compressor, VerifiedChunk};
use crate::local::acquire::{self, DigestChoice, Sink};
use crate::local::sources::{Sources, WantedChunk};

/// Where chunks are sent.
pub(super) trait Uplink: Sync {
    /// A request that stores a chunk.
    fn put(&self, chunk: CompressedChunk) -> Request;

    /// Most requests at the same time.
    fn max_parallel(&self) -> usize;

    /// Runs requests to their end, or until the operation is cancelled.
    fn run(&self, work: Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>) -> Result<()>;
}

/// A request that runs beside others.
pub(super) type Request = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Most chunks that wait for a request. Together with those being sent, these are all chunks in memory.
const QUEUE: usize = 16;

/// How often cancellation is checked.
const TICK: Duration = Duration::from_millis(50);

/// Number of chunks that are compressed to estimate the size of all.
const SAMPLE: usize = 48;

/// A chunk to be sent, and its plain size in bytes.
type Body = (CompressedChunk, u64);

/// Sends every chunk. Returns their stored size in bytes.
pub(super) fn send(
    uplink: &dyn Uplink,
    sources: &Sources,
    wanted: &[WantedChunk],
    digest: &DigestChoice,
    level: i32,
    monitor: &Monitor,
) -> Result<u64> {
    if wanted.is_empty() {
        return Ok(0);
    }
    let total_bytes = wanted.iter().map(|want| want.size).sum();
    monitor.emit(Event::Started { phase: Phase::Upload, total_bytes });
    let (queue, bodies) = channel(QUEUE);
    let press = Press::new(level, Some(queue));
    let (sent, obtained) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| uplink.run(Box::pin(drain(uplink, bodies, monitor))));
        let obtained = acquire::acquire(sources.into(), wanted, digest, &press, &quiet(monitor));
        let stored_bytes = press.finish();
        let sent = sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (sent, obtained.map(|_| stored_bytes))
    });
    // If sending fails, compressing fails, too; the error of sending is the cause.
    sent?;
    let stored_bytes = obtained?;
    monitor.emit(Event::Finished { phase: Phase::Upload });
    Ok(stored_bytes)
}

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

/// Compresses verified chunks and passes them on.
struct Press {
    level: i32,
    /// Compressors that are not in use.
    idle: Mutex<Vec<Compressor>>,
    stored_bytes: AtomicU64,
    queue: Option<Sender<Body>>,
}

impl Press {
    fn new(level: i32, queue: Option<Sender<Body>>) -> Self {
        Self { level, idle: Mutex::default(), stored_bytes: AtomicU64::new(0), queue }
    }

    /// Closes the queue, and returns the compressed size in bytes.
    fn finish(self) -> u64 {
        self.stored_bytes.into_inner()
    }
}

impl Sink for Press {
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()> {
        let lock = || self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let idle = lock().pop();
        let mut compressor = idle.map_or_else(|| Compressor::new(self.level), Ok)?;
        let stored = compressor.compress(chunk)?;
        lock().push(compressor);
        self.stored_bytes.fetch_add(stored.as_bytes().len() as u64, Ordering::Relaxed);
        match &self.queue {
            // The queue is closed only after sending has failed.
            Some(queue) => queue.blocking_send((stored, chunk.as_bytes().len() as u64)).map_err(|_| Error::Cancelled),
            None => Ok(()),
        }
    }
}

/// Sends all chunks from the queue until it is closed.
async fn drain(uplink: &dyn Uplink, mut bodies: Receiver<Body>, monitor: &Monitor) -> Result<()> {
    let mut tasks: JoinSet<Result<u64>> = JoinSet::new();
    let mut is_open = true;
    while is_open || !tasks.is_empty() {
        monitor.cancel.check()?;
        tokio::select! {
            body = bodies.recv(), if is_open && tasks.len() < uplink.max_parallel() => match body {
                Some((chunk, plain_bytes)) => {
                    let request = uplink.put(chunk);
                    tasks.spawn(async move { request.await.map(|()| plain_bytes) });
                }
                None => is_open = false,
            },
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                let bytes = ended.map_err(|_| Error::Cancelled)??;
                monitor.emit(Event::Advanced { phase: Phase::Upload, bytes });
            }
            () = tokio::time::sleep(TICK) => {}
        }
    }
    Ok(())
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

fn quiet(monitor: &Monitor) -> Monitor {
    Monitor { observer: std::sync::Arc::new(Warnings(monitor.observer.clone())), ..monitor.clone() }
}
