//! Walks through archives that V-Sekai has published, starting at their ends.
//!
//! `VSEKAI_TEST_DATA` names a folder with `.caidx` files and their `store/`. Without it, nothing is tested.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use vsekai_updater::formats::archive::{Layout, Segment, Walk};
use vsekai_updater::formats::chunk::{ChunkId, CompressedChunk, Decompressor};
use vsekai_updater::formats::index::Index;

struct Stream {
    index: Index,
    store: PathBuf,
    decompressor: Decompressor,
    // The chunks that have been read so far, by id.
    chunks: HashMap<ChunkId, Vec<u8>>,
}

impl Stream {
    fn open(index: &Path) -> Self {
        Self {
            index: Index::parse(&fs::read(index).unwrap()).unwrap(),
            store: index.with_file_name("store"),
            decompressor: Decompressor::new().unwrap(),
            chunks: HashMap::new(),
        }
    }

    fn read(&mut self, range: Range<u64>) -> Vec<u8> {
        let mut out = Vec::new();
        for position in self.index.positions(range.clone()) {
            let chunk = self.index.get(position).unwrap();
            if !self.chunks.contains_key(&chunk.id) {
                let stored = CompressedChunk::new(chunk.id, fs::read(self.store.join(chunk.id.store_path())).unwrap());
                let plain = self.decompressor.decompress(&stored, chunk.size(), Vec::new()).unwrap();
                let plain = plain.verify(self.index.digest()).unwrap().into_bytes();
                self.chunks.insert(chunk.id, plain);
            }
            let wanted = range.start.max(chunk.start) - chunk.start..range.end.min(chunk.end) - chunk.start;
            let wanted = usize::try_from(wanted.start).unwrap()..usize::try_from(wanted.end).unwrap();
            out.extend_from_slice(&self.chunks[&chunk.id][wanted]);
        }
        out
    }

    fn walk(&mut self) -> (Layout, usize) {
        let mut walk = Walk::new(self.index.stream_bytes()).unwrap();
        let mut rounds = 0;
        while !walk.wants().is_empty() {
            walk.advance(&mut |want| Ok(Some(self.read(want)))).unwrap();
            rounds += 1;
        }
        (walk.finish().unwrap(), rounds)
    }
}

/// Compares every chunk that contains bytes of the archive itself with what the layout renders for them.
fn compare_headers(stream: &mut Stream, layout: &Layout) -> usize {
    let chunks: Vec<_> = stream.index.iter().map(|chunk| chunk.range()).collect();
    let mut compared = 0;
    for chunk in chunks {
        let mut at = chunk.start;
        let mut is_compared = false;
        for segment in layout.segments(chunk.clone()) {
            if let Segment::Header(bytes) = &segment {
                assert_eq!(stream.read(at..at + bytes.len() as u64), **bytes, "at byte {at}");
                is_compared = true;
            }
            at += segment.size();
        }
        assert_eq!(at, chunk.end, "the segments do not fill the chunk");
        compared += usize::from(is_compared);
    }
    compared
}

/// Prints to stderr even if the test passes.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

#[test]
fn published_archives_are_walked_and_rendered() {
    let Some(data) = std::env::var_os("VSEKAI_TEST_DATA") else {
        say("SKIPPED: VSEKAI_TEST_DATA is not set, no published archive is tested");
        return;
    };
    let files = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let indexes: Vec<_> = files.filter(|path| path.extension().is_some_and(|suffix| suffix == "caidx")).collect();
    assert!(!indexes.is_empty(), "no .caidx in VSEKAI_TEST_DATA");
    for path in indexes {
        let mut stream = Stream::open(&path);
        let (layout, rounds) = stream.walk();
        let read = stream.chunks.len();
        let distinct = stream.index.iter().map(|chunk| chunk.id).collect::<HashSet<_>>().len();
        let compared = compare_headers(&mut stream, &layout);
        assert_eq!(layout.stream_bytes(), stream.index.stream_bytes());
        let (name, nodes) = (path.display(), layout.nodes().len());
        say(&format!(
            "{name}: {nodes} nodes, {read} of {distinct} chunks in {rounds} rounds, {compared} chunks rendered"
        ));
        for node in layout.nodes() {
            let path = node.path.as_ref().map_or(".", |path| path.as_str());
            say(&format!("  {:06o} {path}, {} bytes", node.metadata.mode, node.payload_bytes()));
        }
        assert!(read * 4 < distinct, "a walk reads heads and tables only");
    }
}
