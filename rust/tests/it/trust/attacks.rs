//! The attacks that the TUF specification lists (section 1.5.2), each with what the attacker has stolen.

use std::fs;
use std::num::NonZeroU64;

use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET, Days, Keys, Publication};

use super::test_repository::{CAP, NIGHTLY, STABLE, TestRepository, modes};
use crate::support::forge::{Forge, next, yesterday};

#[test]
fn sound_repository_gives_its_targets() {
    let test = TestRepository::new();
    let mut repository = test.install("a").check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap(), b"nightly one");
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one");
    assert_eq!(repository.target_names(), [CATALOG_TARGET, NIGHTLY, STABLE]);
    assert_eq!(repository.target_length(STABLE), Some(10));
}

#[test]
fn arbitrary_software_signed_by_strangers_is_refused() {
    let (ours, theirs) = (TestRepository::new(), TestRepository::new());
    let install = ours.install("a");
    install.check().unwrap();
    let theirs = theirs.repository().display().to_string();
    let refusal = install.at(&[&theirs]).refusal();
    assert_eq!(refusal.code(), "signature_invalid");
    let said = refusal.message_with_causes();
    assert!(said.contains(&format!("{theirs} is signed by other keys than the trusted root names")), "{said}");
}

#[test]
fn rollback_to_an_older_timestamp_is_refused() {
    let test = TestRepository::new();
    test.keep_as("old");
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    let install = test.install("a");
    install.check().unwrap();
    test.put_back("old");
    assert_eq!(install.refusal().code(), "metadata_rollback");
}

#[test]
fn rollback_to_an_older_snapshot_is_refused_though_the_timestamp_is_new() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let old = forge.timestamp();
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    let install = test.install("a");
    install.check().unwrap();
    let mut timestamp = forge.timestamp();
    timestamp.version = next(timestamp.version);
    timestamp.meta = old.meta;
    forge.put_timestamp(timestamp);
    assert_eq!(install.refusal().code(), "metadata_rollback");
}

#[test]
fn rollback_of_one_mode_is_refused_though_the_snapshot_is_new() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let old = forge.snapshot().meta["stable.json"].clone();
    test.publish(&[("stable", STABLE, b"stable two")]);
    let install = test.install("a");
    install.check().unwrap();
    let mut snapshot = forge.snapshot();
    snapshot.version = next(snapshot.version);
    snapshot.meta.insert("stable.json".to_owned(), old);
    forge.put_snapshot(snapshot);
    assert_eq!(install.refusal().code(), "metadata_rollback");
}

#[test]
fn mode_that_vanishes_from_the_snapshot_is_missed() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut snapshot = forge.snapshot();
    snapshot.version = next(snapshot.version);
    snapshot.meta.remove("stable.json");
    forge.put_snapshot(snapshot);
    assert_eq!(install.refusal().code(), "metadata_rollback");
}

#[test]
fn fast_forward_is_undone_by_new_keys() {
    let test = TestRepository::new();
    let install = test.install("a");
    test.keep_as("safe");
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut snapshot = forge.snapshot();
    snapshot.version = NonZeroU64::new(u64::MAX - 1).unwrap();
    forge.put_snapshot(snapshot);
    let mut timestamp = forge.timestamp();
    timestamp.version = NonZeroU64::MAX;
    forge.put_timestamp(timestamp);
    install.check().unwrap();

    test.put_back("safe");
    assert_eq!(install.refusal().code(), "metadata_rollback");
    let mut keys = test.keys();
    keys.rotate("timestamp").unwrap();
    keys.rotate("snapshot").unwrap();
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog two");
    assert_eq!(repository.root_version(), 3);
}

#[test]
fn indefinite_freeze_ends_with_the_timestamp() {
    let test = TestRepository::new();
    let install = test.install("a");
    install.check().unwrap();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut timestamp = forge.timestamp();
    timestamp.version = next(timestamp.version);
    timestamp.expires = yesterday();
    forge.put_timestamp(timestamp);
    assert_eq!(install.refusal().code(), "metadata_expired");
}

#[test]
fn expired_targets_role_stops_everything() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut targets = forge.role("targets");
    targets.expires = yesterday();
    forge.put_role("targets", targets, "targets");
    assert_eq!(test.install("a").refusal().code(), "metadata_expired");
}

#[test]
fn expired_mode_stops_its_own_targets_only() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut nightly = forge.role("nightly");
    nightly.expires = yesterday();
    forge.put_role("nightly", nightly, "nightly");
    let install = test.install("a");
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap_err().code(), "metadata_expired");
}

