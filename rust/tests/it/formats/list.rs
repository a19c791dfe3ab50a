//! Checks that every frozen file is known here, so that none is added without a test.

use std::fs;

use super::frozen::{files, folder, v01};

/// Folders of release 0.1, the number of files in each, and the tests that use them.
const FOLDERS: [(&str, usize); 5] = [
    // documents.rs, writers.rs; the receipt in stamps.rs
    ("documents", 5),
    // install.rs; the stamps in stamps.rs
    ("install", 46),
    // publisher.rs
    ("keys", 13),
    // player.rs, publisher.rs; bundles in bundles.rs
    ("repository", 96),
    // server/tests/it/formats/
    ("server", 34),
];

const DOCUMENTS: [&str; 5] = ["catalog.json", "engine.caibx", "receipt", "receipt.caidx", "state.json"];

#[test]
fn every_release_and_every_file_has_its_tests() {
    let names = |folder| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(folder()), [".gdignore", "v0.1"]);
    let expected: Vec<&str> = ["README.md"].into_iter().chain(FOLDERS.map(|(name, _)| name)).collect();
    assert_eq!(names(v01("")), expected);
    assert_eq!(files(&v01("documents")), DOCUMENTS);
    for (folder, count) in FOLDERS {
        assert_eq!(files(&v01(folder)).len(), count, "{folder}: {:#?}", files(&v01(folder)));
    }
}

#[test]
fn what_was_frozen_stays_small() {
    let bytes: u64 = files(&folder()).iter().map(|name| fs::symlink_metadata(folder().join(name)).unwrap().len()).sum();
    assert!(bytes < 3 << 20, "{bytes}");
}
