//! Chunks on their way to a server, while the tree is still being cut.
//!
//! ```text
//! cut --Press: compress, several threads--> queue --> groups --ask which are missing--> batches, several at once
//! ```
//!
//! A server that takes no batches gets the chunks one by one. Sending a chunk again does no harm, so whatever fails can be
//! repeated. With each question, a server that can use it is told where in the tree the chunks belong.

use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinSet;

use super::client::{Route, put};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::chunk::{ChunkId, CompressedChunk};
use crate::net::api::{
    BatchReply, ChunkPosition, MAX_BATCH_CHUNKS, MAX_MISSING_IDS, MissingReply, MissingRequest, batch,
};
use crate::net::publish::upload::{Body, Press, QUEUE, TICK};

/// Stored bytes of the chunks that are asked for and sent together.
const GROUP_BYTES: usize = 2 << 20;

/// Most chunks of a group.
const GROUP_CHUNKS: usize = 512;

/// Most groups on their way. A server answers in a few milliseconds, a distant one in about 100 ms.
const PARALLEL: usize = 4;

/// Most chunks of a group on their way, if they are sent one by one.
const PARALLEL_PUTS: usize = 6;

/// Where chunks belong in the archive of the tree, in bytes.
pub(super) type Positions = Mutex<Vec<(u64, ChunkId)>>;

/// How chunks of one publication are sent.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) route: Route,
    /// Largest batch that the server accepts, in bytes; `None` if it accepts none.
    pub(super) max_batch_bytes: Option<u64>,
    /// Whether to ask first which chunks are missing.
    pub(super) asks: bool,
    /// Where chunks belong, until the server is told; `None` if it does not want to know.
    pub(super) positions: Option<Arc<Positions>>,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sent {
    /// Chunks that were missing.
    pub(super) count: u64,
    /// Their stored bytes.
    pub(super) bytes: u64,
    /// Stored bytes of all chunks that were handed over.
    pub(super) offered_bytes: u64,
}

impl Delivery {
    /// Notes that the tree has this chunk at this position of its archive.
    pub(super) fn will_need(&self, position: u64, id: ChunkId) {
        if let Some(positions) = &self.positions {
            positions.lock().unwrap_or_else(PoisonError::into_inner).push((position, id));
        }
    }

    /// Positions that the server has not been told yet: as many as one request may have.
    fn untold(&self) -> Vec<ChunkPosition> {
        let Some(positions) = &self.positions else { return Vec::new() };
        let mut positions = positions.lock().unwrap_or_else(PoisonError::into_inner);
        let told = positions.len().min(MAX_MISSING_IDS);
        positions.drain(..told).map(|(position, id)| ChunkPosition { position, id: id.to_string() }).collect()
    }

    /// Lets `produce` hand over chunks, and sends them meanwhile. `advances`: whether sending is what the monitor shows.
    pub(super) fn run<T>(
        &self,
        (level, advances): (i32, bool),
        monitor: &Monitor,
        produce: impl FnOnce(&Press) -> Result<T>,
    ) -> Result<(T, Sent)> {
        let (queue, bodies) = channel(QUEUE);
        let press = Press::new(level, Some(queue));
        let (sent, produced) = std::thread::scope(|scope| {
            let sending = scope.spawn(|| self.route.block_on(self.drain(bodies, advances, monitor)));
            let produced = produce(&press);
            let offered_bytes = press.finish();
            let sent = sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (sent.map(|sent| Sent { offered_bytes, ..sent }), produced)
        });
        // If sending fails, producing fails, too; the error of sending is the cause.
        let sent = sent?;
        Ok((produced?, sent))
    }

