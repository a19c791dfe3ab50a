//! Checks the chunkers against published vectors, against the simplest form of the algorithm, and their two forms
//! against each other.

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

fn chunker(algorithm: Algorithm, min: u64, avg: u64, max: u64) -> Chunker {
    Chunker::new(algorithm, ChunkSizes::new(min, avg, max).unwrap()).unwrap()
}

fn casync(min: u64, avg: u64, max: u64) -> Chunker {
    chunker(Algorithm::Casync, min, avg, max)
}

/// SHA-256 of 0, 1, 2, ... as little-endian u64, concatenated.
fn test_stream(bytes: usize) -> Vec<u8> {
    (0_u64..).flat_map(|i| Sha256::digest(i.to_le_bytes())).take(bytes).collect()
}

/// Computes the cuts in both forms, the second from `spans` spans, and compares them.
fn both(chunker: &Chunker, data: &[u8], is_end: bool, spans: usize) -> Vec<usize> {
    let cuts = chunker.cuts(data, is_end);
    let mut candidates = Vec::new();
    for span in 0..spans {
        let span = data.len() * span / spans..data.len() * (span + 1) / spans;
        candidates.extend(chunker.candidates(data, span).unwrap());
    }
    assert_eq!(chunker.cuts_from_candidates(data.len(), &candidates, is_end), cuts, "{spans} spans");
    cuts
}

#[test]
fn table_is_the_one_of_casync() {
    let bytes: Vec<u8> = table::INCOMING.iter().flat_map(|word| word.to_le_bytes()).collect();
    let want = "5b52080d38287da9d2e278466e3e0db7ec98e5e8b226f50612a56fa012b1f660";
    assert_eq!(hex::encode(Sha256::digest(bytes)), want);
}

#[test]
fn discriminator_has_the_values_of_casync() {
    let of = |avg: u64| discriminator(ChunkSizes::new(avg / 4, avg, avg * 4).unwrap());
    let kib = [16, 64, 256, 1024, 4096].map(|kib| of(kib << 10));
    assert_eq!(kib, [12_318, 49_535, 202_440, 886_711, 5_721_670]);
    let narrow = |min, max| discriminator(ChunkSizes::new(min, 65_536, max).unwrap());
    assert_eq!(narrow(60_000, 70_000), 60_000);
    assert_eq!(discriminator(ChunkSizes::new(1 << 20, 8 << 20, 9 << 20).unwrap()), 9 << 20);
}

#[test]
fn test_stream_is_cut_where_casync_cuts_it() {
    let data = test_stream(1 << 20);
    let want = [
        80_921, 138_220, 187_412, 237_372, 296_795, 348_909, 437_333, 483_751, 584_033, 676_269, 776_182, 792_964,
        865_744, 907_329, 945_783, 1_048_576,
    ];
    for spans in 1..6 {
        assert_eq!(both(&casync(16 << 10, 64 << 10, 256 << 10), &data, true, spans), want);
    }
    let small = both(&casync(4 << 10, 16 << 10, 64 << 10), &data, true, 3);
    assert_eq!(small[..8], [36_420, 85_922, 105_934, 111_979, 130_374, 136_515, 161_843, 185_480]);
}

/// The algorithm as a paper would describe it: no rolling, no filter, no skipping.
fn plainest(min: usize, max: usize, d: u32, data: &[u8], is_end: bool) -> Vec<usize> {
    let hash = |at: usize| {
        let window = &data[at - WINDOW..at];
        (0_u32..).zip(window).fold(0, |h, (i, &b)| h ^ table::INCOMING[usize::from(b)].rotate_left(47 - i))
    };
    let (mut cuts, mut start) = (Vec::new(), 0);
    for at in 1..=data.len() {
        let length = at - start;
        let ends = length == max || (is_end && at == data.len());
        if ends || (length >= min && hash(at) % d == d - 1) {
            cuts.push(at);
            start = at;
        }
    }
    cuts
}

/// 48 bytes from the test stream, after which a chunker of 16/64/256 KiB cuts.
fn boundary_window() -> Vec<u8> {
    test_stream(80_921)[80_921 - 48..].to_vec()
}

