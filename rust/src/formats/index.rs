//! `.caibx` and `.caidx`: the list of chunks that make up one stream.
//!
//! ```text
//! 0   48 | CaFormatIndex | feature flags | min | avg | max      all little-endian u64
//! 48  0xFFFF.. | CaFormatTable | (end offset, 32-byte id) x n | 0 | 0 | 48 | table size | tail marker
//! ```
//!
//! Reads strictly (casync's rules: complete tail, nothing after it, strictly increasing offsets) and writes the same
//! bytes as casync and desync. It does not know where chunks are, nor whether the stream is a blob or a catar: the
//! file's extension says that.
//!
//! Source of the format: casync `caformat.h`, `caindex.c`; desync `index.go`.

use std::ops::Range;

use crate::error::{Error, Format, Result};
use crate::formats::chunk::{ChunkId, DigestAlgorithm};
use crate::limits;

const HEADER_BYTES: usize = 48;
const TABLE_HEADER_BYTES: usize = 16;
const ITEM_BYTES: usize = 40;
const TYPE_INDEX: u64 = 0x9682_4d9c_7b12_9ff9;
const TYPE_TABLE: u64 = 0xe75b_9e11_2f17_417d;
const TAIL_MARKER: u64 = 0x4b4f_050e_5549_ecd1;

/// What the stream records and how it is hashed: the second field of an index and of every catar entry.
///
/// An index with unknown bits is rejected. We define no bits of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FeatureFlags(u64);

impl FeatureFlags {
    /// Ids are SHA-512/256; SHA-256 if clear.
    pub const SHA512_256: u64 = 0x2000_0000_0000_0000;
    /// Modification times are in nanoseconds.
    pub const NSEC_TIME: u64 = 0x20;
    /// Modes carry permission bits.
    pub const PERMISSIONS: u64 = 0x100;
    /// Flags that desync writes for a blob: `EXCLUDE_NODUMP | SHA512_256`. casync adds `EXCLUDE_FILE` unless told not
    /// to.
    pub const BLOB: Self = Self(0xa000_0000_0000_0000);
    /// Flags that `desync tar -i` writes for a tree.
    pub const TREE: Self = Self(0xb000_0000_1000_1f22);

    // Bits 0 to 32, then the four for excluded paths and the digest.
    const KNOWN: u64 = 0x0000_0001_ffff_ffff | 0xf000_0000_0000_0000;

    /// Checks that all bits are known.
    pub fn from_bits(bits: u64) -> Result<Self> {
        match bits & !Self::KNOWN {
            0 => Ok(Self(bits)),
            unknown => Err(Error::invalid("feature flags", format!("unknown bits {unknown:#x}"))),
        }
    }

    /// The raw field.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of these bits are set.
    pub const fn contains(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// The same flags with this digest.
    #[must_use]
    pub const fn with_digest(self, digest: DigestAlgorithm) -> Self {
        match digest {
            DigestAlgorithm::Sha512_256 => Self(self.0 | Self::SHA512_256),
            DigestAlgorithm::Sha256 => Self(self.0 & !Self::SHA512_256),
        }
    }

    /// The digest of the chunk ids.
    pub const fn digest(self) -> DigestAlgorithm {
        if self.contains(Self::SHA512_256) { DigestAlgorithm::Sha512_256 } else { DigestAlgorithm::Sha256 }
    }
}

/// Bounds on the sizes of chunks, in bytes. Only the upper one is enforced: forced cuts and the end of a stream make
/// smaller chunks, which every reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChunkSizes {
    min: u64,
    avg: u64,
    max: u64,
}

impl Default for ChunkSizes {
    /// The default of casync and desync: 16/64/256 KiB.
    fn default() -> Self {
        Self { min: 16 << 10, avg: 64 << 10, max: 256 << 10 }
    }
}

impl ChunkSizes {
    /// Sizes in ascending order, from 1 byte to [`limits::MAX_CHUNK_BYTES`].
    pub fn new(min: u64, avg: u64, max: u64) -> Result<Self> {
        if 1 <= min && min <= avg && avg <= max && max <= limits::MAX_CHUNK_BYTES {
            Ok(Self { min, avg, max })
        } else {
            Err(Error::invalid(
                "chunk sizes",
                format!("{min}:{avg}:{max} are not in order between 1 and {}", limits::MAX_CHUNK_BYTES),
            ))
        }
    }

    /// The chunker does not cut below this size, in bytes.
    pub fn min(self) -> u64 {
        self.min
    }

    /// The average that the chunker aims at, in bytes.
    pub fn avg(self) -> u64 {
        self.avg
    }

    /// The largest chunk allowed, in bytes.
    pub fn max(self) -> u64 {
        self.max
    }
}

