use vsekai_updater::digest::Digest;
use vsekai_updater::formats::archive::{Layout, NewContent, NewNode, NodeMetadata, Segment};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags};
use vsekai_updater::path::RelPath;

use super::*;

const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha512_256;

/// A tree with its documents, and its archive in chunks.
struct Sample {
    chunks: Vec<(u64, ChunkId, Vec<u8>)>,
    index: Index,
    layout: Layout,
    digests: HashMap<String, Digest>,
}

impl Sample {
    /// Of files with these contents, in chunks of this many bytes.
    fn new(files: &[(&str, Vec<u8>)], chunk_bytes: usize) -> Self {
        let node = |path: Option<&str>, mode, content| NewNode {
            path: path.map(|path| RelPath::new(path).unwrap()),
            metadata: NodeMetadata::for_tree(mode),
            content,
        };
        let mut nodes = vec![node(None, 0o40_755, NewContent::Directory)];
        for (path, bytes) in files {
            nodes.push(node(Some(path), 0o100_644, NewContent::File { size: bytes.len() as u64 }));
        }
        let layout = Layout::build(nodes).unwrap();
        let content = |at: usize| {
            let path = layout.nodes()[at].path.as_ref().unwrap().to_string();
            &files.iter().find(|(name, _)| *name == path).unwrap().1
        };
        let mut stream = Vec::new();
        for segment in layout.segments(0..layout.stream_bytes()) {
            match segment {
                Segment::Header(bytes) => stream.extend_from_slice(&bytes),
                Segment::Payload { node, .. } => stream.extend_from_slice(content(node)),
            }
        }
        let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::new(64, 256, 1 << 20).unwrap());
        let mut chunks = Vec::new();
        let mut position = 0;
        for plain in stream.chunks(chunk_bytes) {
            let id = DIGEST.id_of(plain);
            index.push(id, plain.len() as u64).unwrap();
            chunks.push((position, id, plain.to_vec()));
            position += plain.len() as u64;
        }
        let digests = files.iter().map(|(path, bytes)| ((*path).to_owned(), Digest::of(bytes))).collect();
        Self { chunks, index, layout, digests }
    }

    fn table(&self) -> FileTable {
        let digest_of = |at: usize| {
            self.layout.nodes()[at].path.as_ref().and_then(|path| self.digests.get(&path.to_string())).copied()
        };
        FileTable::new(self.layout.clone(), &digest_of).unwrap()
    }

    /// Says where all chunks belong, and lets these arrive, each once.
    fn send<'a>(&'a self, chunks: impl IntoIterator<Item = &'a (u64, ChunkId, Vec<u8>)>) -> IncomingTree {
        let tree = IncomingTree::default();
        tree.expect(self.chunks.iter().map(|(position, id, _)| (*position, *id)));
        let mut seen = HashSet::new();
        for (_, id, plain) in chunks {
            if seen.insert(*id) {
                tree.arrived(*id, DIGEST, plain);
            }
        }
        tree
    }
}

fn noise(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![("empty", Vec::new()), ("game", noise(1, 5000)), ("long", vec![0; 9000]), ("world", noise(2, 3000))]
}

#[test]
fn a_tree_passes_in_any_order_of_arrival() {
    for chunk_bytes in [70, 512, 1024] {
        let sample = Sample::new(&files(), chunk_bytes);
        assert!(sample.send(&sample.chunks).is(&sample.index, &sample.table()));
        assert!(sample.send(sample.chunks.iter().rev()).is(&sample.index, &sample.table()));
    }
}

#[test]
fn positions_may_be_said_after_the_chunks_and_again() {
    let sample = Sample::new(&files(), 512);
    let tree = sample.send(&sample.chunks[..9]);
    for (_, id, plain) in &sample.chunks[9..] {
        tree.arrived(*id, DIGEST, plain);
    }
    tree.expect(sample.chunks.iter().map(|(position, id, _)| (*position, *id)));
    assert!(tree.is(&sample.index, &sample.table()));

    let late = IncomingTree::default();
    let mut seen = HashSet::new();
    for (_, id, plain) in sample.chunks.iter().filter(|(_, id, _)| seen.insert(*id)) {
        late.arrived(*id, DIGEST, plain);
    }
    late.expect(sample.chunks.iter().map(|(position, id, _)| (*position, *id)));
    assert!(late.is(&sample.index, &sample.table()));
}

#[test]
fn what_repeats_later_is_read_back() {
    let twice = [noise(4, 5000), noise(4, 5000)].concat();
    let sample = Sample::new(&[("twice", twice)], 500);
    let repeats = sample.chunks.len() - sample.chunks.iter().map(|(_, id, _)| id).collect::<HashSet<_>>().len();
    assert!(repeats > 5, "{repeats} chunks repeat others");
    assert!(!sample.send(&sample.chunks).is(&sample.index, &sample.table()), "without reading back");
    let tree = sample.send(&sample.chunks);
    let mut read = 0;
    while let Some(id) = tree.wanted() {
        let (_, _, plain) = sample.chunks.iter().find(|(_, other, _)| *other == id).unwrap();
        tree.pass_again(id, plain);
        read += 1;
    }
    assert_eq!(read, repeats);
    assert!(tree.is(&sample.index, &sample.table()));
}

