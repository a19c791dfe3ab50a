//! The cuts of the last make, taken over where the bytes are still the same.
//!
//! Where a chunk of the last index begins at a cut of the stream, its bytes are hashed before anybody
//! looks for boundaries in them. If the id is the same, the bytes are, and the same rules cut them in the
//! same place: finding the boundaries again can be left out. What the rules take from outside the chunk
//! is asked again: no forced cut may lie within it, and its end must still be one by itself (a forced
//! cut, the end of the stream, the largest size, or a boundary of the hash).
//!
//! An index does not say who cut it. So one is believed only if it has forced cuts, which no other
//! program makes, and only after it has foretold [`AGREED_CHUNKS`] boundaries that were then found by
//! looking. One by `FastCDC` would have to meet those by chance, each with one in an average chunk. Only
//! an index that was put together to deceive passes, and it can move cuts, but never change bytes: every
//! id is of the bytes that were read. For that reason streams that must be cut as casync cuts them,
//! blobs and trees without forced cuts, take no hint at all.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::has_forced_cuts;
use super::run::Ids;
use crate::formats::chunk::ChunkId;
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::{FeatureFlags, Index};

/// Different chunks that an index must have foretold before it is believed.
const AGREED_CHUNKS: usize = 8;

/// An index that may tell the cuts.
pub(super) struct Hint<'a> {
    index: &'a Index,
    ids: &'a Ids,
    agreed: HashSet<ChunkId>,
}

/// A chunk of the last index whose bytes were read and hashed.
pub(super) struct Foretold {
    /// Where it is in the data.
    pub(super) range: Range<usize>,
    /// Of the bytes that are there now.
    pub(super) id: ChunkId,
    /// Whether the index has the same.
    pub(super) is_same: bool,
    /// Whether the hash alone asks for its end.
    is_natural: bool,
}

/// Chunks of the last index, one after the other from the data's start.
#[derive(Default)]
pub(super) struct Foresight {
    pub(super) chunks: Vec<Foretold>,
    /// Whether what follows them in the data belongs to one more, that more data will complete.
    pub(super) goes_on: bool,
}

/// What is known about the data whose cuts are to be foretold.
pub(super) struct ForesightView<'a> {
    pub(super) chunker: &'a Chunker,
    pub(super) data: &'a [u8],
    /// Where the data begins in the stream.
    pub(super) start: u64,
    /// Whether the stream ends with it.
    pub(super) is_end: bool,
}

impl<'a> Hint<'a> {
    /// The index as a hint, if it can be one for a tree with forced cuts.
    pub(super) fn new(index: &'a Index, chunker: &Chunker, flags: FeatureFlags, ids: &'a Ids) -> Option<Self> {
        let is_fit = index.flags() == flags
            && index.sizes() == chunker.sizes()
            && chunker.algorithm() == Algorithm::Casync
            && has_forced_cuts(index);
        is_fit.then(|| Self { index, ids, agreed: HashSet::new() })
    }

    /// Whether it has earned belief.
    pub(super) fn is_believed(&self) -> bool {
        self.agreed.len() >= AGREED_CHUNKS
    }

    /// Takes note of a cut that was found by looking and had been foretold.
    pub(super) fn agree(&mut self, foretold: &Foretold) {
        if foretold.is_same && foretold.is_natural && !self.is_believed() {
            self.agreed.insert(foretold.id);
        }
    }

    /// The chunks that the rules allow where the index has them, hashed. `forced` ascends.
    pub(super) fn look(&self, view: &ForesightView<'_>, forced: impl Iterator<Item = u64>) -> Foresight {
        let (listed, goes_on) = self.allowed(view, forced);
        let hash = |(range, id, is_natural): (Range<usize>, ChunkId, bool)| {
            let now = self.ids.of(&view.data[range.clone()]);
            Foretold { range, id: now, is_same: now == id, is_natural }
        };
        Foresight { chunks: listed.into_par_iter().with_max_len(1).map(hash).collect(), goes_on }
    }

    fn allowed(
        &self,
        view: &ForesightView<'_>,
        forced: impl Iterator<Item = u64>,
    ) -> (Vec<(Range<usize>, ChunkId, bool)>, bool) {
        let mut forced = forced.peekable();
        let mut listed = Vec::new();
        let mut at = 0;
        let first = self.index.positions(view.start..view.start.saturating_add(1)).start;
        for position in first..self.index.len() {
            let Some(chunk) = self.index.get(position) else { break };
            while forced.next_if(|&cut| cut <= chunk.start).is_some() {}
            let next = forced.peek().copied().unwrap_or(u64::MAX);
            if chunk.start != view.start + at as u64 || next < chunk.end {
                break;
            }
            let end = usize::try_from(chunk.end - view.start).unwrap_or(usize::MAX);
            if end > view.data.len() {
                return (listed, !view.is_end);
            }
            let is_given = next == chunk.end
                || chunk.size() == view.chunker.sizes().max()
                || (view.is_end && end == view.data.len());
            let asked = || view.chunker.candidates(view.data, end - 1..end).is_some_and(|found| !found.is_empty());
            if !is_given && (chunk.size() < view.chunker.sizes().min() || !asked()) {
                break;
            }
            listed.push((at..end, chunk.id, !is_given));
            at = end;
        }
        let is_whole = at == view.data.len();
        (listed, is_whole)
    }
}
