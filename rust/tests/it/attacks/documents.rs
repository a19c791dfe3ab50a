//! Attacks with the stolen key of a mode: documents that are signed, but do not match.

use std::fs;

use serde_json::{Value, json};
use vsekai_updater::event::Monitor;
use vsekai_updater::net::publish::publish;

use super::attacker::{Attacker, Documents, name_of, sha256};
use super::test_install::{TestInstall, request};
use crate::support::trees::{noise, write};

/// An attack with documents of 2.0.0 that `change` has modified.
pub(crate) fn attack(change: impl FnOnce(&mut Documents), code: &str) {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    Attacker::new(&hostile, &test.keys()).change_documents("stable", "2.0.0", change);
    test.attack(&hostile, code);
}

fn change_release(change: impl FnOnce(&mut Value), code: &str) {
    attack(|documents| change(&mut documents.release), code);
}

#[test]
fn release_document_that_names_the_index_of_another_version() {
    change_release(
        |release| release["index"]["path"] = json!(name_of("stable", "1.0.0", "index.caidx")),
        "release_malformed",
    );
}

#[test]
fn release_document_that_names_the_files_of_another_mode() {
    change_release(
        |release| release["files"]["path"] = json!(name_of("nightly", "2.0.0", "files.json.zst")),
        "release_malformed",
    );
}

#[test]
fn release_document_that_leaves_its_place_by_dots() {
    let escape = |release: &mut Value| {
        release["index"]["path"] = json!(name_of("stable", "2.0.0", "../../1.0.0/linux-x86_64/index.caidx"));
    };
    change_release(escape, "release_malformed");
}

#[test]
fn release_document_of_another_version_platform_or_mode_under_this_name() {
    for (field, value, path) in [
        ("version", "1.0.0", name_of("stable", "1.0.0", "")),
        ("platform", "windows-x86_64", "stable/2.0.0/windows-x86_64/".to_owned()),
        ("mode", "nightly", name_of("nightly", "2.0.0", "")),
    ] {
        let change = |release: &mut Value| {
            release[field] = json!(value);
            release["index"]["path"] = json!(format!("{path}index.caidx"));
            release["files"]["path"] = json!(format!("{path}files.json.zst"));
        };
        change_release(change, "target_mismatch");
    }
}

/// The signed document of the previous version, under the name of the new one.
#[test]
fn old_release_document_served_as_the_new_one() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let attacker = Attacker::new(&hostile, &test.keys());
    let old = attacker.target("stable", &name_of("stable", "1.0.0", "release.json"));
    attacker.put("stable", &name_of("stable", "2.0.0", "release.json"), &old);
    test.attack(&hostile, "target_mismatch");
}

#[test]
fn index_that_is_signed_and_is_not_the_one_that_the_release_names() {
    for file in ["index.caidx", "files.json.zst"] {
        let test = TestInstall::new();
        let hostile = test.stolen("hostile");
        test.publish(&hostile, &test.keys(), "stable", "2.0.0");
        let attacker = Attacker::new(&hostile, &test.keys());
        let old = attacker.target("stable", &name_of("stable", "1.0.0", file));
        attacker.put("stable", &name_of("stable", "2.0.0", file), &old);
        test.attack(&hostile, "target_mismatch");
    }
}

#[test]
fn index_of_one_version_with_the_file_table_of_another() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0-alpha");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let attacker = Attacker::new(&hostile, &test.keys());
    let other = attacker.documents("stable", "2.0.0-alpha");
    attacker.change_documents("stable", "2.0.0", |documents| documents.files = other.files);
    test.attack(&hostile, "file_table_malformed");
}

/// The streams have the same length, so only their content differs.
#[test]
fn index_of_one_version_with_the_file_table_of_another_of_the_same_length() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    test.publish(&hostile, &test.keys(), "stable", "3.0.0");
    let attacker = Attacker::new(&hostile, &test.keys());
    let other = attacker.documents("stable", "2.0.0");
    attacker.change_documents("stable", "3.0.0", |documents| documents.files = other.files);
    test.attack_from(&[&hostile.display().to_string()], "file_table_malformed");
    assert_eq!(test.launch(), "this is 1.0.0");
}

/// Files are taken over from an installed version according to its file table. A false table would make content that
/// was signed with one mode's stolen key persist in versions of another mode.
#[test]
fn file_of_one_mode_with_a_digest_that_lies_does_not_get_into_another() {
    let test = TestInstall::new();
    let keys = test.keys();
    test.publish(&test.honest(), &keys, "stable", "2.0.0");
    let wanted = fs::read(test.tree("2.0.0").join("data/level.pck")).unwrap();
    let hostile = test.tree("1.0.1-evil.1");
    write(&hostile, "data/level.pck", &noise(99, wanted.len()));
    let request = request(&test.honest(), &keys, &hostile, "nightly", "1.0.1-evil.1");
    publish(&request, &Monitor::default()).unwrap();
    Attacker::new(&test.honest(), &keys).change_documents("nightly", "1.0.1-evil.1", |documents| {
        documents.change_files(|table| {
            let rows = table["entries"].as_array_mut().unwrap();
            let row = rows.iter_mut().find(|row| row["path"] == "data/level.pck").unwrap();
            row["sha256"] = json!(sha256(&wanted));
        });
    });
    let honest = test.honest().display().to_string();
    let run = test.update_with(&honest, &["--mode", "nightly"]);
    test.update_with(&honest, &["--mode", "stable"]).done();
    assert_eq!(fs::read(test.install().join("current/data/level.pck")).unwrap(), wanted);
    run.failed("file_table_malformed");
}

#[test]
fn release_document_whose_program_is_not_in_the_tree() {
    change_release(|release| release["entry"]["path"] = json!("bin/sh"), "release_malformed");
    change_release(|release| release["entry"]["path"] = json!("../../../../bin/sh"), "release_malformed");
    change_release(|release| release["entry"]["path"] = json!("/bin/sh"), "release_malformed");
    change_release(|release| release["entry"]["path"] = json!("data"), "release_malformed");
}

#[test]
fn release_document_for_a_later_program_says_so() {
    change_release(|release| release["min_launcher"] = json!("99.0.0"), "launcher_too_old");
    change_release(|release| release["schema"] = json!(99), "launcher_too_old");
}

#[test]
fn documents_that_cannot_be_read() {
    change_release(|release| *release = json!([]), "release_malformed");
    attack(|documents| documents.index.truncate(100), "index_malformed");
    attack(|documents| documents.files.truncate(50), "file_table_malformed");
    attack(|documents| documents.change_files(|table| table["schema"] = json!(99)), "launcher_too_old");
}
