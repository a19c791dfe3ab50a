//! The datastore of an install: what it saves, and that damage to it does no harm.

use std::fs;

use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET};

use super::test_repository::{CAP, Install, NIGHTLY, STABLE, TestRepository, files_of};
use crate::support::packing;
use crate::support::server::TestServer;

/// An install that has checked once, and a server without a pack whose log is empty. This tests what single files save;
/// `packs` has the rest.
fn plain() -> (TestRepository, TestServer, Install) {
    let test = TestRepository::new();
    packing::remove(&test.repository());
    let (web, install) = test.over_http();
    install.check().unwrap();
    web.take_asked();
    (test, web, install)
}

#[test]
fn check_with_nothing_new_is_two_requests_without_a_pack() {
    let (_workshop, web, install) = plain();
    let mut repository = install.open().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one");
    let asked = [("tuf/2.root.json".to_owned(), 404), ("tuf/timestamp.json".to_owned(), 304)];
    // Both are requested at once, in any order.
    let mut seen = web.take_asked();
    seen.sort();
    assert_eq!(seen, asked);
    assert_eq!(repository.transfer().requests, 2);
    assert_eq!(repository.transfer().received_bytes, 0);
}

#[test]
fn check_after_one_mode_has_published_gets_only_what_is_new() {
    let (test, web, install) = plain();
    test.publish(&[("nightly", NIGHTLY, b"nightly two")]);
    install.check().unwrap();
    let mut asked: Vec<String> = web.take_asked().into_iter().map(|(path, _)| path).collect();
    asked[..2].sort();
    assert_eq!(asked, ["tuf/2.root.json", "tuf/timestamp.json", "tuf/3.snapshot.json", "tuf/3.nightly.json"]);
}

#[test]
fn nothing_is_remembered_before_it_is_asked_for() {
    let test = TestRepository::new();
    let install = test.install("a");
    let mut repository = install.open().unwrap();
    repository.target(STABLE, CAP).unwrap();
    assert!(files_of(&install.memory()).is_empty());
    repository.remember().unwrap();
    assert!(install.memory().join("root.json").exists());
}

#[test]
fn cache_holds_only_what_is_in_force() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let before = files_of(&install.memory().join("cache"));
    fs::write(install.memory().join("cache/stray"), b"?").unwrap();
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    install.check().unwrap();
    let after = files_of(&install.memory().join("cache"));
    assert_eq!(after.len(), before.len());
    assert!(!after.values().any(|bytes| bytes == b"catalog one"));
    assert!(after.values().any(|bytes| bytes == b"catalog two"));
}

#[test]
fn every_torn_or_planted_file_of_the_memory_is_overcome() {
    let test = TestRepository::new();
    let (_web, install) = test.over_http();
    install.check().unwrap();
    let sound = files_of(&install.memory());
    assert!(sound.len() >= 11, "{:?}", sound.keys());
    for (name, bytes) in &sound {
        let path = install.memory().join(name);
        let half = &bytes[..bytes.len() / 2];
        let flipped: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
        let other = fs::read(test.repository().join("tuf/1.root.json")).unwrap();
        for damaged in [half, b"", &flipped, &other, &[b' '; 3 << 20]] {
            fs::write(&path, damaged).unwrap();
            let mut repository = install.check().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one", "{name}");
        }
        install.check().unwrap();
        let healed = files_of(&install.memory());
        assert!(healed.contains_key(name), "{name} was not written again");
        if name.starts_with("cache/") && name != "cache/timestamp.json" {
            assert_eq!(&healed[name], bytes, "{name} was not healed");
        }
    }
}

#[test]
fn cache_of_another_time_does_not_hide_what_is_new() {
    let test = TestRepository::new();
    let (_web, install) = test.over_http();
    install.check().unwrap();
    let old = files_of(&install.memory());
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    install.check().unwrap();
    // An attacker restores the old cache and record, and keeps the versions.
    for (name, bytes) in old.iter().filter(|(name, _)| name.starts_with("cache/") || *name == "client.json") {
        fs::write(install.memory().join(name), bytes).unwrap();
    }
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog two");
}

#[test]
fn pinned_root_is_enough_later_and_an_old_shipped_one_changes_nothing() {
    let test = TestRepository::new();
    let mut install = test.install("a");
    install.check().unwrap();
    test.keys().rotate("root").unwrap();
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    assert_eq!(install.check().unwrap().root_version(), 2);
    let (web, install_over_http) = test.over_http();
    install_over_http.check().unwrap();
    let asked = web.take_asked();
    assert!(asked.iter().all(|(path, _)| path != "tuf/2.root.json"), "it began at the pinned root: {asked:?}");
    install.root = None;
    assert_eq!(install.check().unwrap().root_version(), 2);
}

#[test]
fn another_given_root_replaces_the_pinned_one() {
    let (test, moved) = (TestRepository::new(), TestRepository::new());
    let mut install = test.install("a");
    install.check().unwrap();
    install = install.at(&[&moved.repository().display().to_string()]);
    assert_eq!(install.refusal().code(), "signature_invalid");
    install.root = Some(moved.root());
    install.check().unwrap();
    install.root = None;
    install.check().unwrap();
}

#[test]
fn memory_from_before_a_change_of_all_keys_follows_it() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let mut keys = test.keys();
    for role in ["root", "targets", "snapshot", "timestamp", "catalog", "stable", "nightly"] {
        keys.rotate(role).unwrap();
    }
    test.publish(&[]);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.root_version(), 5);
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
}
