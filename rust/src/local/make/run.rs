//! The pipeline: while one block is read, the previous one is cut, and the one before that is hashed and stored.
//!
//! ```text
//! Stream --fill--> block --> Cutter --> chunks --> ids, then the caller's function for each
//!    ^---------------- emptied blocks ---------------'
//! ```
//!
//! Cutting and hashing share the threads of one pool, so neither waits for the other's last chunk. The loop over the
//! blocks runs in the same pool, so no block waits for a thread to wake up. There are only three blocks, however long
//! the stream is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::cut::{self, Cut, Cutter};
use super::hint::Hint;
use super::stream::Stream;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::Layout;
use crate::formats::chunk::{ChunkId, DigestAlgorithm};
use crate::formats::chunker::Chunker;
use crate::formats::index::{FeatureFlags, Index};

/// Bytes read at once.
const BLOCK_BYTES: usize = 2 << 20;

/// Blocks in memory.
const BLOCKS: usize = 3;

/// How long a thread waits for a block before it looks for other work.
const IDLE: Duration = Duration::from_millis(1);

/// The input of one run.
pub(super) struct BlockJob<'a> {
    pub(super) root: &'a Path,
    pub(super) layout: &'a Layout,
    pub(super) chunker: &'a Chunker,
    pub(super) flags: FeatureFlags,
    pub(super) forced_cuts: bool,
    /// The index of a previous make, which may predict the cuts.
    pub(super) hint: Option<&'a Index>,
    pub(super) phase: Phase,
    /// Whether to compute the SHA-256 of each file, too.
    pub(super) hashes_files: bool,
}

/// What a run found out.
pub(super) struct Outcome {
    pub(super) index: Index,
    /// For each node of the layout, the SHA-256 of a file. Empty unless they were to be computed.
    pub(super) digests: Vec<Option<Digest>>,
}

/// Receives each chunk with its position in the stream, from several threads at once.
pub type Take<'a> = &'a (dyn Fn(u64, ChunkId, &[u8]) -> Result<()> + Sync);

/// A block, with room before it for the uncut bytes of the previous block.
struct Block {
    bytes: Vec<u8>,
    room: usize,
    filled: usize,
}

/// Cuts the stream, and passes each chunk to `take`.
pub(super) fn run(job: &BlockJob<'_>, take: Take<'_>, monitor: &Monitor) -> Result<Outcome> {
    let pool = monitor.pool()?;
    let (full, blocks) = crossbeam_channel::bounded(BLOCKS);
    let (free, emptied) = crossbeam_channel::bounded(BLOCKS);
    let room = usize::try_from(job.chunker.sizes().max()).unwrap_or(0);
    let total_bytes = job.layout.stream_bytes();
    let size = room + usize::try_from(total_bytes).map_or(BLOCK_BYTES, |total| total.min(BLOCK_BYTES));
    for _ in 0..BLOCKS {
        let _ = free.send(Block { bytes: vec![0; size], room, filled: 0 });
    }
    monitor.emit(Event::Started { phase: job.phase, total_bytes });
    let outcome = std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            read(job, &full, &emptied).unwrap_or_else(|error| {
                let _ = full.send(Err(error));
                Vec::new()
            })
        });
        let index = work(job, &pool, &blocks, free, take, monitor);
        let digests = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, Error>(Outcome { index: index?, digests })
    })?;
    monitor.emit(Event::Finished { phase: job.phase });
    Ok(outcome)
}

/// Reads until the stream ends or the receiver is gone. Returns the digests of the files, if they are to be computed.
fn read(job: &BlockJob<'_>, full: &Sender<Result<Block>>, emptied: &Receiver<Block>) -> Result<Vec<Option<Digest>>> {
    let mut stream = Stream::new(job.root, job.layout, job.hashes_files);
    let mut left = job.layout.stream_bytes();
    while left > 0 {
        let Ok(mut block) = emptied.recv() else { return Ok(Vec::new()) };
        block.filled = stream.fill(&mut block.bytes[block.room..])?;
        left -= block.filled as u64;
        if full.send(Ok(block)).is_err() {
            return Ok(Vec::new());
        }
    }
    Ok(stream.into_digests())
}

