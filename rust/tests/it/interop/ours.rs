//! The output of `store make`: extracted by desync and casync, and by us.

use std::fs;
use std::path::Path;

use vsekai_updater::formats::chunk::DigestAlgorithm;

use super::foreign::round;
use crate::support::server::TestServer;
use crate::support::stores::{Bench, read_index};
use crate::support::tools::{Maker, is_there, tool};
use crate::support::trees::{Same, assert_equal_trees, noise};

/// Extracts a tree or file with the other program, which must succeed.
#[track_caller]
pub(crate) fn extract_with(program: &str, store: &str, index: &Path, to: &Path) {
    let [index, to] = [index, to].map(|path| path.to_str().unwrap());
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

/// Makes a tree with these options, and extracts it with both programs.
fn extracts_in_both(options: &'static [&'static str], same: Same) {
    for program in ["desync", "casync"] {
        if !is_there(program) {
            continue;
        }
        let bench = Bench::in_memory();
        let (from, index, to) = (bench.path("from"), bench.path("ours.caidx"), bench.path("to"));
        super::first_version(&from);
        if program == "desync" {
            super::add_longest_names(&from);
            super::add_deepest_folders(&from);
        }
        Maker::Ours(options).make(&bench.store(), &index, &from);
        fs::create_dir(&to).unwrap();
        extract_with(program, bench.store().to_str().unwrap(), &index, &to);
        assert_equal_trees(&from, &to, same);
    }
}

#[test]
fn trees_extract_in_both() {
    extracts_in_both(&[], Same::Modes);
}

#[test]
fn trees_made_casync_exact_extract_in_both_with_their_times() {
    extracts_in_both(&["--casync-exact"], Same::ModesAndTimes);
}

#[test]
fn trees_cut_by_fastcdc_extract_in_both() {
    extracts_in_both(&["--chunker", "fastcdc"], Same::Modes);
}

#[test]
fn trees_named_by_sha256_in_other_sizes_extract_in_both() {
    extracts_in_both(&["--sha256", "-m", "4:16:64", "--level", "19"], Same::Modes);
}

#[test]
fn trees_of_ours_are_installed_and_updated() {
    round(Maker::Ours(&[]), Same::Modes);
}

#[test]
fn trees_of_ours_by_fastcdc_are_installed_and_updated() {
    round(Maker::Ours(&["--chunker", "fastcdc", "-m", "4:16:64"]), Same::Modes);
}

#[test]
fn trees_of_ours_that_are_casync_exact_are_installed_and_updated() {
    round(Maker::Ours(&["--casync-exact", "--sha256"]), Same::ModesAndTimes);
}

#[test]
fn files_extract_in_both() {
    for options in [&[][..], &["--chunker", "fastcdc"], &["--sha256"]] {
        let bench = Bench::in_memory();
        let bytes = [noise(1, 1_000_000), vec![0; 1_000_000], noise(2, 10)].concat();
        let (file, index) = (bench.path("file"), bench.path("ours.caibx"));
        fs::write(&file, &bytes).unwrap();
        Maker::Ours(options).make(&bench.store(), &index, &file);
        for program in ["desync", "casync"] {
            if is_there(program) {
                let to = bench.path(program);
                extract_with(program, bench.store().to_str().unwrap(), &index, &to);
                assert!(fs::read(&to).unwrap() == bytes, "{program} {options:?}");
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
    let (from, index, to) = (bench.path("from"), bench.path("ours.caidx"), bench.path("to"));
    super::first_version(&from);
    Maker::Ours(&[]).make(&bench.store(), &index, &from);
    let server = TestServer::start(&bench.store());
    fs::create_dir(&to).unwrap();
    extract_with("desync", &server.url(), &index, &to);
    assert_equal_trees(&from, &to, Same::Modes);
}

#[test]
fn casync_exact_indexes_are_theirs_byte_for_byte() {
    // What desync records; casync is told to record the same.
    const RECORDED: &[&str] = &[
        "--with=32bit-uids",
        "--with=nsec-time",
        "--with=permissions",
        "--with=symlinks",
        "--with=device-nodes",
        "--with=fifos",
        "--with=sockets",
        "--with=xattrs",
    ];
    for maker in [Maker::Desync(&[]), Maker::Casync(RECORDED)] {
        if !maker.is_there() {
            continue;
        }
        let bench = Bench::in_memory();
        let (from, file) = (bench.path("from"), bench.path("file"));
        super::first_version(&from);
        fs::write(&file, [noise(1, 3_000_000), vec![0; 700_000]].concat()).unwrap();
        for (from, ending) in [(&from, "caidx"), (&file, "caibx")] {
            let ours = bench.path(&format!("ours.{ending}"));
            let theirs = bench.path(&format!("theirs.{ending}"));
            let is_casync_file = ending == "caibx" && matches!(maker, Maker::Casync(_));
            let maker = if is_casync_file { Maker::Casync(&[]) } else { maker };
            maker.make(&bench.path("their store"), &theirs, from);
            Maker::Ours(&["--casync-exact"]).make(&bench.store(), &ours, from);
            let (ours, mut theirs) = (fs::read(ours).unwrap(), fs::read(theirs).unwrap());
            if is_casync_file {
                // For files, casync also records that it excludes what `.caexclude` names; desync and we do not.
                assert_eq!(theirs[23], ours[23] | 0x10);
                theirs[23] = ours[23];
            }
            assert!(ours == theirs, "{maker:?} {ending}");
        }
    }
}
