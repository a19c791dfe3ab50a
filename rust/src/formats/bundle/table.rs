//! The front of a bundle: a header of fixed size, and the table of its sections. `docs/bundle-format.md` describes
//! every byte.
//!
//! Parsing allocates no more than the input allows, and every parsed table can be serialized again: ranges are in order
//! and separate, and no section asks for more memory than [`MAX_SECTION_BYTES`]. [`Section::check`] tells whether the
//! positions and ranges exist in the two indexes.

use std::ops::Range;

use super::stream::pieces;
use super::{MAX_RANGES, MAX_SECTION_BYTES, MAX_SECTIONS, MAX_TABLE_BYTES, x86};
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::archive::Layout;
use crate::formats::index::Index;
use crate::limits;

/// The first bytes of every bundle; the last one is the version of the format.
const MAGIC: [u8; 8] = *b"VSKBNDL\x01";

/// Length of a [`Header`].
pub const HEADER_BYTES: u64 = 16;

/// The first 16 bytes of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Length of the packed table, in bytes. It follows the header.
    pub table_bytes: u32,
    /// Length of the unpacked table, in bytes.
    pub table_plain_bytes: u32,
}

/// What a section contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionContent {
    /// The new index, as a [`Document`](super::Document).
    Index,
    /// The new file table, as a [`Document`](super::Document).
    FileTable,
    /// Chunks, by their positions in the new index.
    Chunks(Vec<Range<u32>>),
}

/// The reversible transformation that was applied to a section's content and prefix before compression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    /// No transformation.
    #[default]
    None,
    /// Distances in machine code of x86-64 are replaced by positions in the file.
    X86,
}

impl Filter {
    /// Applies the filter to joined ranges of a stream, whose files are in `layout`.
    pub fn apply(self, bytes: &mut [u8], layout: &Layout, ranges: &[Range<u64>]) {
        match self {
            Self::None => {}
            Self::X86 => x86::encode(bytes, &pieces(layout, ranges)),
        }
    }

    /// Reverses the filter.
    pub fn undo(self, bytes: &mut [u8], layout: &Layout, ranges: &[Range<u64>]) {
        match self {
            Self::None => {}
            Self::X86 => x86::decode(bytes, &pieces(layout, ranges)),
        }
    }
}

/// One zstd frame of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What the frame contains.
    pub content: SectionContent,
    /// The filter applied to content and prefix.
    pub filter: Filter,
    /// Ranges of the old version's stream, in bytes, in order and separate. Their joined bytes are the frame's prefix.
    /// Empty for documents, whose prefix is the whole old document.
    pub prefix: Vec<Range<u64>>,
    /// Length of the frame, in bytes.
    pub packed_bytes: u64,
    /// Length of the unpacked content, in bytes.
    pub plain_bytes: u64,
}

/// The table of a bundle's sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The old version, which a client must have; `None` if the bundle needs none.
    pub from: Option<Digest>,
    /// The version that the chunks belong to.
    pub to: Digest,
    /// In the order in which they follow each other in the file.
    pub sections: Vec<Section>,
}

impl Header {
    /// Parses the first 16 bytes of a bundle.
    ///
    /// # Errors
    /// `bundle_malformed`, also for another version of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let raw = bytes.first_chunk::<16>().ok_or_else(|| malformed(0, "it is cut short"))?;
        if raw[..8] != MAGIC {
            return Err(malformed(0, "it is not a bundle of a known format"));
        }
        let field = |at: usize| u32::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]]);
        let header = Self { table_bytes: field(8), table_plain_bytes: field(12) };
        if u64::from(header.table_bytes.max(header.table_plain_bytes)) > MAX_TABLE_BYTES {
            return Err(malformed(8, "its table is too large"));
        }
        Ok(header)
    }

    /// Where the first section begins, in bytes.
    pub fn sections_at(&self) -> u64 {
        HEADER_BYTES + u64::from(self.table_bytes)
    }

    fn to_bytes(self) -> [u8; 16] {
        let mut raw = [0; 16];
        raw[..8].copy_from_slice(&MAGIC);
        raw[8..12].copy_from_slice(&self.table_bytes.to_le_bytes());
        raw[12..].copy_from_slice(&self.table_plain_bytes.to_le_bytes());
        raw
    }
}