#[test]
fn a_tree_that_is_not_whole_does_not_pass() {
    let sample = Sample::new(&files(), 512);
    for left_out in [0, sample.chunks.len() / 2, sample.chunks.len() - 1] {
        let sent = sample.chunks.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, chunk)| chunk);
        let tree = IncomingTree::default();
        tree.expect(sample.chunks.iter().map(|(position, id, _)| (*position, *id)));
        let missing = sample.chunks[left_out].1;
        sent.filter(|(_, id, _)| *id != missing).for_each(|(_, id, plain)| tree.arrived(*id, DIGEST, plain));
        assert!(!tree.is(&sample.index, &sample.table()), "without chunk {left_out}");
    }
}

#[test]
fn a_table_or_an_index_of_another_tree_does_not_pass() {
    let sample = Sample::new(&files(), 512);
    let mut other = Sample::new(&files(), 512);
    other.digests.insert("world".to_owned(), Digest::of(b"another"));
    assert!(!sample.send(&sample.chunks).is(&sample.index, &other.table()), "the digest of a file");
    other.digests.insert("world".to_owned(), Digest::of(&noise(2, 3000)));
    other.digests.insert("empty".to_owned(), Digest::of(b"another"));
    assert!(!sample.send(&sample.chunks).is(&sample.index, &other.table()), "the digest of an empty file");

    let mut renamed = files();
    renamed[1].0 = "gama";
    let renamed = Sample::new(&renamed, 512);
    assert!(!sample.send(&sample.chunks).is(&sample.index, &renamed.table()), "a name");
    let recut = Sample::new(&files(), 256);
    assert!(!sample.send(&sample.chunks).is(&recut.index, &sample.table()), "other chunks of the same tree");
}

#[test]
fn chunks_by_another_digest_do_not_pass() {
    let sample = Sample::new(&files(), 512);
    let tree = sample.send(&sample.chunks[..4]);
    let (_, id, plain) = &sample.chunks[4];
    tree.arrived(*id, DigestAlgorithm::Sha256, plain);
    sample.chunks.iter().for_each(|(_, id, plain)| tree.arrived(*id, DIGEST, plain));
    assert!(!tree.is(&sample.index, &sample.table()));
}

#[test]
fn a_tree_that_repeats_far_more_than_arrives_is_left_to_the_commit() {
    let repeats = usize::try_from(FREE_REPEATS).unwrap();
    for (length, passes) in [(repeats, true), (repeats + (64 << 10), false)] {
        let sample = Sample::new(&[("zeros", vec![0; length])], 1024);
        assert_eq!(sample.send(&sample.chunks).is(&sample.index, &sample.table()), passes, "{length}");
    }
}

#[test]
fn chunks_that_wait_for_an_earlier_one_have_a_limit() {
    let sample = Sample::new(&[("noise", noise(3, MAX_EARLY_BYTES + (2 << 20)))], 1 << 20);
    assert!(sample.send(&sample.chunks).is(&sample.index, &sample.table()), "in order");
    assert!(!sample.send(sample.chunks.iter().rev()).is(&sample.index, &sample.table()), "in reverse");
}

/// Begins trees of tokens. Returns which could be begun.
fn begun(incoming: &Incoming, trees: impl IntoIterator<Item = (u128, u128)>) -> Vec<bool> {
    let mut begin =
        |(token, publication)| incoming.begin(Uuid::from_u128(publication), Uuid::from_u128(token)).is_some();
    trees.into_iter().map(&mut begin).collect()
}

#[test]
fn one_token_has_half_of_the_trees() {
    let incoming = Incoming::default();
    assert_eq!(begun(&incoming, [(1, 10), (1, 11), (1, 12), (1, 10)]), [true, true, false, true]);
    assert_eq!(begun(&incoming, [(2, 20), (3, 30), (4, 40)]), [true, true, false]);
    incoming.take(Uuid::from_u128(10)).unwrap();
    assert_eq!(begun(&incoming, [(1, 12), (1, 13)]), [true, false]);
}

#[test]
fn an_idle_tree_makes_room() {
    let incoming = Incoming::default();
    assert_eq!(begun(&incoming, [(1, 0), (1, 1), (2, 2), (2, 3), (3, 4)]), [true, true, true, true, false]);
    assert!(incoming.get(Uuid::from_u128(4)).is_none());
    for slot in incoming.0.lock().unwrap().values_mut() {
        slot.used = Instant::now().checked_sub(IDLE).unwrap();
    }
    assert_eq!(begun(&incoming, [(1, 5)]), [true]);
}