#[test]
fn cuts_at_exactly_the_minimum_and_never_below() {
    let (min, max) = (16 << 10, 256 << 10);
    let sizes = casync(16 << 10, 64 << 10, 256 << 10);
    let planted = |ends: &[usize]| {
        let mut data = vec![0; max + 2 * min];
        for &end in ends {
            data[end - 48..end].copy_from_slice(&boundary_window());
        }
        data
    };
    let end = max + 2 * min;
    assert_eq!(both(&sizes, &planted(&[min]), true, 3), [min, min + max, end]);
    assert_eq!(both(&sizes, &planted(&[min, 2 * min]), true, 3), [min, 2 * min, end]);
    assert_eq!(both(&sizes, &planted(&[min, 2 * min - 1]), true, 3), [min, min + max, end]);
    assert_eq!(both(&sizes, &planted(&[min - 1]), true, 3), [max, end]);
    assert_eq!(both(&sizes, &planted(&[min - 1, min + 48]), true, 3), [min + 48, min + 48 + max, end]);
}

#[test]
fn finds_a_boundary_at_every_distance_and_at_the_end_of_the_data() {
    let min = 16 << 10;
    let sizes = casync(16 << 10, 64 << 10, 256 << 10);
    let window = boundary_window();
    for end in min..min + 1500 {
        let data = [&vec![0; end - 48][..], &window].concat();
        assert_eq!(both(&sizes, &data, false, 3), [end]);
    }
}

#[test]
fn spans_of_one_byte_give_their_own_candidate_only() {
    let sizes = casync(16 << 10, 64 << 10, 256 << 10);
    let data = boundary_window();
    for at in 0..48 {
        let want = if at == 47 { vec![48] } else { vec![] };
        assert_eq!(sizes.candidates(&data, at..at + 1), Some(want));
    }
    assert_eq!(sizes.candidates(&data, 48..60), Some(vec![]));
    assert_eq!(sizes.candidates(&data, 0..usize::MAX), Some(vec![48]));
}

#[test]
fn cuts_at_exactly_the_maximum_and_never_above() {
    let max = 256 << 10;
    let sizes = casync(16 << 10, 64 << 10, 256 << 10);
    for end in [max - 1, max, max + 1] {
        let mut data = vec![0; 2 * max];
        data[end - 48..end].copy_from_slice(&boundary_window());
        assert_eq!(both(&sizes, &data, true, 2)[0], end.min(max));
    }
    assert_eq!(both(&sizes, &vec![0; 2 * max + 5], true, 1), [max, 2 * max, 2 * max + 5]);
    assert_eq!(both(&sizes, &vec![0; 2 * max + 5], false, 1), [max, 2 * max]);
    assert_eq!(both(&sizes, &vec![0; max], false, 1), [max]);
    assert_eq!(both(&sizes, &vec![0; max - 1], false, 1), [0; 0]);
}

#[test]
fn three_equal_sizes_are_fixed_chunks() {
    for size in [1, 47, 48, 100] {
        let sizes = casync(size, size, size);
        let size = in_memory(size);
        let data = test_stream(5 * size + size / 2);
        let mut want: Vec<usize> = (1..6).map(|n| n * size).collect();
        assert_eq!(both(&sizes, &data, false, 2), want);
        want.extend((size / 2 > 0).then_some(data.len()));
        assert_eq!(both(&sizes, &data, true, 2), want);
    }
}

#[test]
fn both_forms_cut_eight_mebibytes_alike() {
    let data = test_stream(8 << 20);
    for (sizes, chunks) in [
        (casync(4 << 10, 16 << 10, 64 << 10), 512),
        (casync(16 << 10, 64 << 10, 256 << 10), 128),
        (casync(1000, 3001, 20_000), 2796),
    ] {
        let cuts = both(&sizes, &data, true, 2);
        assert!((chunks * 3 / 4..chunks * 4 / 3).contains(&cuts.len()), "{}: {}", sizes.description(), cuts.len());
        assert_eq!(both(&sizes, &data, true, 7), cuts);
    }
}

#[test]
fn fastcdc_cuts_the_test_stream_where_it_always_did() {
    let chunker = chunker(Algorithm::FastCdc, 16 << 10, 64 << 10, 256 << 10);
    let data = test_stream(1 << 20);
    let want = [
        151_071, 238_729, 359_953, 436_299, 462_774, 578_525, 650_691, 760_745, 783_747, 845_094, 933_107, 952_666,
        1_018_745, 1_048_576,
    ];
    assert_eq!(chunker.cuts(&data, true), want);
    assert_eq!(chunker.candidates(&data, 0..data.len()), None);
    assert_eq!(chunker.cuts_from_candidates(data.len(), &[], true), [0; 0]);
}

#[test]
fn fastcdc_cuts_zeros_at_the_maximum() {
    for (min, avg, max) in [(4, 16, 64), (16, 64, 256), (64, 256, 1024)] {
        let chunker = chunker(Algorithm::FastCdc, min << 10, avg << 10, max << 10);
        let max = in_memory(max << 10);
        let zeros = vec![0; 2 * max + 3];
        assert_eq!(chunker.cuts(&zeros, true), [max, 2 * max, 2 * max + 3]);
        assert_eq!(chunker.cuts(&zeros, false), [max, 2 * max]);
        assert_eq!(chunker.cuts(&zeros[..max], false), [max]);
    }
}