#[test]
fn snapshot_of_another_time_is_no_match() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let name = |version: NonZeroU64| test.repository().join(format!("tuf/{version}.snapshot.json"));
    let old = fs::read(name(forge.snapshot().version)).unwrap();
    test.publish(&[("stable", STABLE, b"stable two")]);
    fs::write(name(forge.snapshot().version), old).unwrap();
    assert_eq!(test.install("a").refusal().code(), "target_mismatch");
}

#[test]
fn mode_metadata_of_another_time_is_no_match() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let name = |version: NonZeroU64| test.repository().join(format!("tuf/{version}.stable.json"));
    let old = fs::read(name(forge.role("stable").version)).unwrap();
    test.publish(&[("stable", STABLE, b"stable two")]);
    fs::write(name(forge.role("stable").version), old).unwrap();
    only_stable_is_lost(&test, "target_mismatch");
}

/// A fault in one mode harms only that mode.
fn only_stable_is_lost(test: &TestRepository, code: &str) {
    let install = test.install("a");
    assert_eq!(install.target_refusal(STABLE).code(), code);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap(), b"nightly one");
    assert_eq!(repository.target_names(), [CATALOG_TARGET, NIGHTLY]);
}

#[test]
fn metadata_of_one_mode_that_is_missing_or_malformed_harms_that_mode_alone() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let file = test.repository().join(format!("tuf/{}.stable.json", forge.role("stable").version));
    fs::write(&file, b"<html>").unwrap();
    only_stable_is_lost(&test, "target_mismatch");
    fs::remove_file(&file).unwrap();
    only_stable_is_lost(&test, "not_found");

    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut snapshot = forge.snapshot();
    snapshot.version = next(snapshot.version);
    snapshot.meta.remove("stable.json");
    forge.put_snapshot(snapshot);
    only_stable_is_lost(&test, "target_mismatch");
}

#[test]
fn mode_that_lists_what_is_not_its_own_keeps_what_is() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut nightly = forge.role("nightly");
    for name in ["stable/9.9.9/linux-x86_64/release.json", "other.json"] {
        let (target_name, target) = forge.put_target(name, b"evil");
        nightly.targets.insert(target_name, target);
    }
    forge.put_role("nightly", nightly, "nightly");
    let mut repository = test.install("a").check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
    assert_eq!(repository.target(NIGHTLY, CAP).unwrap(), b"nightly one");
    assert_eq!(repository.target("other.json", CAP).unwrap_err().code(), "target_not_signed");
    assert_eq!(repository.target_names(), [CATALOG_TARGET, NIGHTLY, STABLE]);
}

/// The only file of the stable release.
fn stable_file(test: &TestRepository) -> std::path::PathBuf {
    let folder = test.repository().join("targets/stable/1.0.0/linux-x86_64");
    fs::read_dir(folder).unwrap().flatten().next().unwrap().path()
}

#[test]
fn wrong_bytes_of_a_target_are_no_match() {
    let test = TestRepository::new();
    for wrong in [&b"stable 0ne"[..], b"stable one and more", b"short", b""] {
        fs::write(stable_file(&test), wrong).unwrap();
        assert_eq!(test.install("a").target_refusal(STABLE).code(), "target_mismatch", "{wrong:?}");
    }
}

#[test]
fn target_larger_than_the_caller_takes_is_not_read() {
    let test = TestRepository::new();
    let mut repository = test.install("a").open().unwrap();
    assert_eq!(repository.target(STABLE, 9).unwrap_err().code(), "target_mismatch");
}

#[test]
fn stolen_key_of_a_mode_signs_nothing_of_another() {
    for name in ["stable/9.9.9/linux-x86_64/release.json", CATALOG_TARGET, "other.json", "stable/../catalog.json"] {
        let test = TestRepository::new();
        // A catalog that lists nothing, so that only targets of the thief can be found.
        let forge = Forge::new(&test.repository(), &test.keys_folder());
        let mut catalog = forge.role("catalog");
        catalog.targets.clear();
        forge.put_role("catalog", catalog, "catalog");
        let (target_name, target) = forge.put_target(name, b"evil");
        let mut nightly = forge.role("nightly");
        nightly.targets.insert(target_name, target);
        forge.put_role("nightly", nightly, "nightly");
        let code = if name.contains("..") { "unsafe_path" } else { "target_not_signed" };
        assert_eq!(test.install("a").target_refusal(name).code(), code, "{name}");
    }
}

#[test]
fn stolen_key_of_a_mode_replaces_nothing_of_another() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut nightly = forge.role("nightly");
    for name in [STABLE, CATALOG_TARGET] {
        let (target_name, target) = forge.put_target(name, b"evil");
        nightly.targets.insert(target_name, target);
    }
    forge.put_role("nightly", nightly, "nightly");
    let mut repository = test.install("a").open().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
    assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog one");
}

