//! The chunkers against published vectors, against the plainest form of the algorithm, and each form
//! against the other.

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

/// Both forms at once, the second from `spans` spans.
fn both(chunker: &Chunker, data: &[u8], is_end: bool, spans: usize) -> Vec<usize> {
    let cuts = chunker.cuts(data, is_end);
    let mut candidates = Vec::new();
    for span in 0..spans {
        let span = data.len() * span / spans..data.len() * (span + 1) / spans;
        candidates.extend(chunker.candidates(data, span).unwrap());
    }
    assert_eq!(chunker.cuts_from_candidates(data.len(), &candidates, is_end), cuts, "{} spans", spans);
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

proptest! {
    #[test]
    fn both_forms_cut_alike(seed in any::<[u8; 8]>(), len in 0_usize..60_000, spans in 1_usize..9) {
        let data: Vec<u8> = test_stream(len).iter().zip(seed.iter().cycle()).map(|(a, b)| a ^ b).collect();
        for sizes in [casync(48, 64, 128), casync(256, 1024, 4096)] {
            both(&sizes, &data, true, spans);
            both(&sizes, &data, false, spans);
        }
    }
}
