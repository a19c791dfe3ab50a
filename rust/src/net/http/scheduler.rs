//! Fetches many chunks from ordered mirrors, with as many parallel requests as are worthwhile.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::concurrency::Concurrency;
use super::mirrors::Mirrors;
use super::store::HttpStore;
use crate::error::{Error, Result};
use crate::event::{Cancel, Event, Observer};
use crate::formats::chunk::{ChunkId, CompressedChunk};

mod one;

/// Most bytes of all bodies in flight together: 128 chunks of 256 KiB and their overhead.
const MAX_BYTES_IN_FLIGHT: u64 = 40 << 20;

/// Requests that may be in flight regardless of the size of their chunks.
const MIN_IN_FLIGHT: usize = 4;

/// How often cancellation is checked and progress is reported.
const TICK: Duration = Duration::from_millis(50);

/// With a rate limit, requests cover no more than what arrives in this time: once a server has sent data, it cannot be
/// held back.
const RATE_AHEAD: Duration = Duration::from_millis(150);

/// Assumed size of a stored chunk, in bytes, until some have arrived.
const LIKELY_CHUNK_BYTES: u64 = 32 << 10;

/// A chunk that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRequest {
    /// The id of the chunk.
    pub id: ChunkId,
    /// Largest body that is accepted for it, in bytes.
    pub max_stored_bytes: u64,
}

