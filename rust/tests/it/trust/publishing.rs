//! The promises of publishing: few keys, no moment at which readers are stuck, small metadata.

use std::collections::BTreeMap;
use std::fs;

use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET, Committed, Keys, Publication};

use super::test_repository::{CAP, NIGHTLY, STABLE, TestRepository, copy_tree, files_of, write_files};

#[test]
fn publishing_to_a_mode_needs_its_key_and_the_online_ones_only() {
    let test = TestRepository::new();
    let ci = test.some_keys("ci", &["nightly", "catalog", "snapshot", "timestamp"]);
    let targets: [(&str, &str, &[u8]); 2] =
        [("nightly", NIGHTLY, b"nightly two"), (CATALOG_ROLE, CATALOG_TARGET, b"catalog two")];
    test.publish_with(&ci, &targets).unwrap();
    let mut repository = test.install("a").check().unwrap();
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap(), b"nightly two");

    let before = files_of(&test.repository());
    let error = test.publish_with(&ci, &[("stable", STABLE, b"stable two")]).unwrap_err();
    assert_eq!(error.code(), "key_missing");
    assert!(error.to_string().contains("stable"), "{error}");
    assert_eq!(files_of(&test.repository()), before, "nothing is written without the key");
}

#[test]
fn missing_key_is_found_before_the_work_begins() {
    let test = TestRepository::new();
    let ci = Keys::open(test.some_keys("ci", &["nightly", "snapshot"])).unwrap();
    let publication = Publication::open(&test.repository(), &ci).unwrap();
    for (role, missing) in [("stable", "stable"), ("nightly", "timestamp")] {
        let error = publication.check_keys(role).unwrap_err();
        assert_eq!(error.code(), "key_missing");
        assert!(error.to_string().contains(missing), "{error}");
    }
    assert_eq!(publication.check_keys("beta").unwrap_err().code(), "mode_unknown");
}

#[test]
fn only_files_of_changed_roles_are_written() {
    let test = TestRepository::new();
    let before = files_of(&test.repository());
    test.publish(&[("nightly", "nightly/2.0.0/linux-x86_64/release.json", b"nightly two")]);
    let after = files_of(&test.repository());
    let changed: Vec<&str> =
        after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).map(|(name, _)| name.as_str()).collect();
    let [target, nightly, snapshot, pack, timestamp] = changed[..] else { panic!("{changed:?}") };
    assert!(target.starts_with("targets/nightly/2.0.0/linux-x86_64/") && target.ends_with(".release.json"), "{target}");
    let metadata = ["tuf/3.nightly.json", "tuf/3.snapshot.json", "tuf/current.pack", "tuf/timestamp.json"];
    assert_eq!([nightly, snapshot, pack, timestamp], metadata);
}

#[test]
fn commit_without_changes_writes_nothing() {
    let test = TestRepository::new();
    let before = files_of(&test.repository());
    assert_eq!(test.publish(&[("stable", STABLE, b"stable one")]), Committed::default());
    assert_eq!(files_of(&test.repository()), before);
}

