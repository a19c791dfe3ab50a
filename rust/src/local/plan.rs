//! Decides what an extract must do, and does none of it.
//!
//! In: the wanted index and layout, what is installed now (if we installed it), what an earlier run left in
//! staging, and which chunks are at hand. Out: a [`Plan`], plain data. [`assemble`](crate::local::assemble) carries
//! it out; `--dry-run` prints its [`Summary`]. Both see the same numbers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::formats::archive::{Layout, NodeKind, Segment};
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::local::receipt::Receipt;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::spool::Spool;

mod keep;
mod staged;

pub use staged::Staged;

/// A file that the installed tree already has, to be taken over unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The file in the new layout.
    pub node: usize,
    /// The same content in the installed tree.
    pub from: PathBuf,
    /// How it gets there.
    pub how: Takeover,
}

/// How a file of the installed tree gets into the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// As cheaply as the disk can: both trees may share one inode.
    Share,
    /// With an inode of its own: a game may write into it.
    Copy,
    /// The same, and its mode is set anew.
    CopyWithMode,
}

/// Where a part of a chunk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WritePlace {
    /// Position in [`Plan::files`].
    pub file: u32,
    /// Where in the file, in bytes.
    pub file_offset: u64,
    /// Which part of the chunk.
    pub chunk_offset: u32,
    /// How many bytes.
    pub len: u32,
}

/// A chunk and all its places: decoded once, written to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkJob {
    /// The chunk.
    pub want: WantedChunk,
    /// Its first place in [`Plan::places`].
    pub first: u32,
    /// How many places it has.
    pub count: u32,
}

/// What an extract will do, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Chunks in the index, repeats counted.
    pub index_chunks: u64,
    /// Distinct chunks to get from stores, each once; those that reading the layout took are counted.
    pub fetch_chunks: u64,
    /// Their plain size: an upper bound of what will be received.
    pub fetch_plain_bytes: u64,
    /// Requests to other machines: the chunks that no local store has.
    pub requests: u64,
    /// What they will come to on the line, in bytes, as far as that can be said before; 0 if it cannot.
    pub fetch_bytes: u64,
    /// Plain bytes of chunks that the seeds give.
    pub seed_bytes: u64,
    /// Bytes of file content to write.
    pub write_bytes: u64,
    /// Files taken over from the installed tree without reading or writing them.
    pub kept_files: u64,
    /// Their size in bytes.
    pub kept_bytes: u64,
    /// Files written, in whole or in part.
    pub written_files: u64,
    /// Files of the installed tree that the new one does not have.
    pub removed_files: u64,
    /// Bytes found verified in staging, from a run that was cut short.
    pub resumed_bytes: u64,
    /// Room needed on the disk, in bytes, on top of what is installed.
    pub disk_bytes: u64,
}

/// What stands between what is on disk and the wanted tree.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files to take over.
    pub keep: Vec<Keep>,
    /// Files (positions in the layout's nodes) to write.
    pub files: Vec<usize>,
    /// Chunks to get, in stream order of their first place.
    pub chunks: Vec<ChunkJob>,
    /// All places of all chunks, those of one chunk side by side.
    pub places: Vec<WritePlace>,
    /// The user's files in the installed tree, to carry over: paths relative to it.
    pub carry: Vec<PathBuf>,
    /// The same in numbers.
    pub summary: Summary,
}

impl Plan {
    /// The size of the files that are taken over with an inode of their own.
    pub(crate) fn copied_bytes(&self, layout: &Layout) -> u64 {
        let copied = self.keep.iter().filter(|keep| keep.how != Takeover::Share);
        copied.map(|keep| layout.nodes()[keep.node].payload_bytes()).sum()
    }
}

/// The tree that is installed at the destination now.
#[derive(Debug)]
pub struct Installed<'a> {
    /// Where.
    pub root: &'a Path,
    /// What it is.
    pub receipt: &'a Receipt,
}

/// What a plan is made from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The wanted stream.
    pub index: &'a Index,
    /// The wanted tree.
    pub layout: &'a Layout,
    /// What we installed before, if we did.
    pub installed: Option<Installed<'a>>,
    /// What an earlier run left.
    pub staged: &'a Staged,
    /// What can give chunks.
    pub sources: &'a Sources,
    /// Chunks of the wanted stream that were read already.
    pub spool: &'a Spool,
}

/// Makes the plan. Reads no file but the ends of those that may be unchanged.
pub fn plan(inputs: &Inputs<'_>, monitor: &Monitor) -> Result<Plan> {
    let keep = match &inputs.installed {
        Some(installed) => keep::unchanged(inputs, installed, monitor)?,
        None => Vec::new(),
    };
    monitor.cancel.check()?;
    with_kept(inputs, keep)
}

/// Makes the plan for a caller who knows which files are the same: from their digests, say. Reads no file.
pub fn with_kept(inputs: &Inputs<'_>, keep: Vec<Keep>) -> Result<Plan> {
    let mut plan = Plan { keep, ..Plan::default() };
    let slots = assign_files(inputs.layout, &mut plan);
    collect_chunks(inputs, &slots, &mut plan)?;
    summarise(inputs, &mut plan);
    Ok(plan)
}

