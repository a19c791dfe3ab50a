//! `store make`: it stores the stream, each chunk once, and writes the same index as casync and desync.
//!
//! Needs `desync` and `casync` for interoperability, and `VSEKAI_TEST_DATA` for the published tree.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use tempfile::TempDir;
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::archive::{Layout, Segment};
use vsekai_updater::formats::chunk::{Chunk, Decompressor, DigestAlgorithm};
use vsekai_updater::formats::chunker::{Algorithm, Chunker};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
use vsekai_updater::local::make::{Made, MakeOptions, has_forced_cuts, index_of, list_chunks, make};
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::local::tree::{self, Recorded};

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A tree with everything that causes trouble for archivers, and files just below and above a block and the limit for
/// forced cuts.
fn sample() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "big.bin", &noise(1, 9_500_000));
    write(root, "a/large.bin", &noise(2, 300_000));
    write(root, "a/small.txt", b"small");
    write(root, "a/empty", b"");
    write(root, "zeros.bin", &vec![0; 1_500_000]);
    write(root, "\u{e4}\u{2603}/deep/er/x.bin", &noise(3, 70_000));
    write(root, &format!("long/{}", "n".repeat(255)), b"long name");
    for number in 0..300 {
        write(root, &format!("many/{number}.txt"), &noise(number, 200));
    }
    fs::create_dir(root.join("nothing")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("a/small.txt", root.join("link")).unwrap();
    folder
}

fn options(forced_cuts: bool) -> MakeOptions {
    let chunker = Chunker::new(Algorithm::Casync, ChunkSizes::default()).unwrap();
    MakeOptions { chunker, flags: FeatureFlags::TREE, forced_cuts, level: 3, hint: None }
}

