//! Which deltas are worth listing.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::TestPublisher;
use crate::support::trees::{noise, write};

/// A build with this content, which cannot be compressed.
fn build(test: &TestPublisher, name: &str, content: &[u8]) -> PathBuf {
    let tree = test.tree(name, 1);
    write(&tree, "data/world.pck", content);
    write(&tree, "data/news.pck", b"none");
    tree
}

fn listed(repository: &Path) -> usize {
    let lists = fs::read_dir(repository.join("bundles")).unwrap().map(|entry| entry.unwrap().path());
    let lists = lists.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let parsed = lists.map(|path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
    parsed.map(|list| list["bundles"].as_array().unwrap().len()).sum()
}

#[test]
fn delta_that_saves_players_nothing_is_left_out() {
    let test = TestPublisher::new();
    let publish = |tree: &Path, version: &str| test.publish(tree, version, &["--fast"]).done().clone();
    let (first, mut second) = (noise(1, 400_000), noise(2, 400_000));
    publish(&build(&test, "one", &first), "1.0.0");
    // Nothing of it is like the first.
    let published = publish(&build(&test, "two", &second), "2.0.0");
    let bundles = published["bundles"].as_array().unwrap();
    assert!(bundles.len() == 1 && bundles[0]["from"].is_null(), "{published}");
    let left_out = &published["bundles_left_out"][0];
    assert_eq!(left_out["from"], json!("1.0.0"));
    let bytes = |field: &str| left_out[field].as_u64().unwrap();
    assert!(bytes("length") * 10 > bytes("instead_bytes") * 9 && bytes("instead_bytes") > 390_000, "{left_out}");
    let repository = test.publisher.repository();
    assert_eq!((listed(repository), fs::read_dir(repository.join("bundles")).unwrap().count()), (2, 4));
    // A byte in every few kilobytes: no chunk is the same, and the delta is small. That from 1.0.0 is not.
    second.iter_mut().step_by(4 << 10).for_each(|byte| *byte ^= 1);
    let published = publish(&build(&test, "three", &second), "3.0.0");
    assert_eq!(published["bundles"].as_array().unwrap().len(), 2, "{published}");
    assert!(published["bundles"][0]["length"].as_u64().unwrap() < 40_000, "{published}");
    assert_eq!(published["bundles_left_out"][0]["from"], json!("1.0.0"));
}

#[test]
fn publisher_is_told_how_many_deltas_were_left_out_and_why() {
    let test = TestPublisher::new();
    let said = |tree: &Path, version: &str, options: &[&str]| {
        let mut command = test.publisher.publishing(tree, "stable", version);
        let output = command.arg("--fast").args(options).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    said(&build(&test, "one", &noise(1, 100_000)), "1.0.0", &[]);
    let plain = said(&build(&test, "two", &noise(2, 100_000)), "2.0.0", &[]);
    assert!(plain.contains("; 1 delta left out, as it would save too little.\n"), "{plain}");
    let verbose = said(&build(&test, "three", &noise(3, 100_000)), "3.0.0", &["-v"]);
    assert!(verbose.contains("; 2 deltas left out, as they would save too little.\n"), "{verbose}");
    assert!(verbose.contains("\n  The delta from 1.0.0 has 1") && verbose.contains("; without it, players download 1"));
}