#[test]
fn stolen_key_of_a_mode_does_not_sign_the_other_modes_metadata() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    forge.put_role("stable", forge.role("stable"), "nightly");
    only_stable_is_lost(&test, "signature_invalid");
}

#[test]
fn stolen_catalog_key_describes_no_release() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let (name, target) = forge.put_target("stable/9.9.9/linux-x86_64/release.json", b"evil");
    let mut catalog = forge.role("catalog");
    catalog.targets.insert(name, target);
    forge.put_role("catalog", catalog, "catalog");
    let install = test.install("a");
    assert_eq!(install.target_refusal("stable/9.9.9/linux-x86_64/release.json").code(), "target_not_signed");
    install.check().unwrap();
}

#[test]
fn stolen_online_keys_bring_in_no_new_role() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let (name, target) = forge.put_target("evil/1.0.0/linux-x86_64/release.json", b"evil");
    let mut role = forge.role("catalog");
    role.targets.insert(name, target);
    let mut snapshot = forge.snapshot();
    snapshot.version = next(snapshot.version);
    let meta = snapshot.meta["catalog.json"].clone();
    snapshot.meta.insert("evil.json".to_owned(), meta);
    forge.put_snapshot(snapshot);
    let refusal = test.install("a").target_refusal("evil/1.0.0/linux-x86_64/release.json");
    assert_eq!(refusal.code(), "target_not_signed");
}

#[test]
fn name_that_nobody_signed_is_refused() {
    let test = TestRepository::new();
    for name in ["stable/2.0.0/linux-x86_64/release.json", "catalog.json2", "Catalog.json", "stable"] {
        assert_eq!(test.install("a").target_refusal(name).code(), "target_not_signed", "{name}");
    }
}

#[test]
fn name_that_is_a_way_out_is_refused() {
    let test = TestRepository::new();
    for name in ["../keys/root.json", "stable/../../keys/keys.json", "/etc/passwd", "stable/%2e%2e/x", "a\\..\\b", ""] {
        assert_eq!(test.install("a").target_refusal(name).code(), "unsafe_path", "{name}");
    }
}

#[test]
fn signed_name_that_is_a_way_out_leads_nowhere() {
    let test = TestRepository::new();
    let forge = Forge::new(&test.repository(), &test.keys_folder());
    let mut stable = forge.role("stable");
    let (_, target) = forge.put_target(STABLE, b"stable one");
    stable.targets.insert("stable/x/../../stable/y".try_into().unwrap(), target);
    forge.put_role("stable", stable, "stable");
    let mut repository = test.install("a").open().unwrap();
    assert_eq!(repository.target("stable/x/../../stable/y", CAP).unwrap_err().code(), "unsafe_path");
    assert_eq!(repository.target("stable/y", CAP).unwrap_err().code(), "target_not_signed");
    assert_eq!(repository.target_names(), [CATALOG_TARGET, NIGHTLY, STABLE]);
}

#[test]
fn root_that_is_none_or_signed_by_others_is_refused() {
    let test = TestRepository::new();
    let mut forged: serde_json::Value = serde_json::from_slice(&test.root()).unwrap();
    forged["signed"]["expires"] = "2099-01-01T00:00:00Z".into();
    for root in [b"{}".to_vec(), b"".to_vec(), serde_json::to_vec(&forged).unwrap()] {
        let mut install = test.install("a");
        install.root = Some(root);
        assert_eq!(install.refusal().code(), "trust_root_invalid");
    }
    let mut install = test.install("a");
    install.root = None;
    let error = install.refusal();
    assert_eq!(error.code(), "trust_root_invalid");
    assert!(error.to_string().contains("this install has none yet"), "{error}");
}

#[test]
fn new_root_must_be_signed_by_the_old_one() {
    let test = TestRepository::new();
    let install = test.install("a");
    let other = tempfile::tempdir().unwrap();
    let mut keys = Keys::init(other.path(), &modes(), &Days::default()).unwrap();
    keys.renew_root().unwrap();
    fs::copy(other.path().join("2.root.json"), test.repository().join("tuf/2.root.json")).unwrap();
    assert_eq!(install.refusal().code(), "signature_invalid");
    let keys = test.keys();
    assert_eq!(Publication::open(&test.repository(), &keys).unwrap_err().code(), "signature_invalid");
}

#[test]
fn metadata_that_is_none_is_malformed() {
    let test = TestRepository::new();
    fs::write(test.repository().join("tuf/timestamp.json"), b"no metadata at all").unwrap();
    assert_eq!(test.install("a").refusal().code(), "metadata_malformed");
}