#[test]
fn names_and_descriptions_are_stable() {
    assert_eq!(casync(16 << 10, 64 << 10, 256 << 10).description(), "casync;16384/65536/262144");
    let fastcdc = chunker(Algorithm::FastCdc, 16 << 10, 64 << 10, 256 << 10);
    assert_eq!(fastcdc.description(), "fastcdc-v2020;nc=1;16384/65536/262144");
    for algorithm in [Algorithm::Casync, Algorithm::FastCdc] {
        let name = algorithm.to_string();
        assert_eq!(name.parse::<Algorithm>().unwrap(), algorithm);
        assert_eq!(serde_json::to_value(algorithm).unwrap(), name.as_str());
    }
    assert_eq!("FastCDC".parse::<Algorithm>().unwrap_err().code(), "invalid_argument");
}

#[test]
fn sizes_without_a_meaning_are_refused() {
    use Algorithm::{Casync, FastCdc};
    const MIB: u64 = 1 << 20;
    for (algorithm, min, avg, max, good) in [
        (Casync, 47, 64, 128, false),
        (Casync, 48, 64, 128, true),
        (Casync, 47, 47, 48, false),
        (Casync, 48, 8 * MIB, 16 * MIB, true),
        (Casync, 48, 8 * MIB + 1, 16 * MIB, false),
        (Casync, 16 * MIB, 16 * MIB, 16 * MIB, true),
        (FastCdc, 64, 256, 1024, true),
        (FastCdc, 62, 256, 1024, false),
        (FastCdc, 64, 254, 1024, false),
        (FastCdc, 64, 256, 1022, false),
        (FastCdc, 65, 256, 1024, false),
        (FastCdc, 64, 257, 1024, false),
        (FastCdc, 64, 256, 1025, false),
        (FastCdc, MIB, 4 * MIB, 16 * MIB, true),
        (FastCdc, MIB + 2, 4 * MIB, 16 * MIB, false),
        (FastCdc, MIB, 4 * MIB + 2, 16 * MIB, false),
    ] {
        let made = Chunker::new(algorithm, ChunkSizes::new(min, avg, max).unwrap());
        assert_eq!(made.is_ok(), good, "{algorithm} {min}:{avg}:{max}");
    }
}

/// A mix of data: noise, few symbols, one symbol, a short period, a planted window.
fn mixed_data() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000),
        prop::collection::vec(0..2_u8, 0..1000),
        (any::<u8>(), 0..3000_usize).prop_map(|(byte, len)| vec![byte; len]),
        (prop::collection::vec(any::<u8>(), 1..100), 1..40_usize).prop_map(|(unit, times)| unit.repeat(times)),
        Just(boundary_window()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn any_casync() -> impl Strategy<Value = Chunker> {
    prop_oneof![
        Just((48, 64, 128)),
        Just((48, 48, 49)),
        Just((64, 64, 256)),
        Just((256, 1024, 4096)),
        Just((999, 1000, 1001)),
        (48..500_u64, 0..500_u64, 1..900_u64).prop_map(|(min, more, most)| (min, min + more, min + more + most)),
    ]
    .prop_map(|(min, avg, max)| casync(min, avg, max))
}

proptest! {
    #[test]
    fn both_forms_are_the_plainest_form(
        data in mixed_data(), chunker in any_casync(), is_end: bool, spans in 1_usize..9,
    ) {
        let want = plainest(chunker.min, chunker.max, discriminator(chunker.sizes), &data, is_end);
        prop_assert_eq!(both(&chunker, &data, is_end, spans), want);
    }

    #[test]
    fn no_later_byte_moves_a_cut(
        data in mixed_data(), algorithm in prop_oneof![any_casync(), Just(chunker(Algorithm::FastCdc, 64, 256, 1024))],
        part in 0.0..1.0,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test")]
        let known = (data.len() as f64 * part) as usize;
        let all = algorithm.cuts(&data, true);
        let early = algorithm.cuts(&data[..known], false);
        prop_assert_eq!(&early[..], &all[..early.len()]);
        let carried_on = early.last().copied().unwrap_or(0);
        prop_assert!(known - carried_on < algorithm.max);
        let later = algorithm.cuts(&data[carried_on..], true);
        prop_assert_eq!(later, all[early.len()..].iter().map(|cut| cut - carried_on).collect::<Vec<_>>());
        prop_assert!(all.last().copied().unwrap_or(0) == data.len());
    }
}
