//! Several mirrors, one of them hostile: one honest mirror is enough.

use std::fs;
use std::path::Path;

use vsekai_updater::net::trust::{Days, Keys};

use super::attacker::Attacker;
use super::test_install::{MODES, TestInstall};
use crate::support::packing;
use crate::support::server::TestServer;

/// A repository with an attacker's keys; an outdated one; one without targets; one with wrong chunks.
fn hostile_mirrors(test: &TestInstall) -> Vec<(std::path::PathBuf, &'static str)> {
    let foreign = test.path("foreign");
    let keys = test.path("foreign-keys");
    Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    test.publish(&foreign, &keys, "stable", "9.0.0");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    let expired = test.stolen("expired");
    Attacker::new(&expired, &test.keys())
        .change("timestamp", |body| body["expires"] = serde_json::json!("2025-01-01T00:00:00Z"));
    let garbled = test.stolen("garbled");
    each_file(&garbled.join("targets"), &|file| fs::write(file, b"garbled").unwrap());
    let wrong = test.stolen("wrong");
    each_file(&wrong.join("store"), &|file| fs::write(file, b"garbled").unwrap());
    // Each has a pack of its own files.
    [&foreign, &expired, &garbled, &wrong].into_iter().for_each(|mirror| packing::rebuild(mirror));
    vec![
        (foreign, "signature_invalid"),
        (expired, "metadata_expired"),
        (garbled, "target_mismatch"),
        (wrong, "chunk_corrupt"),
    ]
}

fn each_file(folder: &Path, change: &dyn Fn(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, change) } else { change(&path) }
    }
}

#[test]
fn hostile_mirror_before_an_honest_one_changes_nothing() {
    for which in 0..4 {
        let test = TestInstall::new();
        let (hostile, code) = hostile_mirrors(&test).swap_remove(which);
        let (hostile, honest) = (TestServer::start(&hostile), TestServer::start(&test.honest()));
        test.attack_from(&[&hostile.url()], code);
        let both = test.update_with(&hostile.url(), &["--repository", &honest.url()]);
        assert_eq!(both.done()["current"]["version"], "1.0.1", "{code}");
        assert_eq!(test.launch(), "this is 1.0.1");
    }
}

#[test]
fn hostile_folder_before_an_honest_one_changes_nothing() {
    for which in 0..4 {
        let test = TestInstall::new();
        let (hostile, code) = hostile_mirrors(&test).swap_remove(which);
        let honest = test.honest().display().to_string();
        test.attack_from(&[&hostile.display().to_string()], code);
        let both = test.update_with(&hostile.display().to_string(), &["--repository", &honest]);
        assert_eq!(both.done()["current"]["version"], "1.0.1", "{code}");
        assert_eq!(test.launch(), "this is 1.0.1");
    }
}

#[test]
fn hostile_mirrors_alone_are_an_error() {
    let test = TestInstall::new();
    let mirrors = hostile_mirrors(&test);
    let names: Vec<String> = mirrors[..3].iter().map(|(mirror, _)| mirror.display().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    test.attack_from(&names[..2], "signature_invalid");
    test.assert_survived();
}

/// The mirror returns signed but outdated metadata. A second mirror does not help the user; only expiry reveals it.
#[test]
fn mirror_that_stands_still_is_believed_until_its_metadata_expires() {
    let test = TestInstall::new();
    let still = test.stolen("still");
    test.publish(&test.honest(), &test.keys(), "stable", "1.0.1");
    let run = test.update(&still.display().to_string());
    assert_eq!(run.done()["why"], serde_json::Value::Null);
    test.assert_survived();
}
