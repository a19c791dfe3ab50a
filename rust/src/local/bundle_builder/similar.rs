//! Finds the parts of an old version that are most similar to given bytes of a new one, wherever they have moved.
//!
//! A rolling hash marks stretches of 64 bytes, about one in a hundred positions. For each, the hash and the enclosing
//! block are kept: a sketch of the old stream that fits in memory whatever the stream's size. New bytes vote for the
//! blocks that share marked stretches with them; blocks at the same path, or next to good ones, get additional votes.
//! The blocks with most votes make up the prefix. The rolling hash is Gear (Xia et al., "Ddelta", 2014).

use std::collections::HashMap;
use std::ops::Range;

/// Granularity of a prefix, in bytes.
const BLOCK_BYTES: u64 = 16 << 10;

/// Most marks in a sketch; longer streams are marked more sparsely.
const MAX_MARKS: u64 = 4 << 20;

/// log2 of the smallest mean distance between marks.
const MIN_SPACING_LOG: u32 = 7;

/// A stretch in more blocks than this says nothing about similarity.
const MAX_PLACES: usize = 8;

/// A mark: the hash of 64 bytes, and the number of the old stream's block that contains them.
type Mark = (u64, u32);

/// The marks of an old version.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    /// Sorted by hash.
    marks: Vec<Mark>,
    spacing_log: u32,
    stream_bytes: u64,
}

/// Similarity of some new bytes to the blocks of the old version: block number to votes.
#[derive(Debug, Default)]
pub(super) struct Votes(HashMap<u32, f32>);

/// log2 of the distance between marks in a stream of this length.
pub(super) fn spacing_log(stream_bytes: u64) -> u32 {
    (stream_bytes / MAX_MARKS).max(1).next_power_of_two().trailing_zeros().max(MIN_SPACING_LOG)
}

/// The marks of bytes at position `start` of a stream.
pub(super) fn marks_of(bytes: &[u8], start: u64, spacing_log: u32) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut hash = 0_u64;
    let mask = !0 << (64 - spacing_log);
    for (at, byte) in bytes.iter().enumerate() {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
        // Before 64 bytes, the hash does not depend on these bytes alone.
        if hash & mask == 0 && at >= 63 {
            marks.push((hash, u32::try_from((start + at as u64) / BLOCK_BYTES).unwrap_or(u32::MAX)));
        }
    }
    marks
}

impl Sketch {
    pub(super) fn new(mut marks: Vec<Mark>, stream_bytes: u64) -> Self {
        marks.sort_unstable();
        marks.dedup();
        Self { marks, spacing_log: spacing_log(stream_bytes), stream_bytes }
    }

    /// Lets new bytes vote for blocks.
    pub(super) fn vote(&self, bytes: &[u8], votes: &mut Votes) {
        for (hash, _) in marks_of(bytes, 0, self.spacing_log) {
            let first = self.marks.partition_point(|mark| mark.0 < hash);
            let places = self.marks[first..].iter().take_while(|mark| mark.0 == hash).take(MAX_PLACES + 1);
            let places: Vec<u32> = places.map(|mark| mark.1).collect();
            if places.len() <= MAX_PLACES {
                #[expect(clippy::cast_precision_loss, reason = "8 at the most")]
                let weight = 1.0 / places.len() as f32;
                for block in places {
                    *votes.0.entry(block).or_default() += weight;
                }
            }
        }
    }

    /// Adds votes for a range of the old stream for another reason.
    pub(super) fn hint(range: &Range<u64>, weight: f32, votes: &mut Votes) {
        if range.is_empty() {
            return;
        }
        let block = |at: u64| u32::try_from(at / BLOCK_BYTES).unwrap_or(u32::MAX);
        for block in block(range.start)..=block(range.end - 1) {
            *votes.0.entry(block).or_default() += weight;
        }
    }

    /// The ranges with most votes, of at most `max_bytes` in total, in order and separate.
    pub(super) fn choose(&self, votes: &Votes, max_bytes: u64) -> Vec<Range<u64>> {
        let mut scores: HashMap<u32, f32> = votes.0.clone();
        for (block, votes) in &votes.0 {
            // Neighbours of a similar block are probably similar too.
            for neighbour in [block.saturating_sub(1), block.saturating_add(1)] {
                *scores.entry(neighbour).or_default() += votes / 8.0;
            }
        }
        let mut ranked: Vec<(u32, f32)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let most = usize::try_from(max_bytes / BLOCK_BYTES).unwrap_or(usize::MAX);
        let mut blocks: Vec<u32> = ranked.into_iter().take(most).map(|(block, _)| block).collect();
        blocks.sort_unstable();
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for block in blocks {
            let start = u64::from(block) * BLOCK_BYTES;
            let end = (start + BLOCK_BYTES).min(self.stream_bytes);
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ if start < end => ranges.push(start..end),
                _ => {}
            }
        }
        ranges
    }
}

/// Random numbers (`SplitMix64`, Steele et al. 2014). They decide what counts as similar, and are not part of any file.
const GEAR: [u64; 256] = {
    let mut table = [0; 256];
    let mut state = 0_u64;
    let mut at = 0;
    while at < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[at] = mixed ^ (mixed >> 31);
        at += 1;
    }
    table
};
