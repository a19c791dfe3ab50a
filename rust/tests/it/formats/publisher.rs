//! A current publisher with the frozen keys and repository.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::frozen::Copy;
use super::player::{assert_has, run};

fn desk() -> Copy {
    Copy::of(&["keys", "repository", "install"])
}

#[test]
fn keys_are_all_there() {
    let copy = desk();
    let shown = run(&copy, &["keys", "show"], &[("", &copy.path("keys"))]);
    let keys = shown.done()["keys"].as_array().unwrap();
    let roles: Vec<_> = keys.iter().map(|key| key["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["root", "targets", "snapshot", "timestamp", "catalog", "beta", "old", "stable"]);
    for key in keys {
        assert_eq!((&key["present"], &key["days"], &key["root_version"]), (&json!(true), &json!(3650), &json!(2)));
        assert!(key["root_expires"].as_str().unwrap().starts_with("2099-"), "{key}");
    }
}

#[test]
fn the_next_version_is_published_and_reaches_an_old_install() {
    let copy = desk();
    let (keys, repository, install) = (copy.path("keys"), copy.path("repository"), copy.path("install"));
    let tree = copy.path("tree");
    fs::rename(copy.path("install/versions/").join(folder_of(&install, "1.0.0")), &tree).unwrap();
    fs::write(tree.join("data/more.pck"), b"more").unwrap();
    let words = ["publish", "--mode", "stable", "--version", "1.3.0", "--platform", "linux-x86_64", "--entry", "game"];
    let desk: [(&str, &Path); 3] = [("", &tree), ("--repository", &repository), ("--keys", &keys)];
    let published = run(&copy, &words, &desk);
    assert_eq!(published.done()["sequence"], 5);
    // It is split like the earlier versions, so most of its chunks exist already.
    assert_eq!(published.done()["sizes"]["files"], 9);
    assert!(published.done()["new_chunks"].as_u64().unwrap() < 4, "{:?}", published.done());
    let words = ["update", "--no-shared-cache", "--platform", "linux-x86_64"];
    let done = run(&copy, &words, &[("", &install), ("--repository", &repository)]);
    assert_eq!(done.done()["current"]["version"], "1.3.0");
    assert_eq!(fs::read(install.join("current/data/more.pck")).unwrap(), b"more");
}

fn folder_of(install: &Path, version: &str) -> String {
    let names =
        fs::read_dir(install.join("versions")).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    names.into_iter().find(|name| name.starts_with(version)).unwrap()
}

#[test]
fn everything_can_be_signed_again_with_new_keys() {
    let copy = desk();
    let (keys, repository, install) = (copy.path("keys"), copy.path("repository"), copy.path("install"));
    for role in ["timestamp", "stable", "root"] {
        run(&copy, &["keys", "rotate"], &[("", &keys), ("", Path::new(role))]).done();
    }
    run(&copy, &["repository", "renew"], &[("--repository", &repository), ("--keys", &keys)]).done();
    let words = ["update", "--no-shared-cache", "--platform", "linux-x86_64"];
    run(&copy, &words, &[("", &install), ("--repository", &repository)]).done();
    assert_has(&copy, "install", "1.2.0");
}

#[test]
fn the_same_build_again_is_no_work() {
    let copy = desk();
    let (keys, repository, tree) = (copy.path("keys"), copy.path("repository"), copy.path("tree"));
    let index = super::writers::index_path("1.1.0");
    run(&copy, &["store", "extract", "--store"], &[("", &repository.join("store")), ("", &index), ("", &tree)]).done();
    let words = [
        "publish",
        "--mode",
        "stable",
        "--version",
        "1.1.0",
        "--platform",
        "linux-x86_64",
        "--entry",
        "game",
        "--mutable",
        "settings.cfg",
        "--entry-arg",
        "--fast",
        "--delta-from",
        "0",
    ];
    let notes = copy.path("notes.md");
    fs::write(&notes, "# New\n\n- A **second** world\n").unwrap();
    let desk: [(&str, &Path); 4] = [("", &tree), ("--repository", &repository), ("--keys", &keys), ("--notes", &notes)];
    let published = run(&copy, &words, &desk);
    assert_eq!((&published.done()["was_there"], &published.done()["new_chunks"]), (&json!(true), &json!(0)));
}
