//! Reads ranges of a version's stream from a source of its chunks.

use std::ops::Range;

use crate::error::Result;
use crate::formats::archive::{Layout, Segment};
use crate::formats::index::{Index, IndexChunk};

/// A source of plain chunks: an installed tree, a store, a server's database.
pub trait ChunkSource: Sync {
    /// Appends the bytes of a chunk of the version: as many as its index says, or an error.
    ///
    /// # Errors
    /// Errors of the source. Does not verify: the reader must.
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()>;

    /// Appends only a part of a chunk, given as a range of the stream. Override it if a source can read less than a
    /// whole chunk.
    ///
    /// # Errors
    /// As for a whole chunk.
    fn append_part(&self, chunk: IndexChunk, part: Range<u64>, buffer: &mut Vec<u8>) -> Result<()> {
        let begin = buffer.len();
        self.append(chunk, buffer)?;
        // A chunk has at most 16 MiB.
        let cut = |bytes: u64| usize::try_from(bytes).unwrap_or(0);
        buffer.truncate(buffer.len() - cut(chunk.end.saturating_sub(part.end)));
        buffer.drain(begin..begin + cut(part.start.saturating_sub(chunk.start)));
        Ok(())
    }
}

/// Joins ranges of the stream, which must be inside it, in `buffer`, which is emptied first.
///
/// # Errors
/// Errors of the source.
pub fn read_ranges(index: &Index, source: &dyn ChunkSource, ranges: &[Range<u64>], buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    for range in ranges {
        for position in index.positions(range.clone()) {
            let Some(chunk) = index.get(position) else { continue };
            source.append_part(chunk, range.start.max(chunk.start)..range.end.min(chunk.end), buffer)?;
        }
    }
    Ok(())
}

/// A part of one file, in a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its place in the buffer.
    pub bytes: Range<usize>,
    /// Its start in the file, in bytes.
    pub offset: u64,
}

/// The parts of files that joined ranges of a stream contain, in order.
pub(super) fn pieces(layout: &Layout, ranges: &[Range<u64>]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0_usize;
    for segment in ranges.iter().flat_map(|range| layout.segments(range.clone())) {
        let (len, offset) = match segment {
            Segment::Header(bytes) => (bytes.len(), None),
            Segment::Payload { offset, len, .. } => (usize::try_from(len).unwrap_or(usize::MAX), Some(offset)),
        };
        let end = at.saturating_add(len);
        pieces.extend(offset.map(|offset| Piece { bytes: at..end, offset }));
        at = end;
    }
    pieces
}