/// Numbers the files that have to be written. Gives for each node its number.
fn assign_files(layout: &Layout, plan: &mut Plan) -> Vec<Option<u32>> {
    let mut slots = vec![None; layout.nodes().len()];
    let mut kept = vec![false; layout.nodes().len()];
    for keep in &plan.keep {
        kept[keep.node] = true;
    }
    for (node, slot) in slots.iter_mut().enumerate() {
        if matches!(layout.nodes()[node].kind, NodeKind::File { .. }) && !kept[node] {
            *slot = u32::try_from(plan.files.len()).ok();
            plan.files.push(node);
        }
    }
    slots
}

/// Sorts the bytes of all files to write by the chunk that gives them.
fn collect_chunks(inputs: &Inputs<'_>, slots: &[Option<u32>], plan: &mut Plan) -> Result<()> {
    let zeros = ZeroChunk::of(inputs.index);
    let mut jobs: HashMap<ChunkId, u32> = HashMap::new();
    let mut found: Vec<(u32, WritePlace)> = Vec::new();
    for (position, chunk) in inputs.index.iter().enumerate() {
        if inputs.staged.is_done(position) || zeros.is(chunk.id, chunk.size()) {
            continue;
        }
        let mut job = None;
        let mut chunk_offset = 0_u64;
        for segment in inputs.layout.segments(chunk.range()) {
            let size = segment.size();
            if let Segment::Payload { node, offset, .. } = segment
                && let Some(file) = slots[node]
            {
                let job = match job {
                    Some(job) => job,
                    None => *job.insert(job_of(&mut jobs, plan, WantedChunk { id: chunk.id, size: chunk.size() })?),
                };
                // Both are parts of one chunk, so far below 2^32.
                let (at, len) = (u32::try_from(chunk_offset).unwrap_or(0), u32::try_from(size).unwrap_or(0));
                found.push((job, WritePlace { file, file_offset: offset, chunk_offset: at, len }));
            }
            chunk_offset += size;
        }
    }
    found.sort_by_key(|(job, _)| *job);
    for (job, place) in &found {
        let job = &mut plan.chunks[*job as usize];
        if job.count == 0 {
            job.first = u32::try_from(plan.places.len()).unwrap_or(u32::MAX);
        }
        job.count += 1;
        plan.places.push(*place);
    }
    Ok(())
}

fn job_of(jobs: &mut HashMap<ChunkId, u32>, plan: &mut Plan, want: WantedChunk) -> Result<u32> {
    let next = u32::try_from(plan.chunks.len()).unwrap_or(u32::MAX);
    let job = *jobs.entry(want.id).or_insert(next);
    if job == next {
        plan.chunks.push(ChunkJob { want, first: 0, count: 0 });
    } else if plan.chunks[job as usize].want.size != want.size {
        let reason =
            format!("chunk {} has two sizes: {} and {}", want.id, plan.chunks[job as usize].want.size, want.size);
        return Err(Error::Malformed { format: Format::Index, offset: 0, reason });
    }
    Ok(job)
}

/// Knows the chunk of zeros of the maximum size, which a long run of zeros is cut into. A new file reads
/// as zeros already, so it is neither fetched nor written.
struct ZeroChunk {
    id: ChunkId,
    size: u64,
}

impl ZeroChunk {
    fn of(index: &Index) -> Self {
        let size = index.sizes().max();
        // At most `limits::MAX_CHUNK_BYTES`, which `ChunkSizes` sees to.
        let zeros = vec![0; usize::try_from(size).unwrap_or(0)];
        Self { id: index.digest().id_of(&zeros), size }
    }

    fn is(&self, id: ChunkId, size: u64) -> bool {
        size == self.size && id == self.id
    }
}

fn summarise(inputs: &Inputs<'_>, plan: &mut Plan) {
    let nodes = inputs.layout.nodes();
    let mut summary = Summary {
        index_chunks: inputs.index.len() as u64,
        kept_files: plan.keep.len() as u64,
        kept_bytes: plan.keep.iter().map(|keep| nodes[keep.node].payload_bytes()).sum(),
        written_files: plan.files.len() as u64,
        write_bytes: plan.places.iter().map(|place| u64::from(place.len)).sum(),
        resumed_bytes: inputs.staged.done_bytes(inputs.index),
        ..Summary::default()
    };
    for job in &plan.chunks {
        let want = job.want;
        if inputs.spool.has(&want.id) {
            continue;
        }
        if inputs.sources.seeds.iter().any(|seed| seed.has(&want.id)) {
            summary.seed_bytes += want.size;
        } else {
            summary.fetch_chunks += 1;
            summary.fetch_plain_bytes += want.size;
            summary.requests += u64::from(!inputs.sources.has_locally(&want.id));
        }
    }
    if let Some(installed) = &inputs.installed {
        let files = |layout: &Layout| {
            let paths = layout.nodes().iter().filter(|node| matches!(node.kind, NodeKind::File { .. }));
            paths.map(|node| node.path.clone()).collect::<std::collections::HashSet<_>>()
        };
        summary.removed_files = files(&installed.receipt.layout).difference(&files(inputs.layout)).count() as u64;
    }
    // Holes of sparse files and what is staged already take no room; copies take none where the disk can clone.
    summary.disk_bytes = summary.write_bytes + plan.copied_bytes(inputs.layout);
    plan.summary = summary;
}
