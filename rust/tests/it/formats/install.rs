//! This release with an install that an older release made.

use std::fs;

use serde_json::{Value, json};
use vsekai_updater::install::{InstallRoot, InstalledVersion};

use super::frozen::Copy;
use super::player::{assert_has, run};
use crate::support::run::{Run, vsekai};

/// 1.1.0 is on trial; 1.0.0 is the previous version.
fn install() -> Copy {
    Copy::of(&["install", "repository", "keys"])
}

fn on(copy: &Copy, words: &[&str]) -> Run {
    run(copy, words, &[("", &copy.path("install"))])
}

/// Like [`on`], for commands that use the repository. The root is the one that the install remembers.
fn asking(copy: &Copy, words: &[&str]) -> Run {
    let (install, repository) = (copy.path("install"), copy.path("repository"));
    run(copy, words, &[("", &install), ("--repository", &repository)])
}

#[track_caller]
fn assert_status(copy: &Copy, current: &str, previous: Option<&str>, attempts: Option<u32>) {
    let status = on(copy, &["status"]);
    let shown = status.done();
    assert_eq!(shown["current"]["version"], current);
    assert_eq!(shown["previous"]["version"], json!(previous));
    assert_eq!(shown["trial"]["attempts"], json!(attempts));
}

#[test]
fn status_shows_both_versions_and_the_trial() {
    let copy = install();
    assert_status(&copy, "1.1.0", Some("1.0.0"), Some(0));
    let status = on(&copy, &["status"]);
    assert_eq!((&status.done()["mode"], &status.done()["bad"]), (&"stable".into(), &json!([])));
}

#[test]
fn verify_finds_it_whole_and_the_users_file_foreign() {
    let copy = install();
    let verified = on(&copy, &["verify"]);
    assert_eq!(verified.done()["foreign"], json!(["screenshot.txt"]));
    assert_has(&copy, "install", "1.1.0");
    let root = InstallRoot::at(&copy.path("install")).unwrap();
    for folder in fs::read_dir(copy.path("install/versions")).unwrap() {
        let kept = InstalledVersion::read(&root, folder.unwrap().file_name().to_str().unwrap()).unwrap();
        assert_eq!(kept.documents.table.files().count(), 7);
    }
}

#[test]
fn damage_is_found_and_repaired() {
    let copy = install();
    fs::write(copy.path("install/current/data/world.pck"), b"damaged").unwrap();
    let verified = on(&copy, &["verify"]);
    assert_eq!((verified.code, verified.lines.last().unwrap()["damage"].as_array().unwrap().len()), (Some(3), 1));
    assert_ne!(asking(&copy, &["verify", "--repair"]).done()["repaired"], Value::Null);
    assert_has(&copy, "install", "1.1.0");
}

#[test]
fn launch_starts_it_and_ends_the_trial() {
    let copy = install();
    let mut command = vsekai();
    command.env("HOME", copy.path("home")).env("GAME_EXIT", "0").arg("launch").arg(copy.path("install"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("version 1.1.0"), "{said}");
    assert_status(&copy, "1.1.0", Some("1.0.0"), None);
}

#[test]
fn check_offers_the_next_version_and_update_installs_it() {
    let copy = install();
    let checked = asking(&copy, &["check"]);
    assert_eq!(checked.done()["available"]["version"], "1.2.0");
    let done = asking(&copy, &["update", "--no-shared-cache", "--platform", "linux-x86_64"]);
    assert_eq!((&done.done()["from"], &done.done()["current"]["version"]), (&"1.1.0".into(), &"1.2.0".into()));
    assert_has(&copy, "install", "1.2.0");
    // Files that the game and the user wrote are carried over.
    assert_eq!(fs::read(copy.path("install/current/settings.cfg")).unwrap(), b"volume=3\n");
    assert_eq!(fs::read(copy.path("install/current/screenshot.txt")).unwrap(), b"mine\n");
}

#[test]
fn rollback_goes_to_the_version_before() {
    let copy = install();
    assert_eq!(on(&copy, &["rollback"]).done()["version"], "1.0.0");
    assert_status(&copy, "1.0.0", None, None);
    assert_has(&copy, "install", "1.0.0");
}

#[test]
fn an_older_repository_is_refused() {
    let copy = install();
    let (install, keys, older) = (copy.path("install"), copy.path("keys"), copy.path("older"));
    // The keys are right, and the timestamp is fresh: only the install knows that it has seen a later one.
    let tree = fs::canonicalize(copy.path("install/current")).unwrap();
    let words = ["publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game", "--delta-from", "0"];
    run(&copy, &words, &[("", &tree), ("--repository", &older), ("--keys", &keys)]).done();
    run(&copy, &["check"], &[("", &install), ("--repository", &older)]).failed("metadata_rollback");
}