/// One chunk of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexChunk {
    /// Its id.
    pub id: ChunkId,
    /// Start in the stream, in bytes.
    pub start: u64,
    /// End in the stream (exclusive), in bytes.
    pub end: u64,
}

impl IndexChunk {
    /// Plain size in bytes; never 0.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Its range in the stream.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    end: u64,
    id: ChunkId,
}

/// A stream as a list of chunks. Always valid: offsets increase, and no chunk is larger than the maximum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    flags: FeatureFlags,
    sizes: ChunkSizes,
    items: Vec<Item>,
}

impl Index {
    /// An empty index; add chunks with [`Index::push`].
    pub fn new(flags: FeatureFlags, sizes: ChunkSizes) -> Self {
        Self { flags, sizes, items: Vec::new() }
    }

    /// Appends the next chunk of the stream.
    pub fn push(&mut self, id: ChunkId, size: u64) -> Result<()> {
        if size == 0 || size > self.sizes.max {
            let reason = format!("{size} bytes are not 1 to {}", self.sizes.max);
            return Err(Error::invalid("chunk size", reason));
        }
        let end = self.stream_bytes().checked_add(size);
        let end = end.ok_or_else(|| Error::invalid("stream", "longer than 2^64 bytes"))?;
        self.items.push(Item { end, id });
        Ok(())
    }

    /// Parses a whole index file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (flags, sizes) = parse_header(bytes)?;
        let tail = HEADER_BYTES + TABLE_HEADER_BYTES;
        let body = bytes.len().checked_sub(tail + ITEM_BYTES).ok_or_else(|| cut(bytes.len()))?;
        if body % ITEM_BYTES != 0 {
            return Err(malformed(bytes.len(), "the table does not end with a whole item"));
        }
        let count = body / ITEM_BYTES;
        parse_tail(bytes, tail + body, count)?;
        let mut items = Vec::with_capacity(count);
        let mut last = 0;
        for (at, raw) in bytes[tail..tail + body].chunks_exact(ITEM_BYTES).enumerate() {
            let item = Item { end: u64_at(raw, 0), id: id_at(raw, 8) };
            check_item(item.end, last, sizes).map_err(|reason| malformed(tail + at * ITEM_BYTES, reason))?;
            last = item.end;
            items.push(item);
        }
        Ok(Self { flags, sizes, items })
    }

    /// The file's bytes, identical to what casync and desync write for the same chunks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let table_bytes = (TABLE_HEADER_BYTES + (self.items.len() + 1) * ITEM_BYTES) as u64;
        let mut out = Vec::with_capacity(HEADER_BYTES + TABLE_HEADER_BYTES + (self.items.len() + 1) * ITEM_BYTES);
        let sizes = self.sizes;
        for field in
            [HEADER_BYTES as u64, TYPE_INDEX, self.flags.bits(), sizes.min, sizes.avg, sizes.max, u64::MAX, TYPE_TABLE]
        {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for item in &self.items {
            out.extend_from_slice(&item.end.to_le_bytes());
            out.extend_from_slice(item.id.as_bytes());
        }
        for field in [0, 0, HEADER_BYTES as u64, table_bytes, TAIL_MARKER] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out
    }

    /// What the stream records, and the digest algorithm.
    pub fn flags(&self) -> FeatureFlags {
        self.flags
    }

    /// The digest algorithm of its chunk ids.
    pub fn digest(&self) -> DigestAlgorithm {
        self.flags.digest()
    }

    /// The chunker's bounds.
    pub fn sizes(&self) -> ChunkSizes {
        self.sizes
    }

    /// Number of chunks, including repeated ones.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the stream has no bytes.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Length of the stream, in bytes.
    pub fn stream_bytes(&self) -> u64 {
        self.items.last().map_or(0, |item| item.end)
    }

    /// The chunk at `position`, counted from 0, or `None` past the end.
    pub fn get(&self, position: usize) -> Option<IndexChunk> {
        let item = self.items.get(position)?;
        let start = if position == 0 { 0 } else { self.items[position - 1].end };
        Some(IndexChunk { id: item.id, start, end: item.end })
    }

    /// All chunks in stream order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IndexChunk> + '_ {
        let mut start = 0;
        self.items.iter().map(move |item| {
            let chunk = IndexChunk { id: item.id, start, end: item.end };
            start = item.end;
            chunk
        })
    }

    /// Positions of the chunks that contain any byte of this range of the stream.
    pub fn positions(&self, range: Range<u64>) -> Range<usize> {
        let first = self.items.partition_point(|item| item.end <= range.start);
        if range.is_empty() {
            return first..first;
        }
        let last = self.items.partition_point(|item| item.end < range.end);
        first..(last + 1).min(self.items.len())
    }
}

