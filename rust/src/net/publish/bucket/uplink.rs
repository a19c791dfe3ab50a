//! Uploads chunks: reads and compresses them on all cores, and sends them in parallel requests.
//!
//! ```text
//! tree or store --obtain: verify, compress, several threads--> queue --one thread, many requests--> uplink
//! ```

use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::chunk::CompressedChunk;
use crate::local::acquire::{self, DigestChoice};
use crate::local::sources::{Sources, WantedChunk};
use crate::net::publish::upload::{Body, Press, QUEUE, TICK, quiet};

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