#[test]
fn commit_killed_after_any_file_leaves_a_repository_that_loads_and_can_be_committed_to() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    test.keep_as("before");
    test.publish(&[("stable", STABLE, b"stable two"), (CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    let steps = in_order(&test, "before");
    assert_eq!(
        steps.iter().rev().map(|(name, _)| name).take(2).collect::<Vec<_>>(),
        ["tuf/current.pack", "tuf/timestamp.json"]
    );
    let order: Vec<&str> = steps.iter().map(|(name, _)| name.split('/').next().unwrap()).collect();
    assert_eq!(order, ["targets", "targets", "tuf", "tuf", "tuf", "tuf", "tuf"], "targets come first");
    for written in 0..=steps.len() {
        test.put_back("before");
        write_files(&test.repository(), &steps[..written].iter().cloned().collect());
        let mut repository = test.install("b").open().unwrap();
        let expected: &[u8] = if written >= steps.len() - 1 { b"stable two" } else { b"stable one" };
        assert_eq!(repository.target(STABLE, CAP).unwrap(), expected, "after {written} files");
        let left = files_of(&test.repository());
        test.publish(&[("stable", STABLE, b"stable three")]);
        let now = files_of(&test.repository());
        let changed: Vec<&String> = left.keys().filter(|name| now.get(*name) != left.get(*name)).collect();
        assert_eq!(changed, ["tuf/current.pack", "tuf/timestamp.json"], "no file of a version is written again");
        assert_eq!(test.install("b").check().unwrap().target(STABLE, CAP).unwrap(), b"stable three");
        fs::remove_dir_all(test.path("b")).unwrap();
    }
    install.check().unwrap();
}

/// The files that have changed since that copy, in the order in which they were written.
fn in_order(test: &TestRepository, before: &str) -> Vec<(String, Vec<u8>)> {
    let old = files_of(&test.path(before));
    let new = files_of(&test.repository());
    let mut steps: Vec<(String, Vec<u8>)> =
        new.into_iter().filter(|(name, bytes)| old.get(name) != Some(bytes)).collect();
    let written = |name: &str| fs::metadata(test.repository().join(name)).unwrap().modified().unwrap();
    steps.sort_by_key(|(name, _)| written(name));
    steps
}

#[test]
fn first_commit_killed_after_any_file_can_be_made_again() {
    let test = TestRepository::new();
    test.keep_as("whole");
    fs::remove_dir_all(test.repository()).unwrap();
    let keys = test.keys();
    drop(Publication::open(&test.repository(), &keys).unwrap());
    let all = files_of(&test.repository());
    let names: Vec<&String> = all.keys().filter(|name| *name != "tuf/timestamp.json").collect();
    for name in names {
        fs::remove_dir_all(test.repository()).unwrap();
        let some: BTreeMap<String, Vec<u8>> = [(name.clone(), all[name].clone())].into();
        write_files(&test.repository(), &some);
        test.publish(&[("stable", STABLE, b"stable one")]);
        assert_eq!(test.install(name).open().unwrap().target(STABLE, CAP).unwrap(), b"stable one", "{name}");
    }
}

#[test]
fn commit_of_new_keys_killed_before_its_timestamp_is_mended_by_the_next() {
    for role in ["targets", "snapshot", "timestamp", "root"] {
        let test = TestRepository::new();
        let install = test.install("a");
        install.check().unwrap();
        let mut keys = test.keys();
        keys.rotate(role).unwrap();
        keys.rotate(role).unwrap();
        let old = fs::read(test.repository().join("tuf/timestamp.json")).unwrap();
        test.publish(&[]);
        fs::write(test.repository().join("tuf/timestamp.json"), old).unwrap();
        test.publish(&[("stable", STABLE, b"stable two")]);
        let mut repository = install.check().unwrap();
        assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable two", "{role}");
        assert_eq!(repository.root_version(), 3, "{role}");
    }
}

#[test]
fn lost_timestamp_is_no_empty_folder() {
    let test = TestRepository::new();
    fs::remove_file(test.repository().join("tuf/timestamp.json")).unwrap();
    let error = test.publish_with(&test.keys_folder(), &[]).unwrap_err();
    assert_eq!(error.code(), "metadata_malformed");
}

#[test]
fn repository_that_was_tampered_with_is_not_published_into() {
    let test = TestRepository::new();
    let path = test.repository().join("tuf/2.stable.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"length\":10", "\"length\":11")).unwrap();
    let error = test.publish_with(&test.keys_folder(), &[("stable", STABLE, b"two")]).unwrap_err();
    assert_eq!(error.code(), "target_mismatch");
    let strangers = TestRepository::new();
    let error = test.publish_with(&strangers.keys_folder(), &[]).unwrap_err();
    assert_eq!(error.code(), "signature_invalid");
}

#[test]
fn targets_are_read_back_verified_and_taken_off() {
    let test = TestRepository::new();
    let keys = test.keys();
    let mut publication = Publication::open(&test.repository(), &keys).unwrap();
    assert_eq!(publication.names(), [CATALOG_TARGET, NIGHTLY, STABLE]);
    assert_eq!(publication.target(STABLE).unwrap().unwrap(), b"stable one");
    publication.put("stable", STABLE, b"stable two".to_vec()).unwrap();
    assert_eq!(publication.target(STABLE).unwrap().unwrap(), b"stable two");
    assert_eq!(publication.target("stable/none").unwrap(), None);
    assert!(publication.remove("nightly", NIGHTLY).unwrap());
    assert!(!publication.remove("nightly", NIGHTLY).unwrap());
    publication.commit().unwrap();
    drop(publication);
    let mut repository = test.install("a").check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable two");
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap_err().code(), "target_not_signed");

    let file = files_of(&test.repository()).into_iter().find(|(_, bytes)| bytes == b"stable two").unwrap().0;
    fs::write(test.repository().join(file), b"stable 2wo").unwrap();
    let publication = Publication::open(&test.repository(), &keys).unwrap();
    assert_eq!(publication.target(STABLE).unwrap_err().code(), "target_mismatch");
}

