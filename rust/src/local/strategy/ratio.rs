//! How well chunks compress that nobody has seen yet. An index has no stored sizes; a release has the sum of them.

use std::collections::HashMap;

use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;

/// A version: its index, and the stored size of its chunks in bytes, 0 if unknown.
#[derive(Debug, Clone, Copy)]
pub struct VersionSize<'a> {
    /// Its index.
    pub index: &'a Index,
    /// Total size of its distinct chunks, as stored.
    pub stored_bytes: u64,
}

/// Estimates the stored size of the chunks of `to` that `installed` lacks, relative to their plain size: from 0 to 1.
///
/// Where a version only adds chunks, what it adds is the difference of the two sums, however well the rest compresses.
/// The more chunks it also leaves out, the less that difference says, and the more the average of `to` counts.
pub fn stored_ratio(to: VersionSize<'_>, installed: Option<VersionSize<'_>>) -> f64 {
    let new = distinct(to.index);
    let average = average(&new, to.stored_bytes);
    let Some(installed) = installed.filter(|it| it.stored_bytes > 0 && to.stored_bytes > 0) else { return average };
    let old = distinct(installed.index);
    let added = missing(&new, &old);
    if added == 0 {
        return average;
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    {
        let kept = sum(&new).saturating_sub(added) as f64 * self::average(&old, installed.stored_bytes);
        let difference = ((to.stored_bytes as f64 - kept) / added as f64).clamp(0.0, 1.0);
        let doubt = (missing(&old, &new) as f64 / added as f64).min(1.0);
        difference * (1.0 - doubt) + average * doubt
    }
}

fn distinct(index: &Index) -> HashMap<ChunkId, u64> {
    index.iter().map(|chunk| (chunk.id, chunk.size())).collect()
}

fn sum(chunks: &HashMap<ChunkId, u64>) -> u64 {
    chunks.values().sum()
}

/// Bytes of the chunks that the others lack.
fn missing(chunks: &HashMap<ChunkId, u64>, others: &HashMap<ChunkId, u64>) -> u64 {
    chunks.iter().filter(|(id, _)| !others.contains_key(id)).map(|(_, size)| size).sum()
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn average(chunks: &HashMap<ChunkId, u64>, stored_bytes: u64) -> f64 {
    match stored_bytes {
        0 => 1.0,
        stored => (stored as f64 / sum(chunks).max(1) as f64).min(1.0),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "rounded to whole numbers")]
mod tests {
    use super::*;
    use crate::formats::index::{ChunkSizes, FeatureFlags};

    /// Chunks with these names, of this many bytes each.
    const SIZE: u64 = 40_000;

    fn index(names: &[u8]) -> Index {
        let mut made = Index::new(FeatureFlags::BLOB, ChunkSizes::default());
        for name in names {
            made.push(ChunkId::from_bytes([*name; 32]), SIZE).unwrap();
        }
        made
    }

    /// The ratio for versions whose stored sizes are given in hundredths of a chunk, in per cent.
    fn percent(to: (&[u8], u64), installed: Option<(&[u8], u64)>) -> f64 {
        let stored = |hundredths: u64| hundredths * SIZE / 100;
        let to_index = index(to.0);
        let old = installed.map(|(names, hundredths)| (index(names), stored(hundredths)));
        let old = old.as_ref().map(|(index, stored_bytes)| VersionSize { index, stored_bytes: *stored_bytes });
        let found = stored_ratio(VersionSize { index: &to_index, stored_bytes: stored(to.1) }, old);
        (found * 100.0).round()
    }

    #[test]
    fn without_another_version_the_average_is_all_that_is_known() {
        assert_eq!(percent((&[1, 2, 3, 4], 200), None), 50.0);
        assert_eq!(percent((&[1, 2], 0), None), 100.0, "nothing is known");
        assert_eq!(percent((&[1, 1, 2, 2], 100), None), 50.0, "equal chunks are stored once");
    }

    #[test]
    fn what_is_only_added_has_the_size_of_the_difference() {
        // Three chunks that compress to a tenth, and one that does not compress; then the other way round.
        assert_eq!(percent((&[1, 2, 3, 4], 130), Some((&[1, 2, 3], 30))), 100.0);
        assert_eq!(percent((&[1, 2, 3, 4], 310), Some((&[1, 2, 3], 300))), 10.0);
    }

    #[test]
    fn what_replaces_as_much_has_the_average() {
        assert_eq!(percent((&[1, 2, 3, 4], 120), Some((&[1, 2, 3, 5], 200))), 30.0);
        assert_eq!(percent((&[1, 2], 120), Some((&[1, 2], 120))), 60.0, "the same version");
    }

    #[test]
    fn what_is_stored_is_neither_less_than_nothing_nor_more_than_it_is() {
        assert_eq!(percent((&[1, 2], 50), Some((&[1], 90))), 0.0);
        assert_eq!(percent((&[1, 2], 200), Some((&[1], 1))), 100.0);
    }
}