    /// Sends all chunks from the queue until it is closed.
    async fn drain(&self, mut bodies: Receiver<Body>, advances: bool, monitor: &Monitor) -> Result<Sent> {
        let mut tasks: JoinSet<Result<(Sent, u64)>> = JoinSet::new();
        let (mut group, mut group_bytes, mut plain_bytes) = (Vec::new(), 0, 0);
        let mut all = Sent::default();
        let mut is_open = true;
        while is_open || !group.is_empty() || !tasks.is_empty() {
            monitor.cancel.check()?;
            let is_full = group_bytes >= GROUP_BYTES || group.len() >= GROUP_CHUNKS;
            if (is_full || !is_open) && !group.is_empty() && tasks.len() < PARALLEL {
                let (delivery, chunks, plain_bytes) = (self.clone(), take(&mut group), take(&mut plain_bytes));
                group_bytes = 0;
                tasks.spawn(async move { Ok((delivery.send(chunks).await?, plain_bytes)) });
                continue;
            }
            tokio::select! {
                body = bodies.recv(), if is_open && !is_full => match body {
                    Some((chunk, bytes)) => {
                        group_bytes += chunk.as_bytes().len();
                        plain_bytes += bytes;
                        group.push(chunk);
                    }
                    None => is_open = false,
                },
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                    let (sent, bytes) = ended.map_err(|_| Error::Cancelled)??;
                    all.count += sent.count;
                    all.bytes += sent.bytes;
                    if advances {
                        monitor.emit(Event::Advanced { phase: Phase::Upload, bytes });
                    }
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
        loop {
            let positions = self.untold();
            if positions.is_empty() {
                return Ok(all);
            }
            monitor.cancel.check()?;
            self.ask(MissingRequest { ids: Vec::new(), positions }).await?;
        }
    }

    /// Sends those of these chunks that the server lacks.
    async fn send(&self, mut chunks: Vec<CompressedChunk>) -> Result<Sent> {
        if self.asks {
            let missing = self.missing(&chunks).await?;
            chunks.retain(|chunk| missing.contains(&chunk.id().to_string()));
        }
        let bytes = chunks.iter().map(|chunk| chunk.as_bytes().len() as u64).sum();
        let sent = Sent { count: chunks.len() as u64, bytes, offered_bytes: 0 };
        match self.max_batch_bytes {
            Some(max) => self.send_batches(chunks, usize::try_from(max).unwrap_or(usize::MAX)).await?,
            None => self.send_alone(chunks).await?,
        }
        Ok(sent)
    }

    async fn missing(&self, chunks: &[CompressedChunk]) -> Result<std::collections::HashSet<String>> {
        let ids = chunks.iter().map(|chunk| chunk.id().to_string()).collect();
        let reply = self.ask(MissingRequest { ids, positions: self.untold() }).await?;
        Ok(reply.missing.into_iter().collect())
    }

    async fn ask(&self, request: MissingRequest) -> Result<MissingReply> {
        let broken = |e: serde_json::Error| Error::unsupported("this request").caused_by(e);
        let body = serde_json::to_vec(&request).map_err(broken)?;
        self.route.post("missing", "application/json", body.into()).await
    }

    async fn send_batches(&self, chunks: Vec<CompressedChunk>, max_bytes: usize) -> Result<()> {
        let (mut body, mut count) = (Vec::new(), 0);
        for chunk in chunks {
            let length = batch::HEAD_BYTES + chunk.as_bytes().len();
            if count > 0 && (body.len() + length > max_bytes || count >= MAX_BATCH_CHUNKS) {
                count = 0;
                self.send_batch(take(&mut body).into()).await?;
            }
            count += 1;
            batch::append(&mut body, &chunk)?;
        }
        if count > 0 { self.send_batch(body.into()).await } else { Ok(()) }
    }

    async fn send_batch(&self, body: Bytes) -> Result<()> {
        let _: BatchReply = self.route.post("chunks", "application/octet-stream", body).await?;
        Ok(())
    }

    async fn send_alone(&self, chunks: Vec<CompressedChunk>) -> Result<()> {
        let puts = stream::iter(chunks).map(|chunk| {
            let (client, url) = (self.route.client.clone(), self.route.store_url(&chunk.id()));
            async move { put(&client, url, chunk.into_bytes().into()).await }
        });
        puts.buffer_unordered(PARALLEL_PUTS).try_collect().await
    }
}