impl Table {
    /// Parses header and table; ignores the bytes after them.
    ///
    /// # Errors
    /// `bundle_malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let header = Header::parse(bytes)?;
        let end = usize::try_from(header.sections_at()).unwrap_or(usize::MAX);
        let packed = bytes.get(16..end).ok_or_else(|| malformed(16, "its table is cut short"))?;
        let plain = zstd::bulk::decompress(packed, header.table_plain_bytes as usize)
            .map_err(|e| malformed(16, "its table does not decompress").caused_by(e))?;
        if plain.len() != header.table_plain_bytes as usize {
            return Err(malformed(12, "its table is shorter than announced"));
        }
        Reader { bytes: &plain, at: 0 }.table()
    }

    /// Serializes header and table.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the table exceeds the limits of the format.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let plain = self.to_plain();
        let packed = zstd::bulk::compress(&plain, 19)
            .map_err(|e| malformed(16, "its table cannot be compressed").caused_by(e))?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let header = Header { table_bytes: length(&packed), table_plain_bytes: length(&plain) };
        let bytes = [&header.to_bytes()[..], &packed].concat();
        // Never write a table that cannot be read.
        match Self::parse(&bytes) {
            Ok(read) if read == *self => Ok(bytes),
            _ => Err(Error::invalid("bundle", "it exceeds the limits of the format")),
        }
    }

    fn to_plain(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.from.unwrap_or_default().0);
        out.extend_from_slice(&self.to.0);
        put(&mut out, self.sections.len() as u64);
        for section in &self.sections {
            section.put(&mut out);
        }
        out
    }

    /// Each section, with its range in a bundle whose first section begins at `sections_at`.
    pub fn places(&self, sections_at: u64) -> impl Iterator<Item = (Range<u64>, &Section)> {
        let mut at = sections_at;
        self.sections.iter().map(move |section| {
            let begin = at;
            at += section.packed_bytes;
            (begin..at, section)
        })
    }
}

impl Section {
    /// Checks a section against the two indexes: everything it names must exist, and have the stated size.
    ///
    /// # Errors
    /// `bundle_malformed`.
    pub fn check(&self, new: &Index, old: Option<&Index>) -> Result<()> {
        let SectionContent::Chunks(runs) = &self.content else { return Ok(()) };
        if runs.last().is_some_and(|run| run.end as usize > new.len()) {
            return Err(malformed(0, "it has chunks that are not in the version"));
        }
        let plain_bytes: u64 = self.stream_ranges(new).iter().map(|range| range.end - range.start).sum();
        if plain_bytes != self.plain_bytes {
            return Err(malformed(0, "its chunks do not have the announced length"));
        }
        let old_bytes = old.map_or(0, Index::stream_bytes);
        if self.prefix.last().is_some_and(|range| range.end > old_bytes) {
            return Err(malformed(0, "its prefix is not in the old version"));
        }
        Ok(())
    }

    /// Length of the prefix of a section of chunks, in bytes.
    pub fn prefix_bytes(&self) -> u64 {
        self.prefix.iter().map(|range| range.end - range.start).sum()
    }

    /// Ranges of the new version's stream that the section supplies, in bytes.
    pub fn stream_ranges(&self, new: &Index) -> Vec<Range<u64>> {
        let SectionContent::Chunks(runs) = &self.content else { return Vec::new() };
        let start_of = |position: u32| new.get(position as usize).map_or(new.stream_bytes(), |chunk| chunk.start);
        runs.iter().map(|run| start_of(run.start)..start_of(run.end)).collect()
    }