#[test]
fn role_is_given_no_name_that_is_not_its_own() {
    let test = TestRepository::new();
    let keys = test.keys();
    let mut publication = Publication::open(&test.repository(), &keys).unwrap();
    let wrong = [
        ("nightly", STABLE, "invalid_argument"),
        ("stable", "stablex/a", "invalid_argument"),
        ("stable", CATALOG_TARGET, "invalid_argument"),
        ("stable", "stable/a/b/c/d", "invalid_argument"),
        (CATALOG_ROLE, "other.json", "invalid_argument"),
        ("stable", "stable/../catalog.json", "unsafe_path"),
        ("beta", "beta/1.0.0/linux-x86_64/release.json", "mode_unknown"),
    ];
    for (role, name, code) in wrong {
        assert_eq!(publication.put(role, name, Vec::new()).unwrap_err().code(), code, "{role} {name}");
    }
}

#[test]
fn renewal_signs_snapshot_and_timestamp_with_the_online_keys() {
    let test = TestRepository::new();
    let online = Keys::open(test.some_keys("online", &["snapshot", "timestamp"])).unwrap();
    let before = files_of(&test.repository());
    let mut publication = Publication::open(&test.repository(), &online).unwrap();
    publication.renew().unwrap();
    assert_eq!(publication.commit().unwrap().files, 2);
    let after = files_of(&test.repository());
    assert_ne!(before["tuf/timestamp.json"], after["tuf/timestamp.json"]);
    assert!(after.contains_key("tuf/3.snapshot.json"));
    test.install("a").check().unwrap();
}

#[test]
fn renewal_signs_roles_past_half_of_their_days() {
    let test = TestRepository::new();
    let text = fs::read_to_string(test.keys_folder().join("keys.json")).unwrap();
    let longer = text.replace("\"catalog\": 30", "\"catalog\": 300");
    assert_ne!(text, longer);
    fs::write(test.keys_folder().join("keys.json"), longer).unwrap();
    let keys = test.keys();
    let mut publication = Publication::open(&test.repository(), &keys).unwrap();
    publication.renew().unwrap();
    assert_eq!(publication.commit().unwrap().files, 3);
    assert!(test.repository().join("tuf/3.catalog.json").exists());
}

#[test]
fn second_publisher_is_told_that_it_is_busy() {
    let test = TestRepository::new();
    let keys = test.keys();
    let _first = Publication::open(&test.repository(), &keys).unwrap();
    assert_eq!(Publication::open(&test.repository(), &keys).unwrap_err().code(), "busy");
}

#[test]
fn one_target_costs_less_than_200_bytes_of_metadata() {
    let test = TestRepository::new();
    let size = |test: &TestRepository, version| {
        fs::metadata(test.repository().join(format!("tuf/{version}.stable.json"))).unwrap().len()
    };
    let before = size(&test, 2);
    let names: Vec<String> = (0..100).map(|n| format!("stable/1.{n}.1/linux-x86_64/release.json")).collect();
    let targets: Vec<(&str, &str, &[u8])> =
        names.iter().map(|name| ("stable", name.as_str(), name.as_bytes())).collect();
    test.publish(&targets);
    let each = (size(&test, 3) - before) / 100;
    assert!(each < 200, "{each} bytes a target");
}

#[test]
fn repository_can_be_moved_and_copied() {
    let test = TestRepository::new();
    copy_tree(&test.repository(), &test.path("elsewhere"));
    let install = test.install("a").at(&[&test.path("elsewhere").display().to_string()]);
    assert_eq!(install.check().unwrap().target(STABLE, CAP).unwrap(), b"stable one");
}
