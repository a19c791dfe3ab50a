//! The pipeline: one thread reads blocks, the others cut, hash and store the block before.
//!
//! ```text
//! Stream --fill--> block --> Cutter --> chunks --> id, then whatever the caller does with each
//!    ^---------- emptied blocks ----------'           in parallel
//! ```
//!
//! Two blocks exist, and no more, however long the stream is.

use std::path::Path;

use crossbeam_channel::{Receiver, Sender};
use rayon::prelude::*;

use super::cut::{self, Cutter};
use super::stream::Stream;
use crate::archive::Layout;
use crate::chunk::{ChunkId, DigestAlgorithm};
use crate::chunker::Chunker;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::index::{FeatureFlags, Index};

/// Bytes read at once.
const BLOCK_BYTES: usize = 4 << 20;

/// Blocks in memory: one is filled while the other is worked on.
const BLOCKS: usize = 2;

/// What is to be done.
pub(super) struct Job<'a> {
    pub(super) root: &'a Path,
    pub(super) layout: &'a Layout,
    pub(super) chunker: &'a Chunker,
    pub(super) flags: FeatureFlags,
    pub(super) forced_cuts: bool,
    pub(super) phase: Phase,
}

/// Takes each chunk, from several threads at once.
pub(super) type Take<'a> = &'a (dyn Fn(ChunkId, &[u8]) -> Result<()> + Sync);

/// A block, with room before it for what the block before left uncut.
struct Block {
    bytes: Vec<u8>,
    room: usize,
    filled: usize,
}

/// Cuts the stream and gives each chunk to `take`; the index of it all.
pub(super) fn run(job: &Job<'_>, take: Take<'_>, monitor: &Monitor) -> Result<Index> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(monitor.threads.max(1)).build();
    let pool = pool.map_err(|e| Error::Unsupported { what: format!("threads: {e}") })?;
    let (full, blocks) = crossbeam_channel::bounded(BLOCKS);
    let (free, emptied) = crossbeam_channel::bounded(BLOCKS);
    let room = usize::try_from(job.chunker.sizes().max()).unwrap_or(0);
    let total_bytes = job.layout.stream_bytes();
    let size = room + usize::try_from(total_bytes).map_or(BLOCK_BYTES, |total| total.min(BLOCK_BYTES));
    for _ in 0..BLOCKS {
        let _ = free.send(Block { bytes: vec![0; size], room, filled: 0 });
    }
    monitor.emit(Event::Started { phase: job.phase, total_bytes });
    let index = std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Err(error) = read(job, &full, &emptied) {
                let _ = full.send(Err(error));
            }
        });
        pool.install(|| work(job, &blocks, free, take, monitor))
    })?;
    monitor.emit(Event::Finished { phase: job.phase });
    Ok(index)
}

/// Reads until the stream ends, or nobody wants more of it.
fn read(job: &Job<'_>, full: &Sender<Result<Block>>, emptied: &Receiver<Block>) -> Result<()> {
    let mut stream = Stream::new(job.root, job.layout);
    let mut left = job.layout.stream_bytes();
    while left > 0 {
        let Ok(mut block) = emptied.recv() else { return Ok(()) };
        block.filled = stream.fill(&mut block.bytes[block.room..])?;
        left -= block.filled as u64;
        if full.send(Ok(block)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "its end tells the reader that nobody wants more")]
fn work(
    job: &Job<'_>,
    blocks: &Receiver<Result<Block>>,
    free: Sender<Block>,
    take: Take<'_>,
    monitor: &Monitor,
) -> Result<Index> {
    let forced = cut::forced(job.layout).take_while(|_| job.forced_cuts);
    let mut cutter = Cutter::new(job.chunker, forced);
    let mut index = Index::new(job.flags, job.chunker.sizes());
    let mut carried: Vec<u8> = Vec::new();
    let mut left = job.layout.stream_bytes();
    let ids = Ids::new(job);
    while left > 0 {
        // The reader sends every block of the stream, or an error.
        let mut block = blocks.recv().map_err(|_| Error::Cancelled)??;
        monitor.cancel.check()?;
        left -= block.filled as u64;
        let start = block.room - carried.len();
        block.bytes[start..block.room].copy_from_slice(&carried);
        let data = &block.bytes[start..block.room + block.filled];
        let chunks = cutter.cut(data, carried.len(), left == 0);
        let named: Result<Vec<(ChunkId, u64)>> = chunks
            .par_iter()
            .with_max_len(1)
            .map(|range| {
                let plain = &data[range.clone()];
                let id = ids.of(plain);
                take(id, plain)?;
                Ok((id, plain.len() as u64))
            })
            .collect();
        for (id, size) in named? {
            index.push(id, size)?;
        }
        let done = chunks.last().map_or(0, |last| last.end);
        carried.clear();
        carried.extend_from_slice(&data[done..]);
        monitor.emit(Event::Advanced { phase: job.phase, bytes: block.filled as u64 });
        let _ = free.send(block);
    }
    Ok(index)
}

/// Names chunks. Runs of zeros are long in some files, and all their chunks but the last are one.
struct Ids {
    digest: DigestAlgorithm,
    zeros: Vec<u8>,
    of_zeros: ChunkId,
}

impl Ids {
    fn new(job: &Job<'_>) -> Self {
        let digest = job.flags.digest();
        let zeros = vec![0; usize::try_from(job.chunker.sizes().max()).unwrap_or(0)];
        Self { digest, of_zeros: digest.id_of(&zeros), zeros }
    }

    fn of(&self, plain: &[u8]) -> ChunkId {
        if plain == self.zeros { self.of_zeros } else { self.digest.id_of(plain) }
    }
}
