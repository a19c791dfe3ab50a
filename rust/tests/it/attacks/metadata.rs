//! Attacks on the signed metadata: its origin, its age, and its consistency.

use std::fs;
use std::path::Path;

use serde_json::json;
use vsekai_updater::net::trust::{Days, Keys, Publication};

use super::attacker::{Attacker, name_of};
use super::test_install::{MODES, TestInstall};

#[test]
fn arbitrary_installation_from_a_repository_with_other_keys() {
    let test = TestInstall::new();
    let (keys, hostile) = (test.path("other-keys"), test.path("hostile"));
    Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    test.publish(&hostile, &keys, "stable", "2.0.0");
    test.attack(&hostile, "signature_invalid");
}

#[test]
fn arbitrary_installation_by_a_chain_of_roots_that_the_old_root_has_not_signed() {
    let test = TestInstall::new();
    let (keys, hostile) = (test.path("other-keys"), test.path("hostile"));
    let mut other = Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    // The attacker's second root is offered as the successor of our first one.
    other.rotate("root").unwrap();
    test.publish(&hostile, &keys, "stable", "2.0.0");
    test.attack(&hostile, "signature_invalid");
}

#[test]
fn arbitrary_installation_by_other_bytes_under_a_signed_name() {
    for file in ["release.json", "index.caidx", "files.json.zst"] {
        let test = TestInstall::new();
        let hostile = test.stolen("hostile");
        test.publish(&hostile, &test.keys(), "stable", "2.0.0");
        let attacker = Attacker::new(&hostile, &test.keys());
        let name = name_of("stable", "2.0.0", file);
        let bytes = attacker.target("stable", &name);
        let listed = attacker.read("stable");
        let sha256 = listed["signed"]["targets"][&name]["hashes"]["sha256"].as_str().unwrap().to_owned();
        let (folders, last) = name.rsplit_once('/').unwrap();
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        fs::write(hostile.join(format!("targets/{folders}/{sha256}.{last}")), other).unwrap();
        test.attack(&hostile, "target_mismatch");
    }
}

#[test]
fn rollback_to_an_older_repository() {
    let test = TestInstall::new();
    let old = test.stolen("old");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.update(&test.honest().display().to_string()).done();
    assert_eq!(test.launch(), "this is 1.0.1");
    test.attack_from(&[&old.display().to_string()], "metadata_rollback");
    assert_eq!(test.launch(), "this is 1.0.1");
}

#[test]
fn rollback_to_an_older_snapshot_with_the_stolen_key_of_timestamp() {
    let test = TestInstall::new();
    let old = Attacker::new(&test.honest(), &test.keys()).read("timestamp");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.update(&test.honest().display().to_string()).done();
    let hostile = test.stolen("hostile");
    let meta = old["signed"]["meta"].clone();
    Attacker::new(&hostile, &test.keys()).change("timestamp", |body| body["meta"] = meta);
    test.attack_from(&[&hostile.display().to_string()], "metadata_rollback");
    assert_eq!(test.launch(), "this is 1.0.1");
}

#[test]
fn rollback_of_one_role_with_the_stolen_keys_of_snapshot_and_timestamp() {
    let test = TestInstall::new();
    let old = Attacker::new(&test.honest(), &test.keys()).read("snapshot");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.update(&test.honest().display().to_string()).done();
    let hostile = test.stolen("hostile");
    let meta = old["signed"]["meta"]["stable.json"].clone();
    Attacker::new(&hostile, &test.keys()).change("snapshot", |body| body["meta"]["stable.json"] = meta);
    test.attack_from(&[&hostile.display().to_string()], "metadata_rollback");
    assert_eq!(test.launch(), "this is 1.0.1");
}

/// A thief of the online keys can use numbers so high that nothing honest is newer. New keys end this.
#[test]
fn fast_forward_ends_with_new_keys_of_snapshot_and_timestamp() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    let attacker = Attacker::new(&hostile, &test.keys());
    attacker.change("snapshot", |body| body["version"] = json!(4_000_000_000_u64));
    attacker.change("timestamp", |body| body["version"] = json!(4_000_000_000_u64));
    let before = test.before();
    test.update(&hostile.display().to_string()).done();
    test.assert_untouched(&before);
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.attack_from(&[&test.honest().display().to_string()], "metadata_rollback");
    let mut keys = Keys::open(test.keys()).unwrap();
    keys.rotate("snapshot").unwrap();
    keys.rotate("timestamp").unwrap();
    Publication::open(&test.honest(), &keys).unwrap().commit().unwrap();
    test.assert_survived();
}

