//! Checks that a bundle is what it claims: the documents and exactly the missing chunks of one version, made from another.
//!
//! For whoever lists bundles of others. Clients need none of this, because they check each chunk that they use; but a bad
//! bundle wastes a request of each of them. What a bundle may ask for is bounded, by what [`build`](super::build) makes,
//! before any of it is done.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;

use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::formats::bundle::{HEADER_BYTES, Header, Section, SectionContent, Table, decompress, index_document};
use crate::formats::chunk::{Chunk, ChunkId};
use crate::limits;

use super::{Side, mutable_ranges, without};

/// Most bytes of prefix and content of one section: those of the largest that is built.
const MAX_HELD_BYTES: u64 = 64 << 20;

/// The chunks that prefixes are cut from may have this many times the bytes of the content, and [`SPARE_BYTES`] besides:
/// a byte of a chunk costs as much as all of it.
const MAX_PREFIXES: u64 = 32;
const SPARE_BYTES: u64 = 4 << 30;

/// What a checked bundle contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Length of the front, in bytes: header, table and documents.
    pub front_bytes: u64,
    /// Total plain size of its chunks, in bytes.
    pub plain_bytes: u64,
}

/// Upper bound of the length of a bundle from `old` to `new`, in bytes.
///
/// # Errors
/// Those of serializing the file table.
pub fn max_length(new: Side<'_>, old: Option<Side<'_>>) -> Result<u64> {
    let documents = index_document(new.index).len() + new.table.to_document()?.len();
    let lacking = lacking(new, old);
    let chunks: u64 = new.index.iter().filter(|chunk| lacking.contains(&chunk.id)).map(|chunk| chunk.size()).sum();
    let plain = chunks.saturating_add(documents as u64);
    Ok(plain.saturating_add(plain / 128).saturating_add(16 * limits::MAX_STORED_OVERHEAD_BYTES))
}

/// Checks a bundle of this length, reading it once from the beginning to the end: every document, and the bytes of every
/// chunk against its id.
///
/// # Errors
/// `bundle_malformed` if it is anything but a bundle from `old` to `new` with all chunks that `old` lacks, each once;
/// those of reading, and of the source of `old`.
pub fn check(
    bundle: &mut impl Read,
    length: u64,
    new: Side<'_>,
    old: Option<Side<'_>>,
    monitor: &Monitor,
) -> Result<Checked> {
    let mut input = Input { bundle, left: length };
    let head = input.take(HEADER_BYTES)?;
    let header = Header::parse(&head)?;
    let table = Table::parse(&[head, input.take(u64::from(header.table_bytes))?].concat())?;
    check_pair(&table, new, old)?;
    check_sizes(&table, header.sections_at(), length)?;
    check_work(&table, new, old)?;
    let mut work = Work { new, old, missing: lacking(new, old), prefix: Vec::new(), plain: Vec::new() };
    let (mut front_bytes, mut plain_bytes) = (header.sections_at(), 0);
    for section in &table.sections {
        monitor.cancel.check()?;
        let packed = input.take(section.packed_bytes)?;
        if let SectionContent::Chunks(_) = section.content {
            work.chunks(section, &packed)?;
            plain_bytes += section.plain_bytes;
        } else {
            work.document(section, &packed)?;
            front_bytes += section.packed_bytes;
        }
    }
    if work.missing.is_empty() {
        return Ok(Checked { front_bytes, plain_bytes });
    }
    Err(malformed(format!("it lacks {} chunks of the version", work.missing.len())))
}

/// The chunks of `new` that `old` does not have.
fn lacking(new: Side<'_>, old: Option<Side<'_>>) -> HashSet<ChunkId> {
    let known: HashSet<ChunkId> = old.iter().flat_map(|old| old.index.iter()).map(|chunk| chunk.id).collect();
    new.index.iter().map(|chunk| chunk.id).filter(|id| !known.contains(id)).collect()
}

fn check_pair(table: &Table, new: Side<'_>, old: Option<Side<'_>>) -> Result<()> {
    let digest = |side: Side<'_>| Digest::of(&side.index.to_bytes());
    if (table.from, table.to) == (old.map(digest), digest(new)) {
        return Ok(());
    }
    Err(malformed("it is for other versions"))
}

/// Checks what the sections ask for before any is unpacked.
fn check_sizes(table: &Table, sections_at: u64, length: u64) -> Result<()> {
    let end = table.places(sections_at).last().map_or(sections_at, |(place, _)| place.end);
    if end != length {
        return Err(malformed(format!("it has {length} bytes, but its table says {end}")));
    }
    let (documents, rest) = table.sections.split_at(table.sections.len().min(2));
    let documents: Vec<&SectionContent> = documents.iter().map(|section| &section.content).collect();
    let is_chunks = |section: &Section| matches!(section.content, SectionContent::Chunks(_));
    if documents != [&SectionContent::Index, &SectionContent::FileTable] || !rest.iter().all(is_chunks) {
        return Err(malformed("it must have an index, a file table, and then chunks"));
    }
    if rest.iter().any(|section| section.prefix_bytes() + section.plain_bytes > MAX_HELD_BYTES) {
        return Err(malformed("a section that needs too much memory"));
    }
    Ok(())
}