fn make_tree(root: &Path, store: &Path, options: &MakeOptions) -> Made {
    let layout = tree::layout(root, &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
    make(root, &layout, &LocalStore::create(store).unwrap(), options, &Monitor::default()).unwrap()
}

fn stream(root: &Path, layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in layout.segments(0..u64::MAX) {
        match segment {
            Segment::Header(header) => bytes.extend_from_slice(&header),
            Segment::Payload { node, .. } => {
                bytes.extend(fs::read(layout.nodes()[node].path.as_ref().unwrap().below(root)).unwrap());
            }
        }
    }
    bytes
}

fn read_back(store: &LocalStore, index: &Index) -> Vec<u8> {
    let mut decompressor = Decompressor::new().unwrap();
    let mut bytes = Vec::new();
    for chunk in index.iter() {
        let stored = store.get(&chunk.id, u64::MAX).unwrap().expect("the index names a chunk that is not there");
        let plain: Chunk = decompressor.decompress(&stored, index.sizes().max(), Vec::new()).unwrap();
        bytes.extend_from_slice(plain.verify(index.digest()).unwrap().as_bytes());
    }
    bytes
}

#[test]
fn what_was_stored_is_the_stream() {
    let tree = sample();
    let store = tempfile::tempdir().unwrap();
    let layout = tree::layout(tree.path(), &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
    for forced in [false, true] {
        let made = make_tree(tree.path(), store.path(), &options(forced));
        let opened = LocalStore::open(store.path()).unwrap();
        assert!(read_back(&opened, &made.index) == stream(tree.path(), &layout), "forced cuts: {forced}");
        assert_eq!(has_forced_cuts(&made.index), forced);
        let chunker = options(forced).chunker;
        let scanned = index_of(tree.path(), &layout, &chunker, FeatureFlags::TREE, forced, &Monitor::default());
        assert_eq!(scanned.unwrap(), made.index);
    }
}

#[test]
fn second_make_stores_nothing() {
    let (tree, store) = (sample(), tempfile::tempdir().unwrap());
    let first = make_tree(tree.path(), store.path(), &options(true));
    assert!(first.new_chunks > 100 && first.reused_chunks == 0);
    assert!(first.new_chunks < first.chunks, "zeros repeat");
    let second = make_tree(tree.path(), store.path(), &options(true));
    assert_eq!((second.new_chunks, second.new_stored_bytes), (0, 0));
    assert_eq!(second.reused_chunks, first.new_chunks);
    assert_eq!(second.index, first.index);
    // A file that a power cut may leave is not mistaken for a chunk.
    let id = first.index.get(3).unwrap().id;
    let opened = LocalStore::open(store.path()).unwrap();
    fs::write(opened.path_of(&id), b"").unwrap();
    assert_eq!(make_tree(tree.path(), store.path(), &options(true)).new_chunks, 1);
}

#[test]
fn index_of_the_last_make_changes_no_result() {
    let (tree, store) = (sample(), tempfile::tempdir().unwrap());
    let old = make_tree(tree.path(), store.path(), &options(true)).index;
    let with = |index: &Index| MakeOptions { hint: Some(index.clone()), ..options(true) };
    let again = make_tree(tree.path(), store.path(), &with(&old));
    assert_eq!((again.new_chunks, &again.index), (0, &old));
    let mut content = noise(1, 9_500_000);
    content[5_000_000] ^= 1;
    content.truncate(9_400_000);
    write(tree.path(), "big.bin", &content);
    let new = make_tree(tree.path(), store.path(), &with(&old));
    assert!(new.new_chunks > 0 && new.new_chunks < 10, "{}", new.new_chunks);
    assert!(new.index == make_tree(tree.path(), store.path(), &options(true)).index);
}

#[test]
fn makes_at_once_into_one_store_agree() {
    let (tree, store) = (sample(), tempfile::tempdir().unwrap());
    let made: Vec<Made> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..3).map(|_| scope.spawn(|| make_tree(tree.path(), store.path(), &options(false)))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(made[0].index, made[1].index);
    assert_eq!(made[0].index, made[2].index);
    let layout = tree::layout(tree.path(), &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
    assert!(read_back(&LocalStore::open(store.path()).unwrap(), &made[0].index) == stream(tree.path(), &layout));
}

#[test]
fn reused_chunks_become_young_again() {
    let (tree, store) = (sample(), tempfile::tempdir().unwrap());
    let first = make_tree(tree.path(), store.path(), &options(true));
    let opened = LocalStore::open(store.path()).unwrap();
    let path = opened.path_of(&first.index.get(0).unwrap().id);
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(960);
    fs::File::open(&path).unwrap().set_modified(old).unwrap();
    make_tree(tree.path(), store.path(), &options(true));
    assert!(fs::metadata(&path).unwrap().modified().unwrap() > old + std::time::Duration::from_hours(1));
}

#[test]
fn large_file_has_the_same_chunks_in_two_trees() {
    let content = noise(9, 700_000);
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "engine.bin", &content);
    write(two.path(), "before/it", b"moves everything");
    write(two.path(), "some/other/name.bin", &content);
    let store = tempfile::tempdir().unwrap();
    let first = make_tree(one.path(), store.path(), &options(true));
    let second = make_tree(two.path(), store.path(), &options(true));
    let blob = one.path().join("engine.bin");
    let monitor = Monitor::default();
    let blob = list_chunks(&blob, &options(true).chunker, DigestAlgorithm::Sha512_256, &monitor).unwrap();
    let holds = |index: &Index| blob.iter().all(|chunk| index.iter().any(|other| other.id == chunk.id));
    assert!(blob.len() > 3 && holds(&first.index) && holds(&second.index));
    let exact = make_tree(two.path(), store.path(), &options(false));
    assert!(!holds(&exact.index), "without forced cuts the ends differ");
}

#[test]
fn file_that_changed_since_it_was_listed_is_an_error() {
    let store = tempfile::tempdir().unwrap();
    for (name, content) in [("shorter", &b"1"[..]), ("longer", &b"1234567"[..])] {
        let tree = tempfile::tempdir().unwrap();
        write(tree.path(), name, b"1234");
        let layout = tree::layout(tree.path(), &Recorded::Reproducible(FeatureFlags::TREE)).unwrap();
        write(tree.path(), name, content);
        let opened = LocalStore::create(store.path()).unwrap();
        let error = make(tree.path(), &layout, &opened, &options(true), &Monitor::default()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        fs::remove_file(tree.path().join(name)).unwrap();
        assert!(make(tree.path(), &layout, &opened, &options(true), &Monitor::default()).is_err());
    }
}

#[test]
fn cancelled_make_stops() {
    let (tree, store) = (sample(), tempfile::tempdir().unwrap());
    let layout = tree::layout(tree.path(), &Recorded::Reproducible(FeatureFlags::TREE)).unwrap();
    let monitor = Monitor::default();
    monitor.cancel.cancel();
    let opened = LocalStore::create(store.path()).unwrap();
    let error = make(tree.path(), &layout, &opened, &options(true), &monitor).unwrap_err();
    assert_eq!(error.code(), "cancelled");
}

#[test]
fn empty_blob_and_empty_tree_are_made() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = make_tree(folder.path(), store.path(), &options(true));
    assert_eq!((made.bytes, made.chunks), (104, 1));
    let file = folder.path().join("empty");
    fs::write(&file, b"").unwrap();
    let chunker = options(false).chunker;
    assert!(list_chunks(&file, &chunker, DigestAlgorithm::Sha256, &Monitor::default()).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_tree_is_what_its_chunks_make(
        files in prop::collection::vec(("[a-c]/[b-m]{1,4}", 0_usize..200_000, any::<u64>()), 0..8),
        forced_cuts in any::<bool>(),
        fast in any::<bool>(),
        digest in prop::sample::select(vec![DigestAlgorithm::Sha256, DigestAlgorithm::Sha512_256]),
    ) {
        let (tree, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, len, seed) in &files {
            write(tree.path(), &format!("{name}.f"), &noise(*seed, *len));
        }
        let algorithm = if fast { Algorithm::FastCdc } else { Algorithm::Casync };
        let chunker = Chunker::new(algorithm, ChunkSizes::new(4096, 16384, 65536).unwrap()).unwrap();
        let options = MakeOptions { chunker, forced_cuts, flags: FeatureFlags::TREE.with_digest(digest), level: 1, hint: None };
        let made = make_tree(tree.path(), store.path(), &options);
        let layout = tree::layout(tree.path(), &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
        let opened = LocalStore::open(store.path()).unwrap();
        prop_assert!(read_back(&opened, &made.index) == stream(tree.path(), &layout));
        prop_assert!(made.index.iter().all(|chunk| chunk.size() <= 65536));
    }
}

/// Runs another program. Returns false, and prints a line, if it is not installed.
fn run(program: &str, arguments: &[&str]) -> bool {
    let Ok(output) = Command::new(program).args(arguments).env("HOME", "/nonexistent").output() else {
        eprintln!("SKIPPED: interop was not checked, because {program} is not installed");
        return false;
    };
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

/// The index that the other program writes for the path, if it is installed.
fn theirs(program: &str, arguments: &[&str], index: &Path) -> Option<Index> {
    run(program, arguments).then(|| Index::parse(&fs::read(index).unwrap()).unwrap())
}

#[test]
fn index_equals_those_of_desync_and_casync() {
    let (tree, work) = (sample(), tempfile::tempdir().unwrap());
    let text = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let (root, store) = (tree.path().to_str().unwrap(), text("theirs"));
    fs::create_dir(&store).unwrap();
    let caidx = work.path().join("d.caidx");
    let made = make_tree(tree.path(), &work.path().join("ours"), &options(false));
    if let Some(index) = theirs("desync", &["tar", "-i", "-s", &store, &text("d.caidx"), root], &caidx) {
        assert!(index == made.index, "desync");
        assert!(made.index.to_bytes() == fs::read(&caidx).unwrap(), "desync");
    }
    // casync may record more when it is told nothing, but this tree has none of that.
    let named = ["32bit-uids", "nsec-time", "permissions", "symlinks", "device-nodes", "fifos", "sockets", "xattrs"];
    let named = named.map(|feature| format!("--with={feature}"));
    for with in [&named[..], &[]] {
        let (store, caidx) = (format!("--store={store}"), text("c.caidx"));
        let arguments: Vec<&str> = with.iter().map(String::as_str).chain([&*store, "make", &caidx, root]).collect();
        let Some(index) = theirs("casync", &arguments, Path::new(&caidx)) else { return };
        assert_eq!(index.flags() == FeatureFlags::TREE, !with.is_empty());
        let layout = tree::layout(tree.path(), &Recorded::AsOnDisk(index.flags())).unwrap();
        if layout.nodes()[0].metadata.uid != 0 && with.is_empty() {
            eprintln!(
                "SKIPPED: what casync records by default was not checked: owners' names are recorded only for root"
            );
            continue;
        }
        let chunker = options(false).chunker;
        let ours = index_of(tree.path(), &layout, &chunker, index.flags(), false, &Monitor::default()).unwrap();
        assert!(ours == index, "casync {with:?}");
        assert!(ours.to_bytes() == fs::read(&caidx).unwrap(), "casync {with:?}");
    }
}

#[test]
fn blob_index_equals_those_of_desync_and_casync() {
    let (tree, work) = (sample(), tempfile::tempdir().unwrap());
    let blob = tree.path().join("big.bin");
    let (blob, store) = (blob.to_str().unwrap(), work.path().to_str().unwrap());
    let chunker = options(false).chunker;
    let monitor = Monitor::default();
    let ours = list_chunks(Path::new(blob), &chunker, DigestAlgorithm::Sha512_256, &monitor).unwrap();
    for (program, flags) in [("desync", &["make", "-s"][..]), ("casync", &["make", "--exclude-file=no", "--store"])] {
        let index = work.path().join(format!("{program}.caibx"));
        let arguments = flags.iter().copied().chain([store, index.to_str().unwrap(), blob]);
        if let Some(theirs) = theirs(program, &arguments.collect::<Vec<_>>(), &index) {
            assert!(theirs == ours, "{program}");
            assert!(fs::read(&index).unwrap() == ours.to_bytes(), "{program}");
        }
    }
}

#[test]
fn desync_extracts_what_was_made() {
    let (tree, work) = (sample(), tempfile::tempdir().unwrap());
    for forced in [true, false] {
        let store = work.path().join("store");
        let made = make_tree(tree.path(), &store, &options(forced));
        let index = work.path().join("ours.caidx");
        fs::write(&index, made.index.to_bytes()).unwrap();
        let out = work.path().join(format!("out-{forced}"));
        fs::create_dir(&out).unwrap();
        let [store, index, out] = [&store, &index, &out].map(|path| path.to_str().unwrap());
        if run("desync", &["untar", "-i", "-s", store, index, out]) {
            let kept = tree::layout(Path::new(out), &Recorded::Reproducible(FeatureFlags::TREE)).unwrap();
            assert!(kept == tree::layout(tree.path(), &Recorded::Reproducible(FeatureFlags::TREE)).unwrap());
            assert!(stream(Path::new(out), &kept) == stream(tree.path(), &kept));
        }
    }
}

#[test]
fn published_game_is_cut_as_desync_cuts_it() {
    let Some(folder) = std::env::var_os("VSEKAI_TEST_DATA") else {
        eprintln!("SKIPPED: the published game was not made, because VSEKAI_TEST_DATA is not set");
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let text = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let published = |name: &str| Path::new(&folder).join(name).to_str().unwrap().to_owned();
    let (tree, store, caidx) = (text("tree"), text("theirs"), text("d.caidx"));
    fs::create_dir(&tree).unwrap();
    fs::create_dir(&store).unwrap();
    let untar = ["untar", "-i", "-s", &published("store"), &published("linux_2023-04-10.caidx"), &tree];
    if !run("desync", &untar) {
        return;
    }
    let index = theirs("desync", &["tar", "-i", "-s", &store, &caidx, &tree], Path::new(&caidx)).unwrap();
    let made = make_tree(Path::new(&tree), &work.path().join("ours"), &options(false));
    assert!(made.index == index);
    let again = make_tree(Path::new(&tree), &work.path().join("ours"), &options(false));
    assert_eq!((again.new_chunks, again.reused_chunks), (0, made.new_chunks));
    let own = make_tree(Path::new(&tree), &work.path().join("ours"), &options(true));
    let hinted = MakeOptions { hint: Some(own.index.clone()), ..options(true) };
    let hinted = make_tree(Path::new(&tree), &work.path().join("ours"), &hinted);
    assert!(hinted.index == own.index && hinted.reused_chunks == own.new_chunks + own.reused_chunks);
}