    /// Positions in the new index that the section supplies.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let runs = match &self.content {
            SectionContent::Chunks(runs) => &runs[..],
            _ => &[],
        };
        runs.iter().flat_map(|run| run.start as usize..run.end as usize)
    }

    fn put(&self, out: &mut Vec<u8>) {
        let (kind, runs) = match &self.content {
            SectionContent::Chunks(runs) => (0, &runs[..]),
            SectionContent::Index => (1, &[][..]),
            SectionContent::FileTable => (2, &[][..]),
        };
        out.push(kind);
        out.push(match self.filter {
            Filter::None => 0,
            Filter::X86 => 1,
        });
        put(out, self.packed_bytes);
        put(out, self.plain_bytes);
        put_ranges(out, self.prefix.iter().cloned());
        put_ranges(out, runs.iter().map(|run| u64::from(run.start)..u64::from(run.end)));
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn put_ranges(out: &mut Vec<u8>, ranges: impl ExactSizeIterator<Item = Range<u64>>) {
    put(out, ranges.len() as u64);
    let mut end = 0;
    for range in ranges {
        put(out, range.start - end);
        put(out, range.end - range.start);
        end = range.end;
    }
}

/// Parses the unpacked table.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn table(mut self) -> Result<Table> {
        let (from, to) = (self.digest()?, self.digest()?);
        let count = self.count(MAX_SECTIONS)?;
        let mut sections = Vec::new();
        let mut end = 0_u64;
        for _ in 0..count {
            let section = self.section()?;
            if section.prefix.last().is_some() && from == Digest::default() {
                return Err(self.bad("it has a prefix but no old version"));
            }
            end = end.checked_add(section.packed_bytes).ok_or_else(|| self.bad("it is longer than 2^64 bytes"))?;
            sections.push(section);
        }
        if self.at != self.bytes.len() {
            return Err(self.bad("there are bytes after the last section"));
        }
        Ok(Table { from: (from != Digest::default()).then_some(from), to, sections })
    }

    fn section(&mut self) -> Result<Section> {
        let (kind, filter) = (self.byte()?, self.byte()?);
        let filter = match (filter, kind) {
            (0, _) => Filter::None,
            (1, 0) => Filter::X86,
            _ => return Err(self.bad("an unknown filter")),
        };
        let (packed_bytes, plain_bytes) = (self.number()?, self.number()?);
        let prefix = self.ranges(u64::MAX)?;
        let runs = self.ranges(u64::from(u32::MAX))?;
        #[expect(clippy::cast_possible_truncation, reason = "checked against u32::MAX")]
        let runs: Vec<Range<u32>> = runs.into_iter().map(|run| run.start as u32..run.end as u32).collect();
        let content = match (kind, runs.is_empty()) {
            (0, false) => SectionContent::Chunks(runs),
            (1, true) if prefix.is_empty() => SectionContent::Index,
            (2, true) if prefix.is_empty() => SectionContent::FileTable,
            _ => return Err(self.bad("an unknown kind of section")),
        };
        let section = Section { content, filter, prefix, packed_bytes, plain_bytes };
        let prefix_bytes = section.prefix.iter().try_fold(0_u64, |sum, range| sum.checked_add(range.end - range.start));
        let held = prefix_bytes.and_then(|bytes| bytes.checked_add(plain_bytes));
        let max_bytes = match section.content {
            SectionContent::Chunks(_) => MAX_SECTION_BYTES,
            _ => limits::MAX_FILE_TABLE_PLAIN_BYTES,
        };
        if plain_bytes == 0 || held.is_none_or(|held| held > max_bytes) {
            return Err(self.bad("a section that needs too much memory"));
        }
        if packed_bytes == 0 || packed_bytes > plain_bytes + plain_bytes / 128 + limits::MAX_STORED_OVERHEAD_BYTES {
            return Err(self.bad("a section whose frame is longer than its content"));
        }
        Ok(section)
    }

    fn ranges(&mut self, max: u64) -> Result<Vec<Range<u64>>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut end = 0_u64;
        for at in 0..self.count(MAX_RANGES)? {
            let (gap, len) = (self.number()?, self.number()?);
            let start = end.checked_add(gap);
            let stop = start.and_then(|start| start.checked_add(len)).filter(|stop| *stop <= max);
            let (Some(start), Some(stop)) = (start, stop) else { return Err(self.bad("a range past the end")) };
            // Each set of bytes has only one encoding.
            if len == 0 || (at > 0 && gap == 0) {
                return Err(self.bad("a range that is empty or adjacent to the one before"));
            }
            ranges.push(start..stop);
            end = stop;
        }
        Ok(ranges)
    }

    fn count(&mut self, max: usize) -> Result<usize> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|count| *count <= max).ok_or_else(|| self.bad("too many ranges or sections"))
    }

    fn digest(&mut self) -> Result<Digest> {
        let raw = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<32>());
        let raw = raw.copied().ok_or_else(|| self.bad("it is cut short"))?;
        self.at += 32;
        Ok(Digest(raw))
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| self.bad("it is cut short"))?;
        self.at += 1;
        Ok(byte)
    }

    /// Parses a LEB128 number, which must be in its shortest form.
    fn number(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part || (byte == 0 && shift > 0) {
                return Err(self.bad("a number that is not in its shortest form"));
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.bad("a number that does not end"))
    }

    fn bad(&self, reason: &str) -> Error {
        malformed(self.at as u64, reason)
    }
}

pub(super) fn malformed(offset: u64, reason: &str) -> Error {
    Error::malformed(Format::Bundle, offset, reason)
}