#[test]
fn indefinite_freeze_with_metadata_that_nobody_renews() {
    for role in ["timestamp", "snapshot", "targets", "catalog", "stable"] {
        let test = TestInstall::new();
        let hostile = test.stolen(&format!("frozen-{role}"));
        test.publish(&hostile, &test.keys(), "stable", "1.0.1");
        let attacker = Attacker::new(&hostile, &test.keys());
        attacker.change(role, |body| body["expires"] = json!("2025-01-01T00:00:00Z"));
        test.attack(&hostile, "metadata_expired");
    }
}

#[test]
fn expired_mode_of_others_is_no_reason_to_stop() {
    let test = TestInstall::new();
    test.publish(&test.honest(), &test.keys(), "nightly", "1.0.0-nightly.1");
    let attacker = Attacker::new(&test.honest(), &test.keys());
    attacker.change("nightly", |body| body["expires"] = json!("2025-01-01T00:00:00Z"));
    test.assert_survived();
}

#[test]
fn mix_and_match_of_metadata_from_two_times() {
    for role in ["stable", "catalog", "snapshot"] {
        let test = TestInstall::new();
        let hostile = test.stolen("hostile");
        let attacker = Attacker::new(&hostile, &test.keys());
        let old = attacker.read(role);
        test.publish(&hostile, &test.keys(), "stable", "2.0.0");
        let version = &attacker.read(role)["signed"]["version"];
        let file = hostile.join(format!("tuf/{version}.{role}.json"));
        fs::write(file, serde_json::to_vec(&old).unwrap()).unwrap();
        test.attack(&hostile, "target_mismatch");
    }
}

#[test]
fn stolen_key_of_one_mode_signs_nothing_for_another() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    Attacker::new(&hostile, &test.keys()).change_as("stable", "nightly", |_| {});
    test.attack(&hostile, "signature_invalid");
}

#[test]
fn stolen_key_of_one_mode_lists_nothing_of_another() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    let attacker = Attacker::new(&hostile, &test.keys());
    attacker.put("nightly", &name_of("stable", "2.0.0", "release.json"), b"{}");
    assert_passed_over(&test, &hostile);
}

/// What a role may not list is not found, and harms nobody.
fn assert_passed_over(test: &TestInstall, hostile: &Path) {
    let before = test.before();
    let hostile = hostile.display().to_string();
    assert_eq!(test.update(&hostile).done()["why"], json!(null));
    test.update_with(&hostile, &["--version", "2.0.0"]).failed("version_unknown");
    test.assert_untouched(&before);
    test.assert_survived();
}

/// A catalog that a mode's key has signed is ignored: only the catalog's own key counts.
#[test]
fn stolen_key_of_a_mode_signs_no_catalog() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    Attacker::new(&hostile, &test.keys()).put("nightly", "catalog.json", b"{}");
    let before = test.before();
    assert_eq!(test.update(&hostile.display().to_string()).done()["why"], json!(null));
    test.assert_untouched(&before);
}

#[test]
fn stolen_key_of_the_catalog_signs_no_release() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    let name = name_of("stable", "2.0.0", "release.json");
    Attacker::new(&hostile, &test.keys()).put("catalog", &name, b"{}");
    assert_passed_over(&test, &hostile);
}

#[test]
fn rotation_of_every_key_is_followed_by_an_old_client_and_ends_the_old_keys() {
    let test = TestInstall::new();
    let stolen_keys = test.path("stolen-keys");
    crate::support::trees::copy(&test.keys(), &stolen_keys);
    let hostile = test.stolen("hostile");
    let mut keys = Keys::open(test.keys()).unwrap();
    for role in ["root", "targets", "snapshot", "timestamp", "catalog", "stable"] {
        keys.rotate(role).unwrap();
    }
    test.assert_survived();
    test.publish(&hostile, &stolen_keys, "stable", "2.0.0");
    test.attack_from(&[&hostile.display().to_string()], "signature_invalid");
    assert_eq!(test.launch(), "this is 1.1.0");
}
