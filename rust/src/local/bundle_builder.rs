//! Builds bundles: from an old version to a new one, or for a new version alone.
//!
//! ```text
//! draft     chunks that the old version lacks, in stream order, cut into sections
//! sketch    a summary of the old stream's content, block by block             bundle_builder/similar.rs
//! pack      compresses each section against the most similar blocks, on all cores
//! write     header, table, documents, sections
//! check     is a bundle of somebody else what it claims?                     bundle_builder/check.rs
//! ```

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{NodeKind, Segment};
use crate::formats::bundle::{
    BundleInfo, ChunkSource, Effort, Filter, Section, SectionContent, Table, compress, index_document, read_ranges, x86,
};
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::formats::release::FileTable;
use crate::local::disk;

mod check;
mod similar;
mod sources;
#[cfg(test)]
mod tests;

pub use check::{Checked, check, max_length};
use similar::{Sketch, Votes, marks_of, spacing_log};
pub use sources::StoreSource;

/// zstd level of the trial compression that decides about a filter.
const TRIAL_LEVEL: i32 = 3;

/// Weight of a block at the same path; a mark that occurs in one place weighs 1.
const PATH_VOTES: f32 = 0.5;

/// How far content is expected to move within its file, in bytes.
const NEARBY_BYTES: u64 = 256 << 10;

impl Effort {
    fn level(self) -> i32 {
        match self {
            Self::Fast => 6,
            Self::Normal => 19,
            Self::Best => 22,
        }
    }

    /// Largest output and prefix of one section, in bytes.
    fn section_bytes(self, has_prefix: bool) -> (u64, u64) {
        match (self, has_prefix) {
            (Self::Fast | Self::Normal, false) => (16 << 20, 0),
            (Self::Best, false) => (32 << 20, 0),
            (Self::Fast | Self::Normal, true) => (12 << 20, 20 << 20),
            (Self::Best, true) => (24 << 20, 40 << 20),
        }
    }
}

/// One version, with a source of its chunks.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its index.
    pub index: &'a Index,
    /// Its files.
    pub table: &'a FileTable,
    /// Supplies its chunks.
    pub chunks: &'a dyn ChunkSource,
    /// Nodes that a player may have modified: nothing is built on their bytes.
    pub is_mutable: &'a (dyn Fn(usize) -> bool + Sync),
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Side({} chunks)", self.index.len())
    }
}

/// The result of [`build`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its entry in the list of bundles.
    pub info: BundleInfo,
    /// Number of chunks it contains.
    pub chunks: u64,
}

/// A section before compression.
struct Draft {
    runs: Vec<Range<u32>>,
    plain_bytes: u64,
}

/// Builds a bundle for `new` and writes it to `out`, which must be empty. `scratch` is a folder for temporary files.
///
/// # Errors
/// Those of the sources and of the disk.
pub fn build(
    new: Side<'_>,
    old: Option<Side<'_>>,
    effort: Effort,
    scratch: &Path,
    out: &mut File,
    monitor: &Monitor,
) -> Result<Built> {
    let (section_bytes, prefix_bytes) = effort.section_bytes(old.is_some());
    let drafts = draft(new.index, old.map(|old| old.index), section_bytes);
    let total_bytes = drafts.iter().map(|draft| draft.plain_bytes).sum();
    monitor.emit(Event::Started { phase: Phase::Bundle, total_bytes });
    let pool = monitor.pool()?;
    let sketch = match (old, drafts.is_empty()) {
        (Some(old), false) => Some(pool.install(|| sketch(old, monitor))?),
        _ => None,
    };
    let packer = Packer { new, old, sketch: sketch.as_ref(), effort, prefix_bytes, monitor };
    let mut pieces = vec![packer.document(SectionContent::Index)?, packer.document(SectionContent::FileTable)?];
    let bin = Mutex::new(Bin::new(scratch)?);
    let compressed: Vec<Piece> =
        pool.install(|| drafts.par_iter().map(|draft| packer.pack(draft, &bin)).collect::<Result<_>>())?;
    pieces.extend(compressed);
    let bin = bin.into_inner().unwrap_or_else(PoisonError::into_inner);
    let info = write(&packer, pieces, bin, total_bytes, out)?;
    monitor.emit(Event::Finished { phase: Phase::Bundle });
    let chunks = drafts.iter().flat_map(|draft| &draft.runs).map(|run| u64::from(run.end - run.start)).sum();
    Ok(Built { info, chunks })
}

