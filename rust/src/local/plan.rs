//! Decides what an extract must do, without doing it.
//!
//! Input: the wanted index and layout, the installed tree (if we installed it), what an earlier run left in staging,
//! and the chunks at hand. Output: a [`Plan`], plain data. [`assemble`](crate::local::assemble) carries it out, and
//! `--dry-run` prints its [`Summary`], so both see the same numbers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::formats::archive::{Layout, NodeKind, Segment};
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::formats::release::Sizes;
use crate::local::receipt::Receipt;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::spool::Spool;

mod keep;
mod staged;

pub use staged::Staged;

/// A file that the installed tree already has, kept without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The file's node in the new layout.
    pub node: usize,
    /// Path of the same content in the installed tree.
    pub from: PathBuf,
    /// How the file gets into the new tree.
    pub how: Takeover,
}

/// How a kept file gets into the new tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// As cheaply as the disk can: both trees may share one inode.
    Share,
    /// With an inode of its own, because the game may write to it.
    Copy,
    /// As `Copy`, and its mode is set.
    CopyWithMode,
}

/// Where a part of a chunk is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WritePlace {
    /// The file, by position in [`Plan::files`].
    pub file: u32,
    /// Start in the file, in bytes.
    pub file_offset: u64,
    /// Start in the chunk, in bytes.
    pub chunk_offset: u32,
    /// Length in bytes.
    pub len: u32,
}

/// A chunk with all its places: decompressed once, written to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkJob {
    /// The chunk to acquire.
    pub want: WantedChunk,
    /// Its first place in [`Plan::places`].
    pub first: u32,
    /// Number of places.
    pub count: u32,
}

/// The plan in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Chunks in the index, including repeated ones.
    pub index_chunks: u64,
    /// Distinct chunks to get from stores, including those for reading the layout.
    pub fetch_chunks: u64,
    /// Plain size of those chunks: an upper bound on the download.
    pub fetch_plain_bytes: u64,
    /// Requests to other machines, one for each chunk that no local store has.
    pub requests: u64,
    /// Estimated download size, in bytes; 0 if unknown.
    pub fetch_bytes: u64,
    /// Plain bytes of the chunks that the seeds supply.
    pub seed_bytes: u64,
    /// Bytes of file content to write.
    pub write_bytes: u64,
    /// Files kept from the installed tree without reading or writing them.
    pub kept_files: u64,
    /// Total size of the kept files, in bytes.
    pub kept_bytes: u64,
    /// Files to write, in whole or in part.
    pub written_files: u64,
    /// Files of the installed tree that the new one lacks.
    pub removed_files: u64,
    /// Verified bytes in staging, from an interrupted run.
    pub resumed_bytes: u64,
    /// How much less there is to download than the first run of this work has planned, in bytes: with what is left, it
    /// is the whole download.
    pub earlier_bytes: u64,
    /// Additional disk space needed, in bytes.
    pub disk_bytes: u64,
}

impl Summary {
    /// The download size, in bytes: planned if known, else estimated from how well the whole version compresses.
    pub fn download_bytes(&self, sizes: Sizes) -> u64 {
        if self.fetch_bytes > 0 {
            return self.fetch_bytes;
        }
        let (plain, Sizes { stored_bytes, tree_bytes, .. }) = (self.fetch_plain_bytes, sizes);
        if tree_bytes == 0 || stored_bytes >= tree_bytes {
            return plain;
        }
        let share = u128::from(plain) * u128::from(stored_bytes) / u128::from(tree_bytes);
        u64::try_from(share).unwrap_or(plain)
    }
}

/// The work needed to get from the state of the disk to the wanted tree.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files to keep.
    pub keep: Vec<Keep>,
    /// Files to write, as positions in the layout's nodes.
    pub files: Vec<usize>,
    /// Chunks to acquire, in stream order of their first place.
    pub chunks: Vec<ChunkJob>,
    /// All places of all chunks; those of one chunk are adjacent.
    pub places: Vec<WritePlace>,
    /// The user's own files in the installed tree, to carry over: paths relative to it.
    pub carry: Vec<PathBuf>,
    /// The plan in numbers.
    pub summary: Summary,
}

impl Plan {
    /// Total size of the kept files that get an inode of their own, in bytes.
    pub(crate) fn copied_bytes(&self, layout: &Layout) -> u64 {
        let copied = self.keep.iter().filter(|keep| keep.how != Takeover::Share);
        copied.map(|keep| layout.nodes()[keep.node].payload_bytes()).sum()
    }
}

/// The tree that is currently installed at the destination.
#[derive(Debug)]
pub struct Installed<'a> {
    /// Its top folder.
    pub root: &'a Path,
    /// What was installed there.
    pub receipt: &'a Receipt,
}

/// The input of a plan.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The index of the wanted version.
    pub index: &'a Index,
    /// The layout of the wanted version.
    pub layout: &'a Layout,
    /// The installed tree, if we installed it.
    pub installed: Option<Installed<'a>>,
    /// Verified content that an earlier run left in staging.
    pub staged: &'a Staged,
    /// All sources of chunks.
    pub sources: &'a Sources,
    /// Chunks of the wanted stream that were already read.
    pub spool: &'a Spool,
}

/// Makes a plan. Reads only the ends of files that may be unchanged.
pub fn plan(inputs: &Inputs<'_>, monitor: &Monitor) -> Result<Plan> {
    let keep = match &inputs.installed {
        Some(installed) => keep::unchanged(inputs, installed, monitor)?,
        None => Vec::new(),
    };
    monitor.cancel.check()?;
    with_kept(inputs, keep)
}

/// Makes a plan for a caller that knows the unchanged files, for example from their digests. Reads no files.
pub fn with_kept(inputs: &Inputs<'_>, keep: Vec<Keep>) -> Result<Plan> {
    let mut plan = Plan { keep, ..Plan::default() };
    let slots = assign_files(inputs.layout, &mut plan);
    collect_chunks(inputs, &slots, &mut plan)?;
    summarise(inputs, &mut plan);
    Ok(plan)
}

/// Lists the files that have to be written. Returns for each node its position in the list.
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

/// Assigns the bytes of all files to write to the chunks that contain them.
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
                // Both are parts of one chunk, so well below 2^32.
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
        return Err(Error::malformed(Format::Index, 0, reason));
    }
    Ok(job)
}

/// Recognizes the chunk of zeros of the maximum size, into which long runs of zeros are cut. A new file already reads
/// as zeros, so this chunk is neither acquired nor written.
struct ZeroChunk {
    id: ChunkId,
    size: u64,
}

impl ZeroChunk {
    fn of(index: &Index) -> Self {
        let size = index.sizes().max();
        // At most `limits::MAX_CHUNK_BYTES`, which `ChunkSizes` ensures.
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
    // Holes of sparse files and content in staging take no more space; copies take none if the disk can clone.
    summary.disk_bytes = summary.write_bytes + plan.copied_bytes(inputs.layout);
    plan.summary = summary;
}
