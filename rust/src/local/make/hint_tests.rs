//! Checks that a hint, whether right, outdated or foreign, does not change cuts or ids.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::Index as Pick;

use super::cut::Cutter;
use super::hint::Hint;
use super::run::Ids;
use super::tests::{bytes, chunker, within};
use crate::formats::chunk::{ChunkId, DigestAlgorithm};
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};

/// A stream with its forced cuts.
#[derive(Debug, Clone)]
struct Sample {
    data: Vec<u8>,
    forced: Vec<usize>,
}

/// The index of a run in blocks, and how many ids the cutter computed itself.
fn made(chunker: &Chunker, sample: &Sample, hint: Option<&Index>, block: usize) -> (Index, usize) {
    let ids = Ids::new(DigestAlgorithm::Sha256, chunker);
    let flags = FeatureFlags::TREE.with_digest(DigestAlgorithm::Sha256);
    let hint = hint.and_then(|index| Hint::new(index, chunker, flags, &ids));
    let mut cutter = Cutter::new(chunker, sample.forced.iter().map(|&at| at as u64), hint);
    let mut index = Index::new(flags, chunker.sizes());
    let (mut start, mut end, mut known) = (0, 0, 0);
    while end < sample.data.len() {
        end = sample.data.len().min(end + block);
        let data = &sample.data[start..end];
        let cuts = cutter.cut(data, end == sample.data.len());
        for cut in &cuts {
            let id = ids.of(&data[cut.range.clone()]);
            known += usize::from(cut.id.is_some());
            assert_eq!(cut.id.unwrap_or(id), id);
            index.push(id, cut.range.len() as u64).unwrap();
        }
        start += cuts.last().map_or(0, |last| last.range.end);
    }
    (index, known)
}

#[derive(Debug, Clone)]
enum Edit {
    Change(Pick, Vec<u8>),
    Insert(Pick, Vec<u8>),
    Delete(Pick, usize),
    Append(Vec<u8>),
    Truncate(Pick),
    /// A file that becomes large enough for its own chunks, or stops being so.
    Force(Pick),
}

fn edit() -> impl Strategy<Value = Edit> {
    let some = || prop::collection::vec(any::<u8>(), 1..3000);
    prop_oneof![
        (any::<Pick>(), some()).prop_map(|(at, new)| Edit::Change(at, new)),
        (any::<Pick>(), some()).prop_map(|(at, new)| Edit::Insert(at, new)),
        (any::<Pick>(), 1_usize..3000).prop_map(|(at, len)| Edit::Delete(at, len)),
        some().prop_map(Edit::Append),
        any::<Pick>().prop_map(Edit::Truncate),
        any::<Pick>().prop_map(Edit::Force),
    ]
}

/// The sample after the edit; forced cuts move with the bytes after them.
fn edited(mut sample: Sample, edit: &Edit) -> Sample {
    let Sample { data, forced } = &mut sample;
    let len = data.len();
    match edit {
        Edit::Change(at, new) => {
            let at = at.index(len);
            data.iter_mut().skip(at).zip(new).for_each(|(old, &new)| *old = new);
        }
        Edit::Insert(at, new) => {
            let at = at.index(len);
            data.splice(at..at, new.iter().copied());
            forced.iter_mut().filter(|cut| **cut > at).for_each(|cut| *cut += new.len());
        }
        Edit::Delete(at, count) => {
            let at = at.index(len);
            let end = len.min(at + count);
            data.drain(at..end);
            forced.iter_mut().filter(|cut| **cut > at).for_each(|cut| *cut = (*cut).max(end) - (end - at));
        }
        Edit::Append(new) => data.extend(new),
        Edit::Truncate(at) => data.truncate(at.index(len)),
        Edit::Force(at) => {
            let at = at.index(len);
            match forced.iter().position(|&cut| cut >= at) {
                Some(old) if at % 2 == 0 => drop(forced.remove(old)),
                _ => forced.push(at),
            }
        }
    }
    if data.is_empty() {
        data.push(0);
    }
    *forced = within(std::mem::take(forced), data.len());
    sample
}

fn sample() -> impl Strategy<Value = Sample> {
    (any::<u64>(), 1_usize..200_000, prop::collection::vec(0_usize..200_000, 0..12))
        .prop_map(|(seed, len, forced)| Sample { data: bytes(seed, len), forced: within(forced, len) })
}