/// The chunks that `old` lacks, each once, in stream order.
fn draft(new: &Index, old: Option<&Index>, section_bytes: u64) -> Vec<Draft> {
    let mut known: HashSet<ChunkId> = old.into_iter().flat_map(Index::iter).map(|chunk| chunk.id).collect();
    let mut drafts: Vec<Draft> = Vec::new();
    for (position, chunk) in new.iter().enumerate() {
        if !known.insert(chunk.id) {
            continue;
        }
        if drafts.last().is_none_or(|last| last.plain_bytes + chunk.size() > section_bytes) {
            drafts.push(Draft { runs: Vec::new(), plain_bytes: 0 });
        }
        let (Some(last), Ok(at)) = (drafts.last_mut(), u32::try_from(position)) else { continue };
        last.plain_bytes += chunk.size();
        match last.runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => last.runs.push(at..at + 1),
        }
    }
    drafts
}

/// Reads the whole old version once.
fn sketch(old: Side<'_>, monitor: &Monitor) -> Result<Sketch> {
    let spacing = spacing_log(old.index.stream_bytes());
    let chunks: Vec<_> = old.index.iter().collect();
    let mut seen = HashSet::new();
    let chunks: Vec<_> = chunks.into_iter().filter(|chunk| seen.insert(chunk.id)).collect();
    let marks = chunks.par_iter().map(|chunk| {
        monitor.cancel.check()?;
        let mut bytes = Vec::new();
        old.chunks.append(*chunk, &mut bytes)?;
        Ok(marks_of(&bytes, chunk.start, spacing))
    });
    let marks = marks.try_reduce(Vec::new, |mut all, mut some| {
        all.append(&mut some);
        Ok(all)
    })?;
    Ok(Sketch::new(marks, old.index.stream_bytes()))
}

/// Packed sections, in order of completion.
struct Bin {
    file: File,
    path: std::path::PathBuf,
    bytes: u64,
}

impl Bin {
    fn new(scratch: &Path) -> Result<Self> {
        disk::create_directory(scratch)?;
        let path = scratch.join(format!("bundle-{}-{:x}", std::process::id(), fastrand::u64(..)));
        Ok(Self { file: disk::create(&path)?, path, bytes: 0 })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<Range<u64>> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        let begin = self.bytes;
        self.bytes += bytes.len() as u64;
        Ok(begin..self.bytes)
    }
}

impl Drop for Bin {
    fn drop(&mut self) {
        let _ = disk::remove_file(&self.path);
    }
}

/// A packed section.
struct Piece {
    section: Section,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    Bin(Range<u64>),
}

struct Packer<'a> {
    new: Side<'a>,
    old: Option<Side<'a>>,
    sketch: Option<&'a Sketch>,
    effort: Effort,
    prefix_bytes: u64,
    monitor: &'a Monitor,
}

impl Packer<'_> {
    fn document(&self, content: SectionContent) -> Result<Piece> {
        let of = |side: Side<'_>| match content {
            SectionContent::FileTable => side.table.to_document(),
            _ => Ok(index_document(side.index)),
        };
        let plain = of(self.new)?;
        let prefix = self.old.map(of).transpose()?.unwrap_or_default();
        let packed = compress(self.effort.level(), &prefix, &plain)?;
        let section = Section {
            content,
            filter: Filter::None,
            prefix: Vec::new(),
            packed_bytes: packed.len() as u64,
            plain_bytes: plain.len() as u64,
        };
        Ok(Piece { section, place: Place::Memory(packed) })
    }

    fn pack(&self, draft: &Draft, bin: &Mutex<Bin>) -> Result<Piece> {
        self.monitor.cancel.check()?;
        let mut plain = Vec::new();
        for position in draft.runs.iter().flat_map(Clone::clone) {
            if let Some(chunk) = self.new.index.get(position as usize) {
                self.new.chunks.append(chunk, &mut plain)?;
            }
        }
        let prefix_ranges = self.prefix_of(draft, &plain);
        let mut prefix = Vec::new();
        if let Some(old) = self.old {
            read_ranges(old.index, old.chunks, &prefix_ranges, &mut prefix)?;
        }
        let mut section = Section {
            content: SectionContent::Chunks(draft.runs.clone()),
            filter: Filter::None,
            prefix: prefix_ranges,
            packed_bytes: 0,
            plain_bytes: draft.plain_bytes,
        };
        section.filter = self.filter(&section, &mut prefix, &mut plain)?;
        let packed = compress(self.effort.level(), &prefix, &plain)?;
        section.packed_bytes = packed.len() as u64;
        let place = Place::Bin(bin.lock().unwrap_or_else(PoisonError::into_inner).put(&packed)?);
        self.monitor.emit(Event::Advanced { phase: Phase::Bundle, bytes: draft.plain_bytes });
        Ok(Piece { section, place })
    }

    /// Chooses a filter by trial compression, applies it, and returns it.
    fn filter(&self, section: &Section, prefix: &mut Vec<u8>, plain: &mut Vec<u8>) -> Result<Filter> {
        if !x86::is_likely(plain) {
            return Ok(Filter::None);
        }
        let (mut other_prefix, mut other_plain) = (prefix.clone(), plain.clone());
        if let Some(old) = self.old {
            Filter::X86.apply(&mut other_prefix, old.table.layout(), &section.prefix);
        }
        let ranges = section.stream_ranges(self.new.index);
        Filter::X86.apply(&mut other_plain, self.new.table.layout(), &ranges);
        if compress(TRIAL_LEVEL, &other_prefix, &other_plain)?.len() >= compress(TRIAL_LEVEL, prefix, plain)?.len() {
            return Ok(Filter::None);
        }
        (*prefix, *plain) = (other_prefix, other_plain);
        Ok(Filter::X86)
    }

    fn prefix_of(&self, draft: &Draft, plain: &[u8]) -> Vec<Range<u64>> {
        let (Some(old), Some(sketch)) = (self.old, self.sketch) else { return Vec::new() };
        let mut votes = Votes::default();
        sketch.vote(plain, &mut votes);
        for range in self.same_paths(draft, old) {
            Sketch::hint(&range, PATH_VOTES, &mut votes);
        }
        without(sketch.choose(&votes, self.prefix_bytes), &mutable_ranges(old))
    }

    /// Where the files of a section were in the old version.
    fn same_paths(&self, draft: &Draft, old: Side<'_>) -> Vec<Range<u64>> {
        let by_path: HashMap<_, _> = old.table.files().map(|(node, path, ..)| (path, node)).collect();
        let (new_layout, old_layout) = (self.new.table.layout(), old.table.layout());
        let mut found = Vec::new();
        for run in &draft.runs {
            let start_of = |at: u32| self.new.index.get(at as usize).map_or(u64::MAX, |chunk| chunk.start);
            for segment in new_layout.segments(start_of(run.start)..start_of(run.end)) {
                let Segment::Payload { node, offset, len } = segment else { continue };
                let path = new_layout.nodes()[node].path.as_ref();
                let Some(before) = path.and_then(|path| by_path.get(path)) else { continue };
                let NodeKind::File { payload } = &old_layout.nodes()[*before].kind else { continue };
                if (old.is_mutable)(*before) {
                    continue;
                }
                let at = payload.start + offset.min(payload.end - payload.start);
                found.push(
                    at.saturating_sub(NEARBY_BYTES).max(payload.start)..(at + len + NEARBY_BYTES).min(payload.end),
                );
            }
        }
        found
    }
}

