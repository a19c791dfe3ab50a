//! Compares the cutter with the plain definition: cut at every forced position, and from end to end between them.

use std::ops::Range;

use proptest::prelude::*;

use super::cut::Cutter;
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::ChunkSizes;

pub(super) fn chunker(algorithm: Algorithm) -> Chunker {
    Chunker::new(algorithm, ChunkSizes::new(64, 256, 1024).unwrap()).unwrap()
}

pub(super) fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Runs of zeros among noise yield chunks of the largest size.
        if state.to_le_bytes()[5] < 32 { 0 } else { state.to_le_bytes()[3] }
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Positions inside a stream of this length: ascending, without duplicates.
pub(super) fn within(mut list: Vec<usize>, len: usize) -> Vec<usize> {
    list.sort_unstable();
    list.dedup();
    list.retain(|&at| 0 < at && at < len);
    list
}

fn by_definition(chunker: &Chunker, data: &[u8], forced: &[usize]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for &end in forced.iter().chain([&data.len()]) {
        for cut in chunker.cuts(&data[start..end], true) {
            let from = found.last().map_or(0, |last: &Range<usize>| last.end);
            found.push(from..start + cut);
        }
        start = end;
    }
    found
}

fn in_blocks(chunker: &Chunker, data: &[u8], forced: &[usize], blocks: &[usize]) -> Vec<Range<usize>> {
    let mut cutter = Cutter::new(chunker, forced.iter().map(|&at| at as u64), None);
    let (mut found, mut start) = (Vec::new(), 0);
    for &end in blocks.iter().chain([&data.len()]) {
        let chunks = cutter.cut(&data[start..end], end == data.len());
        let done = chunks.last().map_or(0, |last| last.range.end);
        found.extend(chunks.into_iter().map(|chunk| start + chunk.range.start..start + chunk.range.end));
        start += done;
    }
    found
}

proptest! {
    #[test]
    fn blocks_and_threads_do_not_move_cuts(
        seed in any::<u64>(),
        len in 1_usize..600_000,
        forced in prop::collection::vec(0_usize..600_000, 0..12),
        blocks in prop::collection::vec(0_usize..600_000, 0..8),
        fast in any::<bool>(),
    ) {
        let chunker = chunker(if fast { Algorithm::FastCdc } else { Algorithm::Casync });
        let data = bytes(seed, len);
        let (forced, blocks) = (within(forced, len), within(blocks, len));
        let found = in_blocks(&chunker, &data, &forced, &blocks);
        prop_assert_eq!(&found, &by_definition(&chunker, &data, &forced));
        prop_assert!(found.iter().all(|chunk| chunk.len() <= 1024));
    }
}
