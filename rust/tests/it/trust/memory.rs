//! The datastore of an install: what it saves, and that damage to it does no harm.

use std::fs;
use std::num::NonZeroU64;

use sha2::{Digest, Sha256};
use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET};

use super::test_repository::{CAP, Install, NIGHTLY, STABLE, TestRepository, files_of};
use crate::support::forge::Forge;
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
fn nothing_is_cached_before_it_is_asked_for() {
    let test = TestRepository::new();
    let install = test.install("a");
    let mut repository = install.open().unwrap();
    repository.target(STABLE, CAP).unwrap();
    assert!(!install.memory().join("cache").exists() && !install.memory().join("client.json").exists());
    repository.remember().unwrap();
    assert!(install.memory().join("cache/timestamp.json").exists() && install.memory().join("client.json").exists());
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

/// The root keys are replaced, and a mirror withholds one file after the new root: what was seen counts from then on.
#[test]
fn what_a_failed_check_has_verified_is_kept() {
    for withheld in ["timestamp.json", "3.snapshot.json"] {
        let test = TestRepository::new();
        test.keep_as("old");
        let stolen = test.some_keys("stolen", &["timestamp"]);
        let install = test.install("a");
        install.check().unwrap();
        test.keys().rotate("timestamp").unwrap();
        test.publish(&[("stable", STABLE, b"stable two")]);
        let withheld = test.repository().join("tuf").join(withheld);
        assert!(withheld.exists(), "{}", withheld.display());
        fs::remove_file(withheld).unwrap();
        install.check().unwrap_err();

        test.put_back("old");
        let forge = Forge::new(&test.repository(), &stolen);
        let mut timestamp = forge.timestamp();
        timestamp.version = NonZeroU64::new(1000).unwrap();
        forge.put_timestamp(timestamp);
        assert_eq!(install.refusal().code(), "signature_invalid");
    }
}

#[test]
fn timestamp_and_snapshot_of_a_failed_check_do_not_go_back() {
    for withheld in ["3.snapshot.json", "3.stable.json"] {
        let test = TestRepository::new();
        test.keep_as("old");
        let install = test.install("a");
        install.check().unwrap();
        test.publish(&[("stable", STABLE, b"stable two"), (CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
        fs::remove_file(test.repository().join("tuf").join(withheld)).unwrap();
        let _ = install.open();
        test.put_back("old");
        assert_eq!(install.refusal().code(), "metadata_rollback", "{withheld}");
    }
}

/// The clock may be what was wrong.
#[test]
fn time_of_a_failed_check_is_not_remembered() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let time = install.memory().join("latest_known_time.json");
    fs::remove_file(&time).unwrap();
    test.publish(&[("stable", STABLE, b"stable two")]);
    fs::remove_file(test.repository().join("tuf/3.snapshot.json")).unwrap();
    install.open().unwrap_err();
    assert!(!time.exists());
}

/// Somebody prepares the folder, and the user gives the right root.
#[test]
fn planted_root_does_not_replace_the_given_one() {
    let (ours, theirs) = (TestRepository::new(), TestRepository::new());
    for rotations in 0..3 {
        let mut keys = theirs.keys();
        if rotations > 0 {
            keys.rotate("root").unwrap();
            theirs.publish(&[]);
        }
        let bait = theirs.install("bait");
        bait.check().unwrap();
        let record = format!("{{\"given_root\":\"{}\"}}", hex::encode(Sha256::digest(ours.root())));
        fs::write(bait.memory().join("client.json"), record).unwrap();

        let mut install = bait.clone();
        install.root = Some(ours.root());
        let code = install.check().unwrap_err().code();
        assert!(["signature_invalid", "trust_root_invalid"].contains(&code), "{code} after {rotations} rotations");
        // Also from the right repository: nothing of the planted folder counts.
        let right = install.at(&[&ours.repository().display().to_string()]);
        match right.check() {
            Ok(mut repository) => assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one"),
            Err(error) => assert_eq!(error.code(), "trust_root_invalid"),
        }
    }
}

#[test]
fn given_root_that_is_older_than_the_kept_one_costs_no_request() {
    let test = TestRepository::new();
    let (web, install) = test.over_http();
    install.check().unwrap();
    for _ in 0..3 {
        test.keys().rotate("root").unwrap();
        test.publish(&[]);
    }
    assert_eq!(install.check().unwrap().root_version(), 4);
    web.take_asked();
    install.check().unwrap();
    let roots = |asked: Vec<(String, u16)>| asked.into_iter().filter(|(path, _)| path.contains("root")).count();
    assert!(roots(web.take_asked()) <= 1, "only the next root may be asked for");

    // An install of an earlier program has not kept the chain: it is fetched once.
    fs::remove_dir_all(install.memory().join("roots")).unwrap();
    assert_eq!(install.check().unwrap().root_version(), 4);
    assert!(install.memory().join("roots/2.root.json").exists());
    web.take_asked();
    install.check().unwrap();
    assert!(roots(web.take_asked()) <= 1);
}
