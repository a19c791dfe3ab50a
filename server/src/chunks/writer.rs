//! Uploads into the database, grouped: what waits while one transaction runs goes into the next one together.
//!
//! There is no delay to gather more: a lone upload is written at once. Everyone who waits is answered after the
//! commit, for themselves.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::{PutOutcome, deleting};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::NewChunk;

/// The most that goes into one transaction.
const MAX_CHUNKS: usize = 64;
const MAX_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    chunk: NewChunk,
    bytes: Bytes,
    done: oneshot::Sender<Result<PutOutcome>>,
}

impl Writer {
    /// Starts the task. It ends with the writer, after what was begun.
    pub(super) fn start(db: Arc<dyn Db>) -> Self {
        let (jobs, waiting) = mpsc::channel(MAX_CHUNKS);
        tokio::spawn(write(db, waiting));
        Self { jobs }
    }

    pub(super) async fn put(&self, chunk: NewChunk, bytes: Bytes) -> Result<PutOutcome> {
        let ended = || Error::Internal { context: "the writer of chunks has ended".to_owned() };
        let (done, outcome) = oneshot::channel();
        let job = Job { chunk, bytes, done };
        self.jobs.send(job).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

async fn write(db: Arc<dyn Db>, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.recv().await {
        let mut bytes = first.bytes.len();
        let mut group = vec![first];
        while group.len() < MAX_CHUNKS && bytes < MAX_BYTES {
            let Ok(job) = waiting.try_recv() else { break };
            bytes += job.bytes.len();
            group.push(job);
        }
        write_group(db.as_ref(), group).await;
    }
}

/// Writes the first of each id together, and everything else alone: a second upload of the same id, and each
/// one if they could not be written together, so that one that cannot be written fails alone.
async fn write_group(db: &dyn Db, group: Vec<Job>) {
    let mut seen = HashSet::new();
    let (mut firsts, mut alone): (Vec<_>, Vec<_>) = group.into_iter().partition(|job| seen.insert(job.chunk.id));
    if firsts.len() > 1 {
        let rows: Vec<_> = firsts.iter().map(|job| (job.chunk.clone(), Some(job.bytes.clone()))).collect();
        if let Ok(put) = db.put_chunks(&rows).await {
            for (job, put) in firsts.drain(..).zip(put) {
                // Who does not wait any more has gone away.
                let _ = job.done.send(outcome(put));
            }
        }
    }
    firsts.append(&mut alone);
    for job in firsts {
        let put = db.put_chunk(&job.chunk, Some(job.bytes)).await;
        let _ = job.done.send(put.and_then(outcome));
    }
}

fn outcome(put: Option<bool>) -> Result<PutOutcome> {
    match put {
        Some(true) => Ok(PutOutcome::New),
        Some(false) => Ok(PutOutcome::There),
        None => Err(deleting()),
    }
}