/// Checks how much of the old version has to be read.
fn check_work(table: &Table, new: Side<'_>, old: Option<Side<'_>>) -> Result<()> {
    let (mut read, mut content) = (0_u64, 0_u64);
    for section in &table.sections {
        section.check(new.index, old.map(|old| old.index))?;
        content = content.saturating_add(section.plain_bytes);
        let Some(old) = old else { continue };
        let mut next = 0;
        for positions in section.prefix.iter().map(|range| old.index.positions(range.clone())) {
            let chunks = positions.start.max(next)..positions.end;
            let bytes: u64 = chunks.filter_map(|at| old.index.get(at)).map(|chunk| chunk.size()).sum();
            read = read.saturating_add(bytes);
            next = positions.end;
        }
    }
    if read > content.saturating_mul(MAX_PREFIXES).saturating_add(SPARE_BYTES) {
        return Err(malformed("it builds on more than its content can need"));
    }
    Ok(())
}

/// The rest of a bundle.
struct Input<'a, R> {
    bundle: &'a mut R,
    left: u64,
}

impl<R: Read> Input<'_, R> {
    fn take(&mut self, bytes: u64) -> Result<Vec<u8>> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| malformed("it is cut short"))?;
        let mut taken = Vec::new();
        self.bundle.take(bytes).read_to_end(&mut taken).map_err(Error::io("read", "a bundle"))?;
        if taken.len() as u64 == bytes { Ok(taken) } else { Err(malformed("it is cut short")) }
    }
}

struct Work<'a> {
    new: Side<'a>,
    old: Option<Side<'a>>,
    /// Chunks that have not come yet.
    missing: HashSet<ChunkId>,
    prefix: Vec<u8>,
    plain: Vec<u8>,
}

impl Work<'_> {
    fn document(&mut self, section: &Section, packed: &[u8]) -> Result<()> {
        let of = |side: Side<'_>| match section.content {
            SectionContent::FileTable => side.table.to_document(),
            _ => Ok(index_document(side.index)),
        };
        let expected = of(self.new)?;
        if section.plain_bytes != expected.len() as u64 {
            return Err(malformed("a document of another version"));
        }
        let prefix = self.old.map(of).transpose()?.unwrap_or_default();
        decompress(packed, &prefix, section.plain_bytes, &mut self.plain)?;
        if self.plain == expected { Ok(()) } else { Err(malformed("a document of another version")) }
    }

    fn chunks(&mut self, section: &Section, packed: &[u8]) -> Result<()> {
        self.prefix.clear();
        if let Some(old) = self.old {
            if without(section.prefix.clone(), &mutable_ranges(old)) != section.prefix {
                return Err(malformed("it builds on a file that players may change"));
            }
            read_prefix(old, &section.prefix, &mut self.prefix)?;
            section.filter.apply(&mut self.prefix, old.table.layout(), &section.prefix);
        }
        decompress(packed, &self.prefix, section.plain_bytes, &mut self.plain)?;
        let ranges = section.stream_ranges(self.new.index);
        section.filter.undo(&mut self.plain, self.new.table.layout(), &ranges);
        let mut rest = &self.plain[..];
        for chunk in section.positions().filter_map(|position| self.new.index.get(position)) {
            let size = usize::try_from(chunk.size()).unwrap_or(usize::MAX);
            let (bytes, behind) = rest.split_at_checked(size).ok_or_else(|| malformed("a section is cut short"))?;
            rest = behind;
            if !self.missing.remove(&chunk.id) {
                return Err(malformed(format!("chunk {} is there twice, or in the old version", chunk.id)));
            }
            let is_wrong = |_| malformed(format!("chunk {} does not match its id", chunk.id));
            Chunk::new(chunk.id, bytes.to_vec()).verify(self.new.index.digest()).map_err(is_wrong)?;
        }
        Ok(())
    }
}

/// Joins ranges of the old stream, which are in order. Reads each chunk once.
fn read_prefix(old: Side<'_>, ranges: &[Range<u64>], prefix: &mut Vec<u8>) -> Result<()> {
    let (mut last, mut plain) = (None, Vec::new());
    for range in ranges {
        for position in old.index.positions(range.clone()) {
            let Some(chunk) = old.index.get(position) else { continue };
            if last != Some(position) {
                plain.clear();
                old.chunks.append(chunk, &mut plain)?;
                last = Some(position);
            }
            let at = |place: u64| usize::try_from(place - chunk.start).unwrap_or(usize::MAX);
            let part = at(range.start.max(chunk.start))..at(range.end.min(chunk.end));
            prefix.extend_from_slice(plain.get(part).ok_or_else(|| malformed("its prefix is not in the old version"))?);
        }
    }
    Ok(())
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::Bundle, 0, reason)
}
