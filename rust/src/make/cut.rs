//! Finds the cuts of a stream that comes in blocks, with all threads where the algorithm allows it.
//!
//! The cuts do not depend on the blocks nor on the number of threads: what is not cut at a block's end is
//! carried over, together with the candidates that were found in it.

use std::iter::Peekable;
use std::ops::Range;

use rayon::prelude::*;

use crate::archive::{Layout, NodeKind};
use crate::chunker::Chunker;

/// Files of this size and more begin and end with a cut of their own, if forced cuts are wanted, in bytes.
const OWN_CHUNKS_BYTES: u64 = 64 << 10;

/// No thread scans less than this, in bytes: below it handing over costs more than it gains.
const SPAN_BYTES: usize = 128 << 10;

/// Where a stream is cut whatever its bytes are: ascending.
pub(super) fn forced(layout: &Layout) -> impl Iterator<Item = u64> + '_ {
    let large = layout.nodes().iter().filter_map(|node| match &node.kind {
        NodeKind::File { payload } if node.payload_bytes() >= OWN_CHUNKS_BYTES => Some(payload),
        _ => None,
    });
    large.flat_map(|payload| [payload.start, payload.end])
}

/// The state between two blocks.
pub(super) struct Cutter<'a, F: Iterator<Item = u64>> {
    chunker: &'a Chunker,
    forced: Peekable<F>,
    /// Where in the stream the chunk begins that is not cut yet, in bytes.
    start: u64,
    /// Boundaries already found in that chunk, counted from its start.
    candidates: Vec<usize>,
}

impl<'a, F: Iterator<Item = u64>> Cutter<'a, F> {
    pub(super) fn new(chunker: &'a Chunker, forced: F) -> Self {
        Self { chunker, forced: forced.peekable(), start: 0, candidates: Vec::new() }
    }

    /// The chunks that end in `data`: the bytes since the last cut, of which `seen` were given before.
    /// What comes after the last of them is to be given again.
    pub(super) fn cut(&mut self, data: &[u8], seen: usize, is_end: bool) -> Vec<Range<usize>> {
        let scanned = self.scan(data, seen);
        let mut chunks = Vec::new();
        let mut done = 0;
        loop {
            let forced = self.next_forced(data.len() - done);
            let part = &data[done..done + forced.unwrap_or(data.len() - done)];
            let cuts = if scanned {
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

    /// Adds the candidates of the new bytes; false if the algorithm has none.
    fn scan(&mut self, data: &[u8], seen: usize) -> bool {
        let new = data.len() - seen;
        let span = new.div_ceil(rayon::current_num_threads()).max(SPAN_BYTES);
        let spans = (0..new.div_ceil(span)).into_par_iter();
        let found: Option<Vec<Vec<usize>>> = spans
            .map(|at| self.chunker.candidates(data, seen + at * span..data.len().min(seen + (at + 1) * span)))
            .collect();
        let Some(found) = found else { return false };
        self.candidates.extend(found.into_iter().flatten());
        true
    }

    /// How far the next forced cut is, if it is within `len` bytes.
    fn next_forced(&mut self, len: usize) -> Option<usize> {
        while self.forced.next_if(|&at| at <= self.start).is_some() {}
        let distance = usize::try_from(self.forced.peek()? - self.start).ok()?;
        (distance <= len).then_some(distance)
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes as u64;
        let passed = self.candidates.partition_point(|&at| at <= bytes);
        self.candidates.drain(..passed);
        self.candidates.iter_mut().for_each(|at| *at -= bytes);
    }
}
