//! Attacks with the stolen key of the catalog, which is online: it can choose versions, but nothing else.

use serde_json::{Value, json};
use vsekai_updater::formats::release::Platform;
use vsekai_updater::net::trust::Keys;

use super::attacker::Attacker;
use super::test_install::TestInstall;

fn offer(version: &str, sequence: u64) -> Value {
    json!({ "version": version, "sequence": sequence, "platforms": [Platform::current().as_str()] })
}

/// An attack with a catalog that `change` has modified.
fn attack(change: impl FnOnce(&mut Value), code: &str) {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    Attacker::new(&hostile, &test.keys()).change_catalog(change);
    test.attack(&hostile, code);
}

#[test]
fn catalog_chooses_a_version_that_nobody_signed() {
    let choose = |catalog: &mut Value| {
        let mode = &mut catalog["modes"]["stable"];
        mode["sequence"] = json!(9);
        mode["versions"].as_array_mut().unwrap().push(offer("9.9.9", 9));
    };
    attack(choose, "target_not_signed");
}

#[test]
fn catalog_chooses_a_version_that_was_signed_for_another_mode() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "nightly", "2.0.0");
    Attacker::new(&hostile, &test.keys()).change_catalog(|catalog| {
        let mode = &mut catalog["modes"]["stable"];
        mode["sequence"] = json!(9);
        mode["versions"].as_array_mut().unwrap().push(offer("2.0.0", 9));
    });
    test.attack(&hostile, "target_not_signed");
}

#[test]
fn catalog_that_lowers_its_count_has_gone_back() {
    let test = TestInstall::new();
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    test.update(&test.honest().display().to_string()).done();
    let hostile = test.stolen("hostile");
    Attacker::new(&hostile, &test.keys()).change_catalog(|catalog| {
        let mode = &mut catalog["modes"]["stable"];
        mode["sequence"] = json!(1);
        mode["versions"] = json!([offer("1.0.0", 1)]);
    });
    test.attack_from(&[&hostile.display().to_string()], "metadata_rollback");
    assert_eq!(test.launch(), "this is 1.0.1");
}

#[test]
fn catalog_that_forgets_a_mode_has_gone_back() {
    attack(|catalog| drop(catalog["modes"].as_object_mut().unwrap().remove("stable")), "metadata_rollback");
}

#[test]
fn catalog_that_leads_in_a_circle() {
    let circle = |catalog: &mut Value| {
        for (from, to) in [("stable", "beta"), ("beta", "stable")] {
            catalog["modes"][from] = json!({ "is_active": false, "update_to": to, "sequence": 9 });
        }
    };
    attack(circle, "mode_retired");
}

#[test]
fn catalog_that_cannot_be_read() {
    attack(|catalog| catalog["modes"]["stable"]["versions"] = json!([offer("1.0", 1)]), "catalog_malformed");
    attack(|catalog| catalog["modes"]["../stable"] = json!({ "is_active": true, "sequence": 1 }), "catalog_malformed");
    attack(|catalog| catalog["modes"]["stable"]["versions"][0]["sequence"] = json!(99), "catalog_malformed");
}

#[test]
fn catalog_from_the_future_says_so() {
    attack(|catalog| catalog["schema"] = json!(99), "launcher_too_old");
}

/// Chunks are verified wherever they come from. Even so, no catalog may make a client read folders of this machine, or
/// of a file server that asks for a password.
#[test]
fn catalog_that_names_stores_of_somebody_else() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    let away = test.path("away");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    std::fs::rename(hostile.join("store"), &away).unwrap();
    let (absolute, url) = (away.display().to_string(), format!("file://{}", away.display()));
    let stores = [&absolute, &url, "../away", "gopher://somewhere/", "//server/share", "\\\\server\\share", "a:b"];
    Attacker::new(&hostile, &test.keys()).change_catalog(|catalog| catalog["stores"] = json!(stores));
    test.attack_from(&[&hostile.display().to_string()], "chunk_missing");
    assert_eq!(test.launch(), "this is 1.0.0");
}

/// A store that this program does not support is not a reason to stop: another one may work.
#[test]
fn catalog_with_a_store_of_a_kind_that_nobody_knows_yet() {
    let test = TestInstall::new();
    Attacker::new(&test.honest(), &test.keys())
        .change_catalog(|catalog| catalog["stores"] = json!(["s4://later/", "store"]));
    test.assert_survived();
}

#[test]
fn catalog_that_counts_beyond_what_can_be_counted() {
    attack(|catalog| catalog["modes"]["stable"]["sequence"] = json!(u64::MAX), "catalog_malformed");
}

/// A thief of the online keys can use numbers so high that nothing honest is newer. New keys end this.
#[test]
fn catalog_that_counts_far_ahead_is_forgotten_with_new_keys() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    let attacker = Attacker::new(&hostile, &test.keys());
    attacker.change_catalog(|catalog| catalog["modes"]["stable"]["sequence"] = json!(1_u64 << 53));
    test.update(&hostile.display().to_string()).done();
    let mut keys = Keys::open(test.keys()).unwrap();
    for role in ["snapshot", "timestamp", "catalog"] {
        keys.rotate(role).unwrap();
    }
    test.assert_survived();
}