/// Ranges of the stream whose files a player may have modified, in order.
fn mutable_ranges(side: Side<'_>) -> Vec<Range<u64>> {
    let nodes = side.table.layout().nodes().iter().enumerate();
    let mutable = nodes.filter(|(node, _)| (side.is_mutable)(*node));
    mutable
        .filter_map(|(_, node)| match &node.kind {
            NodeKind::File { payload } if !payload.is_empty() => Some(payload.clone()),
            _ => None,
        })
        .collect()
}

/// Removes holes from ranges; both are in order.
fn without(ranges: Vec<Range<u64>>, holes: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    for mut range in ranges {
        for hole in holes {
            if hole.end <= range.start || hole.start >= range.end {
                continue;
            }
            if range.start < hole.start {
                left.push(range.start..hole.start);
            }
            range.start = hole.end.min(range.end);
        }
        if !range.is_empty() {
            left.push(range);
        }
    }
    left
}

fn write(
    packer: &Packer<'_>,
    pieces: Vec<Piece>,
    mut bin: Bin,
    plain_bytes: u64,
    out: &mut File,
) -> Result<BundleInfo> {
    let digest = |index: &Index| Digest::of(&index.to_bytes());
    let from = packer.old.map(|old| digest(old.index));
    let (sections, places): (Vec<Section>, Vec<Place>) =
        pieces.into_iter().map(|piece| (piece.section, piece.place)).unzip();
    let table = Table { from, to: digest(packer.new.index), sections };
    let front = table.to_bytes()?;
    let mut hasher = <sha2::Sha256 as sha2::Digest>::new();
    let mut length = 0_u64;
    let mut front_bytes = front.len() as u64;
    let mut put = |bytes: &[u8]| -> Result<()> {
        sha2::Digest::update(&mut hasher, bytes);
        length += bytes.len() as u64;
        out.write_all(bytes).map_err(Error::io("write", "a bundle"))
    };
    put(&front)?;
    for place in places {
        match place {
            Place::Memory(bytes) => {
                front_bytes += bytes.len() as u64;
                put(&bytes)?;
            }
            Place::Bin(range) => {
                bin.file.seek(SeekFrom::Start(range.start)).map_err(Error::io("read", &bin.path))?;
                let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
                bin.file.read_exact(&mut bytes).map_err(Error::io("read", &bin.path))?;
                put(&bytes)?;
            }
        }
    }
    let id = Digest(sha2::Digest::finalize(hasher).into());
    Ok(BundleInfo { id, length, front_bytes, plain_bytes, from, effort: packer.effort })
}
