//! Reuses the cuts of the previous make where the bytes are unchanged.
//!
//! Where a chunk of the previous index begins at a cut of the stream, its bytes are hashed before any search for
//! boundaries. If the id is the same, the bytes are too, and the same rules cut them in the same place, so the search
//! can be skipped. Conditions from outside the chunk are checked again: it must not contain a forced cut, and its end
//! must be justified on its own (a forced cut, the end of the stream, the largest size, or a boundary of the hash).
//!
//! An index does not record how it was cut. So it is trusted only if it has forced cuts, which no other program makes,
//! and only after it has predicted [`AGREED_CHUNKS`] boundaries that were then found by search. An index made by
//! `FastCDC` would match those only by chance, once in an average chunk each. Only an index made to deceive gets
//! through, and it can move cuts but never change bytes: every id is computed from the bytes that were read. Therefore
//! streams that must be cut exactly as casync does (blobs, and trees without forced cuts) use no hint.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::has_forced_cuts;
use super::run::Ids;
use crate::formats::chunk::ChunkId;
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::{FeatureFlags, Index};

/// Distinct chunks that an index must predict before it is trusted.
const AGREED_CHUNKS: usize = 8;

/// A previous index that may predict the cuts.
pub(super) struct Hint<'a> {
    index: &'a Index,
    ids: &'a Ids,
    agreed: HashSet<ChunkId>,
}

/// A chunk of the previous index whose bytes were read and hashed.
pub(super) struct Foretold {
    /// Its range in the data.
    pub(super) range: Range<usize>,
    /// The id of the current bytes.
    pub(super) id: ChunkId,
    /// Whether the previous index has the same id.
    pub(super) is_same: bool,
    /// Whether the hash alone asks for a cut at its end.
    is_natural: bool,
}

/// Consecutive chunks of the previous index, from the start of the data.
#[derive(Default)]
pub(super) struct Foresight {
    pub(super) chunks: Vec<Foretold>,
    /// Whether the bytes after them belong to one more chunk, which more data will complete.
    pub(super) goes_on: bool,
}

/// The data whose cuts are to be predicted.
pub(super) struct ForesightView<'a> {
    pub(super) chunker: &'a Chunker,
    pub(super) data: &'a [u8],
    /// Position of the data in the stream.
    pub(super) start: u64,
    /// Whether the stream ends with the data.
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

    /// Whether enough predictions were right.
    pub(super) fn is_believed(&self) -> bool {
        self.agreed.len() >= AGREED_CHUNKS
    }

    /// Counts a cut that was found by search and had been predicted.
    pub(super) fn agree(&mut self, foretold: &Foretold) {
        if foretold.is_same && foretold.is_natural && !self.is_believed() {
            self.agreed.insert(foretold.id);
        }
    }

    /// The predicted chunks that the rules allow, hashed. `forced` ascends.
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