fn work(
    job: &BlockJob<'_>,
    pool: &ThreadPool,
    blocks: &Receiver<Result<Block>>,
    free: Sender<Block>,
    take: Take<'_>,
    monitor: &Monitor,
) -> Result<Index> {
    let hashing = Hashing { ids: Ids::new(job.flags.digest(), job.chunker), take, done: Mutex::default() };
    let mut index = Index::new(job.flags, job.chunker.sizes());
    // The oldest block first: what is sent while it is cut then leaves nearly in the order of the stream.
    pool.scope_fifo(|scope| {
        let forced = cut::forced(job.layout).take_while(|_| job.forced_cuts);
        let hint = job.hint.filter(|_| job.forced_cuts);
        let hint = hint.and_then(|index| Hint::new(index, job.chunker, job.flags, &hashing.ids));
        let mut cutter = Cutter::new(job.chunker, forced, hint);
        let mut carried: Vec<u8> = Vec::new();
        let (mut left, mut position) = (job.layout.stream_bytes(), 0);
        for number in 0_u64.. {
            hashing.drain_into(&mut index)?;
            if left == 0 {
                break;
            }
            // The reader sends every block of the stream, or an error.
            let mut block = next(blocks)??;
            monitor.cancel.check()?;
            left -= block.filled as u64;
            let start = block.room - carried.len();
            block.bytes[start..block.room].copy_from_slice(&carried);
            let data = &block.bytes[start..block.room + block.filled];
            let chunks = cutter.cut(data, left == 0);
            let done = chunks.last().map_or(0, |last| last.range.end);
            carried.clear();
            carried.extend_from_slice(&data[done..]);
            let (hashing, free) = (&hashing, free.clone());
            let from = position;
            position += done as u64;
            scope.spawn_fifo(move |_| {
                hashing.block((number, from), &block.bytes[start..], &chunks);
                monitor.emit(Event::Advanced { phase: job.phase, bytes: block.filled as u64 });
                let _ = free.send(block);
            });
        }
        Ok(())
    })?;
    // The reader ends once it gets no more emptied blocks.
    drop(free);
    hashing.drain_into(&mut index)?;
    Ok(index)
}

/// Waits for a block, and meanwhile works on the previous ones, which the reader may be waiting for.
fn next(blocks: &Receiver<Result<Block>>) -> Result<Result<Block>> {
    loop {
        match blocks.try_recv() {
            Ok(block) => return Ok(block),
            Err(TryRecvError::Disconnected) => return Err(Error::Cancelled),
            Err(TryRecvError::Empty) => {}
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            match blocks.recv_timeout(IDLE) {
                Ok(block) => return Ok(block),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Chunks with their ids, in stream order.
type Named = Vec<(ChunkId, u64)>;

/// State shared by the hashing threads.
struct Hashing<'a> {
    ids: Ids,
    take: Take<'a>,
    done: Mutex<Done>,
}

/// Finished blocks that wait for earlier ones, and the number of blocks already moved to the index.
#[derive(Default)]
struct Done {
    blocks: BTreeMap<u64, Result<Named>>,
    drained: u64,
}

impl Hashing<'_> {
    /// Hashes the chunks of a block. `position` is where `data` begins in the stream.
    fn block(&self, (number, position): (u64, u64), data: &[u8], chunks: &[Cut]) {
        let name = |cut: &Cut| {
            let plain = &data[cut.range.clone()];
            let id = cut.id.unwrap_or_else(|| self.ids.of(plain));
            (self.take)(position + cut.range.start as u64, id, plain)?;
            Ok((id, plain.len() as u64))
        };
        let named = chunks.par_iter().with_max_len(1).map(name).collect();
        self.done.lock().unwrap_or_else(PoisonError::into_inner).blocks.insert(number, named);
    }

    /// Moves finished blocks to the index, in order.
    fn drain_into(&self, index: &mut Index) -> Result<()> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = done.drained;
            let Some(named) = done.blocks.remove(&next) else { return Ok(()) };
            done.drained += 1;
            for (id, size) in named? {
                index.push(id, size)?;
            }
        }
    }
}

/// Computes ids. Some files have long runs of zeros whose chunks are all the same except the last.
pub(super) struct Ids {
    digest: DigestAlgorithm,
    zeros: Vec<u8>,
    of_zeros: ChunkId,
}

impl Ids {
    pub(super) fn new(digest: DigestAlgorithm, chunker: &Chunker) -> Self {
        let zeros = vec![0; usize::try_from(chunker.sizes().max()).unwrap_or(0)];
        Self { digest, of_zeros: digest.id_of(&zeros), zeros }
    }

    pub(super) fn of(&self, plain: &[u8]) -> ChunkId {
        if plain == self.zeros { self.of_zeros } else { self.digest.id_of(plain) }
    }
}
