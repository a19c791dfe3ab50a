//! Both forms of the chunker cut alike, wherever the data is split, and respect the sizes. The first six bytes are the
//! sizes, the split and how often the data is repeated; the rest is the data.

use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::ChunkSizes;

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&[min, avg, max, split, repeats, algorithm], data)) = bytes.split_first_chunk::<6>() else { return };
    let data = data.repeat(1 + usize::from(repeats % 16));
    let (min, algorithm) = match algorithm % 4 {
        0 => (64 + u64::from(min) % 192, Algorithm::FastCdc),
        _ => (1 + u64::from(min), Algorithm::Casync),
    };
    let avg = min.max(if algorithm == Algorithm::FastCdc { 256 } else { 0 }) + u64::from(avg) / 2 * 2;
    let max = avg + u64::from(max) * 8;
    let Ok(sizes) = ChunkSizes::new(min, avg, max) else { return };
    let Ok(chunker) = Chunker::new(algorithm, sizes) else { return };
    let split = data.len() * usize::from(split) / 255;
    let whole = chunker.cuts(&data, true);
    check_sizes(&whole, data.len(), min as usize, max as usize);
    check_pieces(&chunker, &data, split, &whole);
    let spans = [0..split, split..data.len()].map(|span| chunker.candidates(&data, span));
    if let [Some(mut first), Some(second)] = spans {
        first.extend(second);
        assert_eq!(chunker.cuts_from_candidates(data.len(), &first, true), whole);
        assert_eq!(chunker.cuts_from_candidates(data.len(), &first, false), chunker.cuts(&data, false));
    }
}

fn check_sizes(cuts: &[usize], end: usize, min: usize, max: usize) {
    assert_eq!(cuts.last().copied().unwrap_or(0), end);
    let mut last = 0;
    for &cut in cuts {
        assert!(cut - last <= max && cut > last, "{last} to {cut}");
        assert!(cut - last >= min || cut == end, "{last} to {cut}");
        last = cut;
    }
}

// Cuts the first part alone, then its rest together with the second part.
fn check_pieces(chunker: &Chunker, data: &[u8], split: usize, whole: &[usize]) {
    let mut cuts = chunker.cuts(&data[..split], false);
    let start = cuts.last().copied().unwrap_or(0);
    cuts.extend(chunker.cuts(&data[start..], true).into_iter().map(|cut| start + cut));
    assert_eq!(cuts, whole);
}