/// Receives chunks as they arrive.
pub trait Deliver: Send + Sync + 'static {
    /// Decodes, verifies and places one chunk. [`Error::ChunkCorrupt`] makes the next mirror be asked;
    /// any other error stops everything. The future is dropped if something else stops the work. Keep heavy work off
    /// the async threads.
    fn deliver(&self, chunk: CompressedChunk, origin: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Statistics of one [`fetch_all`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchStats {
    /// Number of requests sent.
    pub requests: u64,
    /// Bytes of all bodies that were received completely.
    pub received_bytes: u64,
    /// Requests that repeated an earlier one to the same mirror.
    pub retries: u64,
    /// Largest number of chunks that were in flight at once.
    pub peak_in_flight: usize,
}

/// Gets all chunks and passes each to `deliver`, in no particular order.
///
/// Each chunk comes from the first store that works and returns it undamaged. The list's order is adjusted to how the
/// stores perform. Emits [`Event::Received`], and [`Event::Warned`] when a store goes down.
///
/// # Errors
/// The first one; by the time it is returned, all requests have ended. [`Error::ChunkMissing`]: no store has the chunk.
/// [`Error::ChunkCorrupt`], [`Error::Transport`]: no store returned it undamaged; the text lists what each answered.
/// [`Error::Cancelled`] within about 50 ms. Must run on a tokio runtime with time and I/O.
pub async fn fetch_all<D: Deliver>(
    stores: &[HttpStore],
    requests: Vec<ChunkRequest>,
    deliver: Arc<D>,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<FetchStats> {
    let Some(first) = stores.first() else {
        return Err(Error::invalid("stores", "there is no store to fetch from"));
    };
    let options = first.client().options();
    let shared = Arc::new(Shared {
        stores: stores.to_vec(),
        deliver,
        roster: Mutex::new(Mirrors::new(stores.len(), options.attempts)),
        flight: Mutex::new(Concurrency::new(options.max_in_flight, Instant::now())),
        waiting: AtomicUsize::new(0),
        requests: AtomicU64::new(0),
        received_bytes: AtomicU64::new(0),
        retries: AtomicU64::new(0),
        warnings: Mutex::default(),
    });
    let mut run = Run { shared, tasks: JoinSet::new(), bytes_in_flight: 0, peak: 0, delivered: 0, told_bytes: 0 };
    let outcome = run.drive(requests, cancel, observer).await;
    // Awaits the end of every task, so that none of them delivers anything after this function returns.
    run.tasks.shutdown().await;
    run.tell(observer);
    outcome.map(|()| run.stats())
}

/// State that the tasks of one [`fetch_all`] share.
struct Shared<D> {
    stores: Vec<HttpStore>,
    deliver: Arc<D>,
    roster: Mutex<Mirrors>,
    flight: Mutex<Concurrency>,
    /// Chunks that have not been requested yet.
    waiting: AtomicUsize,
    requests: AtomicU64,
    received_bytes: AtomicU64,
    retries: AtomicU64,
    warnings: Mutex<Vec<Event>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Run<D> {
    shared: Arc<Shared<D>>,
    tasks: JoinSet<(u64, Result<()>)>,
    bytes_in_flight: u64,
    peak: usize,
    delivered: u64,
    told_bytes: u64,
}

impl<D: Deliver> Run<D> {
    async fn drive(&mut self, requests: Vec<ChunkRequest>, cancel: &Cancel, observer: &dyn Observer) -> Result<()> {
        let mut queue = requests.into_iter().peekable();
        loop {
            cancel.check()?;
            while let Some(request) = queue.next_if(|request| self.has_room_for(request)) {
                self.start(request);
                self.shared.waiting.store(queue.len(), Ordering::Relaxed);
            }
            match timeout(TICK, self.tasks.join_next()).await {
                Ok(Some(ended)) => self.settle(ended)?,
                Ok(None) => return Ok(()),
                Err(_) => {}
            }
            while let Some(ended) = self.tasks.try_join_next() {
                self.settle(ended)?;
            }
            self.tell(observer);
        }
    }

    fn has_room_for(&self, request: &ChunkRequest) -> bool {
        let running = self.tasks.len();
        let limit = lock(&self.shared.flight).limit().min(self.rate_cap());
        let fits = self.bytes_in_flight.saturating_add(request.max_stored_bytes) <= MAX_BYTES_IN_FLIGHT;
        running < limit && (fits || running < MIN_IN_FLIGHT)
    }

    fn rate_cap(&self) -> usize {
        let rates = self.shared.stores.iter().map(|store| store.client().rate_limit());
        // If one store has no limit, it may be the one that answers.
        let Some(rate) = rates.reduce(|a, b| Some(a?.max(b?))).flatten() else { return usize::MAX };
        let received = self.shared.received_bytes.load(Ordering::Relaxed);
        let mean = received.checked_div(self.delivered).unwrap_or(LIKELY_CHUNK_BYTES).max(1);
        let ahead = u128::from(rate) * RATE_AHEAD.as_millis() / 1000 / u128::from(mean);
        usize::try_from(ahead).unwrap_or(usize::MAX).max(1)
    }

    fn start(&mut self, request: ChunkRequest) {
        let shared = Arc::clone(&self.shared);
        self.bytes_in_flight = self.bytes_in_flight.saturating_add(request.max_stored_bytes);
        self.tasks.spawn(async move { (request.max_stored_bytes, shared.fetch_one(request).await) });
        self.peak = self.peak.max(self.tasks.len());
    }

    fn settle(&mut self, ended: Result<(u64, Result<()>), JoinError>) -> Result<()> {
        let (weight, outcome) = match ended {
            Ok(ended) => ended,
            // A task ends without a value only if `deliver` panicked; the panic is passed on to the caller.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Err(Error::Cancelled),
            },
        };
        self.bytes_in_flight = self.bytes_in_flight.saturating_sub(weight);
        self.delivered += 1;
        outcome
    }

    fn tell(&mut self, observer: &dyn Observer) {
        for warning in std::mem::take(&mut *lock(&self.shared.warnings)) {
            observer.on_event(warning);
        }
        let received = self.shared.received_bytes.load(Ordering::Relaxed);
        if received > self.told_bytes {
            observer.on_event(Event::Received { bytes: received - self.told_bytes });
            self.told_bytes = received;
        }
    }

    fn stats(&self) -> FetchStats {
        FetchStats {
            requests: self.shared.requests.load(Ordering::Relaxed),
            received_bytes: self.shared.received_bytes.load(Ordering::Relaxed),
            retries: self.shared.retries.load(Ordering::Relaxed),
            peak_in_flight: self.peak,
        }
    }
}
