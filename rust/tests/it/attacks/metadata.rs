//! Attacks on the signed metadata: whose it is, how old it is, and whether it belongs together.

use std::fs;

use serde_json::json;
use vsekai_updater::net::trust::{Days, Keys, Publication};

use super::forge::{Forge, name_of};
use super::ground::{Ground, MODES};

#[test]
fn arbitrary_installation_from_a_repository_with_other_keys() {
    let ground = Ground::new();
    let (keys, hostile) = (ground.path("other-keys"), ground.path("hostile"));
    Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    ground.publish(&hostile, &keys, "stable", "2.0.0");
    ground.attack(&hostile, "signature_invalid");
}

#[test]
fn arbitrary_installation_by_a_chain_of_roots_that_the_old_root_has_not_signed() {
    let ground = Ground::new();
    let (keys, hostile) = (ground.path("other-keys"), ground.path("hostile"));
    let mut other = Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    // His second root is offered as the successor of our first one.
    other.rotate("root").unwrap();
    ground.publish(&hostile, &keys, "stable", "2.0.0");
    ground.attack(&hostile, "signature_invalid");
}

#[test]
fn arbitrary_installation_by_other_bytes_under_a_signed_name() {
    for file in ["release.json", "index.caidx", "files.json.zst"] {
        let ground = Ground::new();
        let hostile = ground.stolen("hostile");
        ground.publish(&hostile, &ground.keys(), "stable", "2.0.0");
        let forge = Forge::new(&hostile, &ground.keys());
        let name = name_of("stable", "2.0.0", file);
        let bytes = forge.target("stable", &name);
        let listed = forge.read("stable");
        let sha256 = listed["signed"]["targets"][&name]["hashes"]["sha256"].as_str().unwrap().to_owned();
        let (folders, last) = name.rsplit_once('/').unwrap();
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        fs::write(hostile.join(format!("targets/{folders}/{sha256}.{last}")), other).unwrap();
        ground.attack(&hostile, "target_mismatch");
    }
}

#[test]
fn rollback_to_an_older_repository() {
    let ground = Ground::new();
    let old = ground.stolen("old");
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    ground.update(&ground.honest().display().to_string()).done();
    assert_eq!(ground.launch(), "this is 1.0.1");
    ground.attack_from(&[&old.display().to_string()], "metadata_rollback");
    assert_eq!(ground.launch(), "this is 1.0.1");
}

#[test]
fn rollback_to_an_older_snapshot_with_the_stolen_key_of_timestamp() {
    let ground = Ground::new();
    let old = Forge::new(&ground.honest(), &ground.keys()).read("timestamp");
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    ground.update(&ground.honest().display().to_string()).done();
    let hostile = ground.stolen("hostile");
    let meta = old["signed"]["meta"].clone();
    Forge::new(&hostile, &ground.keys()).change("timestamp", |body| body["meta"] = meta);
    ground.attack_from(&[&hostile.display().to_string()], "metadata_rollback");
    assert_eq!(ground.launch(), "this is 1.0.1");
}

#[test]
fn rollback_of_one_role_with_the_stolen_keys_of_snapshot_and_timestamp() {
    let ground = Ground::new();
    let old = Forge::new(&ground.honest(), &ground.keys()).read("snapshot");
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    ground.update(&ground.honest().display().to_string()).done();
    let hostile = ground.stolen("hostile");
    let meta = old["signed"]["meta"]["stable.json"].clone();
    Forge::new(&hostile, &ground.keys()).change("snapshot", |body| body["meta"]["stable.json"] = meta);
    ground.attack_from(&[&hostile.display().to_string()], "metadata_rollback");
    assert_eq!(ground.launch(), "this is 1.0.1");
}

/// Whoever has the online keys can number metadata so high that nothing honest is newer. New keys end that.
#[test]
fn fast_forward_ends_with_new_keys_of_snapshot_and_timestamp() {
    let ground = Ground::new();
    let hostile = ground.stolen("hostile");
    let forge = Forge::new(&hostile, &ground.keys());
    forge.change("snapshot", |body| body["version"] = json!(4_000_000_000_u64));
    forge.change("timestamp", |body| body["version"] = json!(4_000_000_000_u64));
    let before = ground.before();
    ground.update(&hostile.display().to_string()).done();
    ground.assert_untouched(&before);
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    ground.attack_from(&[&ground.honest().display().to_string()], "metadata_rollback");
    let mut keys = Keys::open(&ground.keys()).unwrap();
    keys.rotate("snapshot").unwrap();
    keys.rotate("timestamp").unwrap();
    Publication::open(&ground.honest(), &keys).unwrap().commit().unwrap();
    ground.assert_survived();
}