/// Another list of the same stream's chunks: every end is moved, but every id is right.
fn garbled(chunker: &Chunker, data: &[u8], index: &Index, moves: &[isize]) -> Index {
    let ids = Ids::new(DigestAlgorithm::Sha256, chunker);
    let mut garbled = Index::new(index.flags(), index.sizes());
    let (mut start, mut moves) = (0, moves.iter().cycle());
    while start < data.len() {
        let chunk = index.get(index.positions(start as u64..start as u64 + 1).start).unwrap();
        let shift = *moves.next().unwrap();
        let end = usize::try_from(chunk.end).unwrap().saturating_add_signed(shift);
        let end = end.clamp(start + 1, data.len().min(start + 1024));
        garbled.push(ids.of(&data[start..end]), (end - start) as u64).unwrap();
        start = end;
    }
    garbled
}

proptest! {
    #[test]
    fn hint_of_an_older_version_changes_nothing(
        old in sample(),
        edits in prop::collection::vec(edit(), 0..4),
        block in 2000_usize..80_000,
        fast in any::<bool>(),
    ) {
        let rules = chunker(Algorithm::Casync);
        let by = if fast { chunker(Algorithm::FastCdc) } else { rules.clone() };
        let (hint, _) = made(&by, &old, None, block);
        let new = edits.iter().fold(old, edited);
        let (want, _) = made(&rules, &new, None, block);
        prop_assert_eq!(made(&rules, &new, Some(&hint), block).0, want);
        // Nor does one with other rules.
        let other = chunker(Algorithm::FastCdc);
        prop_assert_eq!(made(&other, &new, Some(&hint), block), made(&other, &new, None, block));
    }

    /// No end is where the rules would cut, but every id is right. (An index with some ends kept and others moved to
    /// boundaries would be one made to deceive, and get through, as the module's documentation says.)
    #[test]
    fn garbage_with_right_ids_changes_nothing(
        sample in sample(),
        moves in prop::collection::vec(prop_oneof![-16_isize..0, 1_isize..17], 1..40),
        block in 2000_usize..80_000,
    ) {
        let rules = chunker(Algorithm::Casync);
        let (want, _) = made(&rules, &sample, None, block);
        let hint = garbled(&rules, &sample.data, &want, &moves);
        prop_assert_eq!(made(&rules, &sample, Some(&hint), block).0, want);
    }
}

#[test]
fn right_hint_tells_nearly_every_cut() {
    let rules = chunker(Algorithm::Casync);
    let sample = Sample { data: bytes(7, 900_000), forced: vec![10, 200_000, 200_100, 700_000] };
    let (index, known) = made(&rules, &sample, None, 50_000);
    assert_eq!(known, 0);
    let (again, known) = made(&rules, &sample, Some(&index), 50_000);
    assert_eq!(again, index);
    assert!(known == index.len(), "{known} of {}", index.len());
}

#[test]
fn index_that_did_not_foretell_cuts_is_not_believed() {
    // Consecutive chunks of the largest size, each containing boundaries, but all ids are right.
    let rules = chunker(Algorithm::Casync);
    let sample = Sample { data: bytes(3, 300 * 1024), forced: vec![5] };
    let (want, _) = made(&rules, &sample, None, 40_000);
    let ids = Ids::new(DigestAlgorithm::Sha256, &rules);
    let mut lie = Index::new(want.flags(), want.sizes());
    lie.push(ids.of(&sample.data[..5]), 5).unwrap();
    sample.data[5..].chunks(1024).for_each(|plain| lie.push(ids.of(plain), plain.len() as u64).unwrap());
    assert_ne!(lie, want);
    assert_eq!(made(&rules, &sample, Some(&lie), 40_000).0, want);
}

#[test]
fn hint_is_for_the_same_rules_only() {
    let rules = chunker(Algorithm::Casync);
    let sample = Sample { data: bytes(5, 100_000), forced: vec![10] };
    let (index, _) = made(&rules, &sample, None, 50_000);
    let ids = Ids::new(DigestAlgorithm::Sha256, &rules);
    let taken = |index: &Index, chunker: &Chunker, flags| Hint::new(index, chunker, flags, &ids).is_some();
    assert!(taken(&index, &rules, index.flags()));
    assert!(!taken(&index, &rules, FeatureFlags::TREE));
    assert!(!taken(&index, &chunker(Algorithm::FastCdc), index.flags()));
    let larger = Chunker::new(Algorithm::Casync, ChunkSizes::new(64, 256, 2048).unwrap()).unwrap();
    assert!(!taken(&index, &larger, index.flags()));
    let (exact, _) = made(&rules, &Sample { forced: Vec::new(), ..sample }, None, 50_000);
    assert!(!taken(&exact, &rules, exact.flags()));
    let different: HashSet<ChunkId> = index.iter().map(|chunk| chunk.id).collect();
    assert!(different.len() > 100, "the sample is too dull to prove anything");
}
