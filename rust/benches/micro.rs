//! Throughput of what every byte of a release passes through: chunkers, digests, index parsing.
//!
//! `cargo bench --no-default-features --bench micro`. The data is made here, the same on every run.

#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vsekai_updater::formats::chunk::{ChunkId, DigestAlgorithm};
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};

const DATA_BYTES: usize = 64 << 20;
const INDEX_CHUNKS: u64 = 1_000_000;

/// Bytes without structure, from xorshift.
fn data() -> Vec<u8> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()
    };
    (0..DATA_BYTES / 8).flat_map(|_| next()).collect()
}

fn chunkers(criterion: &mut Criterion) {
    let data = data();
    let casync = Chunker::new(Algorithm::Casync, ChunkSizes::default()).unwrap();
    let fastcdc = Chunker::new(Algorithm::FastCdc, ChunkSizes::default()).unwrap();
    let mut group = criterion.benchmark_group("chunker");
    group.throughput(Throughput::Bytes(DATA_BYTES as u64));
    group.bench_function("casync cuts", |b| b.iter(|| casync.cuts(black_box(&data), true)));
    group.bench_function("casync candidates", |b| b.iter(|| casync.candidates(black_box(&data), 0..DATA_BYTES)));
    group.bench_function("fastcdc cuts", |b| b.iter(|| fastcdc.cuts(black_box(&data), true)));
    group.finish();
}

fn digests(criterion: &mut Criterion) {
    let data = data();
    let mut group = criterion.benchmark_group("digest");
    group.throughput(Throughput::Bytes(DATA_BYTES as u64));
    for (name, digest) in [("sha512-256", DigestAlgorithm::Sha512_256), ("sha256", DigestAlgorithm::Sha256)] {
        group.bench_function(name, |b| {
            b.iter(|| data.chunks(64 << 10).map(|chunk| digest.id_of(black_box(chunk)).as_bytes()[0]).max());
        });
    }
    group.finish();
}

fn index(criterion: &mut Criterion) {
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::default());
    for n in 0..INDEX_CHUNKS {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        index.push(ChunkId::from_bytes(id), 16_384 + n % 200_000).unwrap();
    }
    let bytes = index.to_bytes();
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(INDEX_CHUNKS));
    group.bench_function("parse", |b| b.iter(|| Index::parse(black_box(&bytes)).unwrap()));
    group.finish();
}

criterion_group! {
    name = micro;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = chunkers, digests, index
}
criterion_main!(micro);
