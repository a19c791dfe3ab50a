//! Finds the cuts of a stream that arrives in blocks, with all threads if the algorithm allows it.
//!
//! The cuts depend neither on the blocks nor on the number of threads: bytes that are not cut at the end of a block are
//! carried over, together with the candidates found in them.

use std::iter::Peekable;
use std::ops::Range;

use rayon::prelude::*;

use super::hint::{Foresight, ForesightView, Hint};
use crate::formats::archive::{Layout, NodeKind};
use crate::formats::chunk::ChunkId;
use crate::formats::chunker::Chunker;

/// Files of at least this size, in bytes, begin and end with a cut if forced cuts are enabled.
const OWN_CHUNKS_BYTES: u64 = 64 << 10;

/// Smallest span for one thread, in bytes: below it, the overhead exceeds the gain.
const SPAN_BYTES: usize = 128 << 10;

/// Positions in the stream where it is cut regardless of its content, ascending.
pub(super) fn forced(layout: &Layout) -> impl Iterator<Item = u64> + Clone + '_ {
    let large = layout.nodes().iter().filter_map(|node| match &node.kind {
        NodeKind::File { payload } if node.payload_bytes() >= OWN_CHUNKS_BYTES => Some(payload),
        _ => None,
    });
    large.flat_map(|payload| [payload.start, payload.end])
}

/// A chunk in a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) range: Range<usize>,
    /// Its id, if it was already hashed to find its end.
    pub(super) id: Option<ChunkId>,
}

/// The state between two blocks.
pub(super) struct Cutter<'a, F: Iterator<Item = u64> + Clone> {
    chunker: &'a Chunker,
    forced: Peekable<F>,
    hint: Option<Hint<'a>>,
    /// Start of the unfinished chunk in the stream, in bytes.
    start: u64,
    /// Boundaries already found in that chunk, relative to its start.
    candidates: Vec<usize>,
    /// How far that chunk was scanned, relative to its start.
    scanned: usize,
}

impl<'a, F: Iterator<Item = u64> + Clone> Cutter<'a, F> {
    pub(super) fn new(chunker: &'a Chunker, forced: F, hint: Option<Hint<'a>>) -> Self {
        Self { chunker, forced: forced.peekable(), hint, start: 0, candidates: Vec::new(), scanned: 0 }
    }

    /// The chunks that end in `data`, which holds the bytes since the last cut. The caller must pass the bytes after
    /// the last returned chunk again.
    pub(super) fn cut(&mut self, data: &[u8], is_end: bool) -> Vec<Cut> {
        let view = ForesightView { chunker: self.chunker, data, start: self.start, is_end };
        let foresight = self.hint.as_ref().map(|hint| hint.look(&view, self.forced.clone())).unwrap_or_default();
        let is_believed = self.hint.as_ref().is_some_and(Hint::is_believed);
        let right = foresight.chunks.iter().take_while(|chunk| is_believed && chunk.is_same);
        let mut cuts: Vec<Cut> = right.map(|chunk| Cut { range: chunk.range.clone(), id: Some(chunk.id) }).collect();
        let done = cuts.last().map_or(0, |last| last.range.end);
        self.advance(done);
        if !(is_believed && foresight.goes_on && cuts.len() == foresight.chunks.len()) {
            let looked_for = self.look(&data[done..], is_end);
            cuts.extend(
                looked_for.into_iter().map(|range| self.compare(done + range.start..done + range.end, &foresight)),
            );
        }
        cuts
    }

    /// Compares a chunk with its prediction: a computed id is right whatever the old index says.
    fn compare(&mut self, range: Range<usize>, foresight: &Foresight) -> Cut {
        let at = foresight.chunks.binary_search_by_key(&range.start, |chunk| chunk.range.start);
        let foretold = at.ok().map(|at| &foresight.chunks[at]).filter(|chunk| chunk.range == range);
        if let (Some(hint), Some(foretold)) = (&mut self.hint, foretold) {
            hint.agree(foretold);
        }
        Cut { range, id: foretold.map(|chunk| chunk.id) }
    }

    /// Finds the cuts by the chunker's rules.
    fn look(&mut self, data: &[u8], is_end: bool) -> Vec<Range<usize>> {
        let has_candidates = self.scan(data);
        let mut chunks = Vec::new();
        let mut done = 0;
        loop {
            let forced = self.next_forced(data.len() - done);
            let part = &data[done..done + forced.unwrap_or(data.len() - done)];
            let cuts = if has_candidates {
                self.chunker.cuts_from_candidates(part.len(), &self.candidates, is_end || forced.is_some())
            } else {
                self.chunker.cuts(part, is_end || forced.is_some())
            };
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            chunks.extend(starts.zip(&cuts).map(|(start, &end)| done + start..done + end));
            let cut = cuts.last().copied().unwrap_or(0);
            self.advance(cut);
            done += cut;
            if forced.is_none() {
                return chunks;
            }
        }
    }

    /// Adds the candidates of bytes not scanned yet; false if the algorithm has no candidates.
    fn scan(&mut self, data: &[u8]) -> bool {
        let seen = self.scanned;
        let new = data.len() - seen;
        let span = new.div_ceil(rayon::current_num_threads()).max(SPAN_BYTES);
        let spans = (0..new.div_ceil(span)).into_par_iter();
        let found: Option<Vec<Vec<usize>>> = spans
            .map(|at| self.chunker.candidates(data, seen + at * span..data.len().min(seen + (at + 1) * span)))
            .collect();
        let Some(found) = found else { return false };
        self.candidates.extend(found.into_iter().flatten());
        self.scanned = data.len();
        true
    }

    /// Distance to the next forced cut, if it is within `len` bytes.
    fn next_forced(&mut self, len: usize) -> Option<usize> {
        while self.forced.next_if(|&at| at <= self.start).is_some() {}
        let distance = usize::try_from(self.forced.peek()? - self.start).ok()?;
        (distance <= len).then_some(distance)
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes as u64;
        self.scanned = self.scanned.saturating_sub(bytes);
        let passed = self.candidates.partition_point(|&at| at <= bytes);
        self.candidates.drain(..passed);
        self.candidates.iter_mut().for_each(|at| *at -= bytes);
    }
}
