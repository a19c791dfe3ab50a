//! What we make: desync and casync extract it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use vsekai_updater::archive::Layout;
use vsekai_updater::chunk::DigestAlgorithm;
use vsekai_updater::chunker::{Algorithm, Chunker};
use vsekai_updater::index::{ChunkSizes, FeatureFlags};
use vsekai_updater::make::MakeOptions;
use vsekai_updater::tree::{self, Recorded};

use super::serve::Server;
use super::stores::{Bench, read_index};
use super::tools::{Maker, is_there, tool};
use super::trees::{Same, assert_equal_trees, noise};

/// Extracts a tree or a file with the other program, which must succeed.
#[track_caller]
pub(crate) fn extract_with(program: &str, store: &Path, index: &Path, to: &Path) {
    let [store, index, to] = [store, index, to].map(|path| path.to_str().unwrap());
    let digest = match read_index(Path::new(index)).digest() {
        DigestAlgorithm::Sha512_256 => "sha512-256",
        DigestAlgorithm::Sha256 => "sha256",
    };
    match (program, index.ends_with(".caidx")) {
        ("desync", true) => tool("desync", &["--digest", digest, "untar", "-i", "-s", store, index, to]),
        ("desync", false) => tool("desync", &["--digest", digest, "extract", "-s", store, index, to]),
        _ => tool("casync", &["extract", &format!("--store={store}"), "--seed-output=no", index, to]),
    }
}

fn options(algorithm: Algorithm, flags: FeatureFlags) -> MakeOptions {
    let chunker = Chunker::new(algorithm, ChunkSizes::default()).unwrap();
    MakeOptions { chunker, flags, forced_cuts: true, level: 3 }
}

fn check_tree(program: &str, options: &MakeOptions, recorded: Recorded, same: Same) {
    if !is_there(program) {
        return;
    }
    let bench = Bench::in_memory();
    let from = bench.path("from");
    super::first_version(&from);
    if program == "desync" {
        super::add_longest_names(&from);
        super::add_deepest_folders(&from);
    }
    let layout = tree::layout(&from, &recorded).unwrap();
    let index = bench.publish_as("ours.caidx", &from, &layout, options);
    let to = bench.path("to");
    fs::create_dir(&to).unwrap();
    extract_with(program, &bench.store(), &index, &to);
    assert_equal_trees(&from, &to, same);
}

#[test]
fn trees_extract_in_desync() {
    let as_on_disk = Recorded::AsOnDisk(FeatureFlags::TREE);
    check_tree("desync", &options(Algorithm::Casync, FeatureFlags::TREE), as_on_disk, Same::ModesAndTimes);
    check_tree("desync", &options(Algorithm::Casync, FeatureFlags::TREE), Recorded::Reproducible, Same::Modes);
}

#[test]
fn trees_extract_in_casync() {
    let as_on_disk = Recorded::AsOnDisk(FeatureFlags::TREE);
    check_tree("casync", &options(Algorithm::Casync, FeatureFlags::TREE), as_on_disk, Same::ModesAndTimes);
    check_tree("casync", &options(Algorithm::Casync, FeatureFlags::TREE), Recorded::Reproducible, Same::Modes);
}

#[test]
fn trees_cut_by_fastcdc_extract_in_both() {
    for program in ["desync", "casync"] {
        check_tree(program, &options(Algorithm::FastCdc, FeatureFlags::TREE), Recorded::Reproducible, Same::Modes);
    }
}

#[test]
fn trees_named_by_sha256_extract_in_both() {
    let flags = FeatureFlags::TREE.with_digest(DigestAlgorithm::Sha256);
    for program in ["desync", "casync"] {
        check_tree(program, &options(Algorithm::Casync, flags), Recorded::AsOnDisk(flags), Same::ModesAndTimes);
    }
}

#[test]
fn files_extract_in_both() {
    for algorithm in [Algorithm::Casync, Algorithm::FastCdc] {
        let bench = Bench::in_memory();
        let bytes = [noise(1, 1_000_000), vec![0; 1_000_000], noise(2, 10)].concat();
        let file = bench.path("file");
        fs::write(&file, &bytes).unwrap();
        let options = options(algorithm, FeatureFlags::BLOB);
        let index = bench.publish_as("ours.caibx", &file, &Layout::blob(bytes.len() as u64), &options);
        for program in ["desync", "casync"] {
            if is_there(program) {
                let to = bench.path(program);
                extract_with(program, &bench.store(), &index, &to);
                assert!(fs::read(&to).unwrap() == bytes, "{program}");
            }
        }
    }
}

#[test]
fn desync_extracts_what_a_plain_web_server_gives_of_our_store() {
    if !is_there("desync") {
        return;
    }
    let bench = Bench::in_memory();
    let from = bench.path("from");
    super::first_version(&from);
    let index = bench.publish("ours.caidx", &from);
    let server = Server::start(&bench.store(), Duration::ZERO);
    let to = bench.path("to");
    fs::create_dir(&to).unwrap();
    extract_with("desync", Path::new(&server.url()), &index, &to);
    assert_equal_trees(&from, &to, Same::ModesAndTimes);
}

#[test]
fn indexes_of_the_same_stream_are_theirs_byte_for_byte() {
    for (name, maker) in [("desync", Maker::Desync(&[])), ("casync", Maker::Casync(&["--with=unix"]))] {
        if !maker.is_there() {
            continue;
        }
        let bench = Bench::in_memory();
        let from = bench.path("from");
        super::first_version(&from);
        let theirs = bench.path("theirs.caidx");
        maker.make(&bench.path("their store"), &theirs, &from);
        let flags = read_index(&theirs).flags();
        let options = MakeOptions { forced_cuts: false, ..options(Algorithm::Casync, flags) };
        let Ok(layout) = tree::layout(&from, &Recorded::AsOnDisk(flags)) else { panic!("{name}") };
        let ours = bench.publish_as("ours.caidx", &from, &layout, &options);
        let (ours, theirs) = (fs::read(ours).unwrap(), fs::read(theirs).unwrap());
        assert!(ours == theirs, "{name}");
    }
}