#[test]
fn indefinite_freeze_with_metadata_that_nobody_renews() {
    let ground = Ground::new();
    for role in ["timestamp", "snapshot", "targets", "catalog", "stable"] {
        let hostile = ground.stolen(&format!("frozen-{role}"));
        ground.publish(&hostile, &ground.keys(), "stable", "1.0.1");
        let forge = Forge::new(&hostile, &ground.keys());
        forge.change(role, |body| body["expires"] = json!("2025-01-01T00:00:00Z"));
        ground.attack_from(&[&hostile.display().to_string()], "metadata_expired");
    }
    ground.assert_survived();
}

#[test]
fn expired_mode_of_others_is_no_reason_to_stop() {
    let ground = Ground::new();
    ground.publish(&ground.honest(), &ground.keys(), "nightly", "1.0.0-nightly.1");
    let forge = Forge::new(&ground.honest(), &ground.keys());
    forge.change("nightly", |body| body["expires"] = json!("2025-01-01T00:00:00Z"));
    ground.assert_survived();
}

#[test]
fn mix_and_match_of_metadata_from_two_times() {
    for role in ["stable", "catalog", "snapshot"] {
        let ground = Ground::new();
        let hostile = ground.stolen("hostile");
        let forge = Forge::new(&hostile, &ground.keys());
        let old = forge.read(role);
        ground.publish(&hostile, &ground.keys(), "stable", "2.0.0");
        let version = &forge.read(role)["signed"]["version"];
        let file = hostile.join(format!("tuf/{version}.{role}.json"));
        fs::write(file, serde_json::to_vec(&old).unwrap()).unwrap();
        ground.attack(&hostile, "target_mismatch");
    }
}

#[test]
fn stolen_key_of_one_mode_signs_nothing_for_another() {
    let ground = Ground::new();
    let hostile = ground.stolen("hostile");
    ground.publish(&hostile, &ground.keys(), "stable", "2.0.0");
    Forge::new(&hostile, &ground.keys()).change_as("stable", "nightly", |_| {});
    ground.attack(&hostile, "signature_invalid");
}

#[test]
fn stolen_key_of_one_mode_lists_nothing_of_another() {
    let ground = Ground::new();
    let hostile = ground.stolen("hostile");
    let forge = Forge::new(&hostile, &ground.keys());
    forge.put("nightly", &name_of("stable", "2.0.0", "release.json"), b"{}");
    ground.attack(&hostile, "target_not_signed");
}

/// A catalog that a mode's key has signed is passed over: the catalog's own counts.
#[test]
fn stolen_key_of_a_mode_signs_no_catalog() {
    let ground = Ground::new();
    let hostile = ground.stolen("hostile");
    Forge::new(&hostile, &ground.keys()).put("nightly", "catalog.json", b"{}");
    let before = ground.before();
    assert_eq!(ground.update(&hostile.display().to_string()).done()["why"], json!(null));
    ground.assert_untouched(&before);
}

#[test]
fn stolen_key_of_the_catalog_signs_no_release() {
    let ground = Ground::new();
    let hostile = ground.stolen("hostile");
    let name = name_of("stable", "2.0.0", "release.json");
    Forge::new(&hostile, &ground.keys()).put("catalog", &name, b"{}");
    ground.attack(&hostile, "target_not_signed");
}

#[test]
fn rotation_of_every_key_is_followed_by_an_old_client_and_ends_the_old_keys() {
    let ground = Ground::new();
    let stolen_keys = ground.path("stolen-keys");
    crate::support::trees::copy(&ground.keys(), &stolen_keys);
    let hostile = ground.stolen("hostile");
    let mut keys = Keys::open(&ground.keys()).unwrap();
    for role in ["root", "targets", "snapshot", "timestamp", "catalog", "stable"] {
        keys.rotate(role).unwrap();
    }
    ground.assert_survived();
    ground.publish(&hostile, &stolen_keys, "stable", "2.0.0");
    ground.attack_from(&[&hostile.display().to_string()], "signature_invalid");
    assert_eq!(ground.launch(), "this is 1.1.0");
}
