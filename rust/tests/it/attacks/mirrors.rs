//! Mirrors of which one is hostile: an honest one beside it is enough.

use std::fs;
use std::path::Path;

use vsekai_updater::net::trust::{Days, Keys};

use super::forge::Forge;
use super::ground::{Ground, MODES};
use crate::support::packing;
use crate::support::server::TestServer;

/// A repository of somebody else's keys; one that stands still; one that has no targets; one whose chunks are wrong.
fn hostile_mirrors(ground: &Ground) -> Vec<(std::path::PathBuf, &'static str)> {
    let foreign = ground.path("foreign");
    let keys = ground.path("foreign-keys");
    Keys::init(&keys, &MODES.map(str::to_owned), &Days::default()).unwrap();
    ground.publish(&foreign, &keys, "stable", "9.0.0");
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    let expired = ground.stolen("expired");
    Forge::new(&expired, &ground.keys())
        .change("timestamp", |body| body["expires"] = serde_json::json!("2025-01-01T00:00:00Z"));
    let garbled = ground.stolen("garbled");
    each_file(&garbled.join("targets"), &|file| fs::write(file, b"garbled").unwrap());
    let wrong = ground.stolen("wrong");
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
        let ground = Ground::new();
        let (hostile, code) = hostile_mirrors(&ground).swap_remove(which);
        let (hostile, honest) = (TestServer::start(&hostile), TestServer::start(&ground.honest()));
        ground.attack_from(&[&hostile.url()], code);
        let both = ground.update_with(&hostile.url(), &["--repository", &honest.url()]);
        assert_eq!(both.done()["current"]["version"], "1.0.1", "{code}");
        assert_eq!(ground.launch(), "this is 1.0.1");
    }
}

#[test]
fn hostile_folder_before_an_honest_one_changes_nothing() {
    for which in 0..4 {
        let ground = Ground::new();
        let (hostile, code) = hostile_mirrors(&ground).swap_remove(which);
        let honest = ground.honest().display().to_string();
        ground.attack_from(&[&hostile.display().to_string()], code);
        let both = ground.update_with(&hostile.display().to_string(), &["--repository", &honest]);
        assert_eq!(both.done()["current"]["version"], "1.0.1", "{code}");
        assert_eq!(ground.launch(), "this is 1.0.1");
    }
}

#[test]
fn hostile_mirrors_alone_are_an_error() {
    let ground = Ground::new();
    let mirrors = hostile_mirrors(&ground);
    let names: Vec<String> = mirrors[..3].iter().map(|(mirror, _)| mirror.display().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ground.attack_from(&names[..2], "signature_invalid");
    ground.assert_survived();
}

/// It answers with what is signed, but with nothing new. A user with a second mirror is no better off: only time tells.
#[test]
fn mirror_that_stands_still_is_believed_until_its_metadata_expires() {
    let ground = Ground::new();
    let still = ground.stolen("still");
    ground.publish(&ground.honest(), &ground.keys(), "stable", "1.0.1");
    let run = ground.update(&still.display().to_string());
    assert_eq!(run.done()["why"], serde_json::Value::Null);
    ground.assert_survived();
}
