//! Compares the casync chunker with V-Sekai's published builds: every cut of two builds of its game.
//!
//! Needs `VSEKAI_TEST_DATA`: a folder with `linux_*.caidx` and the `store` with their chunks.

use std::path::Path;

use vsekai_updater::formats::chunk::{CompressedChunk, Decompressor};
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::Index;

/// Bytes of the stream that are in memory when it is cut: many chunks, but a small part of the stream.
const BUFFER_BYTES: usize = 8 << 20;

/// Rebuilds the stream chunk by chunk, and cuts it again with both implementations. Returns the ends of all chunks.
fn cut_again(folder: &Path, index: &Index) -> Vec<u64> {
    let chunker = Chunker::new(Algorithm::Casync, index.sizes()).unwrap();
    let mut decompressor = Decompressor::new().unwrap();
    let (mut buffer, mut buffer_start, mut found) = (Vec::new(), 0_u64, Vec::new());
    for (position, chunk) in index.iter().enumerate() {
        let stored = std::fs::read(folder.join("store").join(chunk.id.store_path())).unwrap();
        let stored = CompressedChunk::new(chunk.id, stored);
        let plain = decompressor.decompress(&stored, index.sizes().max(), Vec::new()).unwrap();
        buffer.extend_from_slice(plain.verify(index.digest()).unwrap().as_bytes());
        let is_end = position + 1 == index.len();
        if buffer.len() < BUFFER_BYTES && !is_end {
            continue;
        }
        let cuts = chunker.cuts(&buffer, is_end);
        let middle = buffer.len() / 2;
        let mut candidates = chunker.candidates(&buffer, 0..middle).unwrap();
        candidates.extend(chunker.candidates(&buffer, middle..buffer.len()).unwrap());
        assert_eq!(chunker.cuts_from_candidates(buffer.len(), &candidates, is_end), cuts, "at byte {buffer_start}");
        found.extend(cuts.iter().map(|&cut| buffer_start + cut as u64));
        let done = cuts.last().copied().unwrap_or(0);
        buffer.drain(..done);
        buffer_start += done as u64;
    }
    found
}

#[test]
fn published_streams_are_cut_where_their_publisher_cut_them() {
    let Some(folder) = std::env::var_os("VSEKAI_TEST_DATA") else {
        eprintln!("SKIPPED: the published cuts were not checked, because VSEKAI_TEST_DATA is not set");
        return;
    };
    for (name, chunks) in [("linux_2023-04-08.caidx", 1974), ("linux_2023-04-10.caidx", 2083)] {
        let index = Index::parse(&std::fs::read(Path::new(&folder).join(name)).unwrap()).unwrap();
        assert_eq!(index.len(), chunks, "{name}");
        let published: Vec<u64> = index.iter().map(|chunk| chunk.end).collect();
        assert_eq!(cut_again(Path::new(&folder), &index), published, "{name}");
    }
}
