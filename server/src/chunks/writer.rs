//! Writes uploads into the database in groups: those that arrive while one transaction runs go into the next one
//! together.
//!
//! Uploads are never delayed to gather more of them: a single one is written at once. Each is answered separately,
//! after the commit.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{PutOutcome, deleting};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::NewChunk;

/// Most chunks in one transaction, and the bytes after which no more are added. With the largest chunk on top of that, a
/// transaction has less than 2 MiB.
const MAX_CHUNKS: usize = 64;
const MAX_BYTES: usize = 768 << 10;

#[derive(Debug)]
pub(super) struct Writer {
    pending: mpsc::Sender<PendingChunk>,
}

#[derive(Debug)]
struct PendingChunk {
    chunk: NewChunk,
    bytes: Bytes,
    done: oneshot::Sender<Result<PutOutcome>>,
}

impl Writer {
    /// Starts the task, which ends when the writer is dropped, after finishing what it has begun.
    pub(super) fn start(db: Arc<dyn Db>) -> Self {
        let (pending, waiting) = mpsc::channel(MAX_CHUNKS);
        tokio::spawn(write(db, waiting));
        Self { pending }
    }

    pub(super) async fn put(&self, chunk: NewChunk, bytes: Bytes) -> Result<PutOutcome> {
        let ended = || Error::internal("the task that writes chunks has ended");
        let (done, outcome) = oneshot::channel();
        let one = PendingChunk { chunk, bytes, done };
        self.pending.send(one).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

async fn write(db: Arc<dyn Db>, mut waiting: mpsc::Receiver<PendingChunk>) {
    while let Some(first) = waiting.recv().await {
        let mut bytes = first.bytes.len();
        let mut group = vec![first];
        while group.len() < MAX_CHUNKS && bytes < MAX_BYTES {
            let Ok(next) = waiting.try_recv() else { break };
            bytes += next.bytes.len();
            group.push(next);
        }
        write_group(db.as_ref(), group).await;
    }
}

/// Writes the first upload of each id together, and second uploads of an id separately. If the group cannot be written,
/// all are written separately, so that only the culprit fails.
async fn write_group(db: &dyn Db, group: Vec<PendingChunk>) {
    let mut seen = HashSet::new();
    let (mut firsts, mut alone): (Vec<_>, Vec<_>) = group.into_iter().partition(|one| seen.insert(one.chunk.id));
    if firsts.len() > 1 {
        let rows: Vec<_> = firsts.iter().map(|one| (one.chunk.clone(), Some(one.bytes.clone()))).collect();
        if let Ok(put) = db.put_chunks(&rows).await {
            for (one, put) in firsts.drain(..).zip(put) {
                // Fails only if the client has gone away.
                let _ = one.done.send(outcome(put));
            }
        }
    }
    firsts.append(&mut alone);
    for one in firsts {
        let put = db.put_chunk(&one.chunk, Some(one.bytes)).await;
        let _ = one.done.send(put.and_then(outcome));
    }
}

fn outcome(put: Option<bool>) -> Result<PutOutcome> {
    match put {
        Some(true) => Ok(PutOutcome::New),
        Some(false) => Ok(PutOutcome::There),
        None => Err(deleting()),
    }
}