fn parse_header(bytes: &[u8]) -> Result<(FeatureFlags, ChunkSizes)> {
    if bytes.len() < HEADER_BYTES + TABLE_HEADER_BYTES {
        return Err(cut(bytes.len()));
    }
    if u64_at(bytes, 0) != HEADER_BYTES as u64 || u64_at(bytes, 8) != TYPE_INDEX {
        return Err(malformed(0, "not a .caibx or .caidx file"));
    }
    let flags =
        FeatureFlags::from_bits(u64_at(bytes, 16)).map_err(|e| malformed(16, "its feature flags").caused_by(e))?;
    let sizes = ChunkSizes::new(u64_at(bytes, 24), u64_at(bytes, 32), u64_at(bytes, 40))
        .map_err(|e| malformed(24, "its chunk sizes").caused_by(e))?;
    if u64_at(bytes, 48) != u64::MAX || u64_at(bytes, 56) != TYPE_TABLE {
        return Err(malformed(48, "no chunk table"));
    }
    Ok((flags, sizes))
}

fn parse_tail(bytes: &[u8], tail: usize, count: usize) -> Result<()> {
    let table_bytes = (TABLE_HEADER_BYTES + (count + 1) * ITEM_BYTES) as u64;
    let wanted = [0, 0, HEADER_BYTES as u64, table_bytes, TAIL_MARKER];
    for (field, want) in wanted.into_iter().enumerate() {
        let at = tail + field * 8;
        if u64_at(bytes, at) != want {
            return Err(malformed(at, "the table's tail is wrong: the file is cut short or has bytes after its end"));
        }
    }
    Ok(())
}

fn check_item(end: u64, last: u64, sizes: ChunkSizes) -> Result<(), String> {
    if end <= last {
        return Err(format!("chunk ends at {end}, not after the one before ({last})"));
    }
    if end - last > sizes.max {
        return Err(format!("chunk of {} bytes is larger than the maximum of {}", end - last, sizes.max));
    }
    Ok(())
}

fn malformed(offset: usize, reason: impl Into<String>) -> Error {
    Error::malformed(Format::Index, offset as u64, reason)
}

fn cut(len: usize) -> Error {
    malformed(len, "the file is cut short")
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

fn id_at(bytes: &[u8], at: usize) -> ChunkId {
    let mut id = [0; 32];
    id.copy_from_slice(&bytes[at..at + 32]);
    ChunkId::from_bytes(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Index {
        let mut index = Index::new(FeatureFlags::BLOB, ChunkSizes::default());
        for (byte, size) in [(1, 20_000), (2, 262_144), (1, 5)] {
            index.push(ChunkId::from_bytes([byte; 32]), size).unwrap();
        }
        index
    }

    #[test]
    fn writes_what_it_reads() {
        let bytes = sample().to_bytes();
        assert_eq!(bytes.len(), 104 + 40 * 3);
        assert_eq!(Index::parse(&bytes).unwrap(), sample());
        let empty = Index::new(FeatureFlags::TREE, ChunkSizes::default());
        assert_eq!(Index::parse(&empty.to_bytes()).unwrap(), empty);
    }

    #[test]
    fn finds_the_chunks_of_a_range() {
        let index = sample();
        assert_eq!(index.positions(0..1), 0..1);
        assert_eq!(index.positions(19_999..20_001), 0..2);
        assert_eq!(index.positions(20_000..20_001), 1..2);
        assert_eq!(index.positions(282_144..282_149), 2..3);
        assert_eq!(index.positions(5..5), 0..0);
        assert_eq!(index.positions(282_149..282_150), 3..3);
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = sample().to_bytes();
        for len in 0..bytes.len() {
            assert!(Index::parse(&bytes[..len]).is_err(), "{len}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Index::parse(&longer).is_err());
    }

    #[test]
    fn every_flipped_byte_is_refused_or_changes_only_what_it_says() {
        let bytes = sample().to_bytes();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                if let Ok(index) = Index::parse(&bad) {
                    assert_eq!(index.to_bytes(), bad, "byte {at}");
                    assert_ne!(index, sample());
                }
            }
        }
    }

    #[test]
    fn says_where_an_offset_goes_back() {
        let mut bytes = sample().to_bytes();
        bytes[64 + 40..64 + 48].copy_from_slice(&20_000_u64.to_le_bytes());
        let error = Index::parse(&bytes).unwrap_err();
        assert!(matches!(error, Error::Malformed { format: Format::Index, offset: 104, .. }), "{error}");
    }

    #[test]
    fn private_bits_are_refused() {
        assert!(FeatureFlags::from_bits(1 << 40).is_err());
        assert!(FeatureFlags::from_bits(0xb000_0001_ffef_fe26).is_ok());
    }
}
