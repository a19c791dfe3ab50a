//! `vsekai publish --dry-run` says what would be published, and changes nothing; changes that are made already are not
//! made again; a repository is shown to those who have no keys of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::TestPublisher;
use crate::support::run::{Run, vsekai};

/// What tells the content of all files below a folder, except that of the lock, which has the last process.
fn content(folder: &Path) -> BTreeMap<PathBuf, String> {
    let found = Command::new("find").arg(folder).args(["!", "-name", ".vsekai-publish.lock"]).output().unwrap();
    let paths = String::from_utf8(found.stdout).unwrap();
    let digest = |path: &str| hex::encode(Sha256::digest(fs::read(path).unwrap_or_default()));
    paths.lines().map(|path| (PathBuf::from(path), digest(path))).collect()
}

#[test]
fn rehearsal_says_what_the_publication_then_does_and_changes_nothing() {
    let test = TestPublisher::new();
    let (one, two) = (test.tree("one", 1), test.tree("two", 2));
    let first = test.publish(&one, "1.0.0", &["--dry-run"]);
    assert!(!test.publisher.repository().exists());
    assert_eq!((&first.done()["dry_run"], &first.done()["is_new_mode"]), (&json!(true), &json!(true)));
    assert_eq!(first.done()["new_chunks"], first.done()["chunks"]);
    test.publish(&one, "1.0.0", &[]).done();

    let lock_of = |test: &TestPublisher| fs::read(test.publisher.repository().join(".vsekai-publish.lock")).unwrap();
    let (before, lock) = (content(test.folder.path()), lock_of(&test));
    let rehearsed = test.publish(&two, "1.1.0", &["--dry-run", "--keep-versions", "1", "--delta-from", "2"]);
    let again = test.publish(&one, "1.0.0", &["-n"]);
    test.publish(&two, "1.0.0", &["-n"]).failed("version_exists");
    assert!(lock_of(&test) == lock && content(test.folder.path()) == before);
    assert_eq!(again.done()["was_there"], true);
    let rehearsed = rehearsed.done();
    assert_eq!(rehearsed["signs"], json!(["stable", "catalog", "snapshot", "timestamp"]));
    assert_eq!((&rehearsed["withdrawn"], &rehearsed["deltas_from"]), (&json!(["1.0.0"]), &json!(["1.0.0"])));
    let documents = rehearsed["documents"].as_array().unwrap();
    assert_eq!(documents[0]["name"].as_str().unwrap().split('/').next_back(), Some("release.json"));

    let published = test.publish(&two, "1.1.0", &["--keep-versions", "1"]);
    for name in ["version", "platform", "sequence", "new_chunks"] {
        assert_eq!(published.done()[name], rehearsed[name], "{name}");
    }
    for name in ["files", "tree_bytes", "chunks"] {
        assert_eq!(published.done()["sizes"][name], rehearsed[name], "{name}");
    }
}

#[test]
fn rehearsal_fails_where_the_publication_would() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    test.publish(&tree, "1.0.0", &[]).done();
    let keys = test.publisher.some_keys("few", &["stable", "snapshot", "timestamp"]);
    let with = |options: &[&str]| {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", "1.1.0", "--entry", "game", "--dry-run"]);
        command.arg("--repository").arg(test.publisher.repository()).args(options);
        Run::of(command.arg("--keys").arg(&keys).arg(test.tree("two", 2)))
    };
    assert!(with(&[]).failed("key_missing").contains("catalog"));
    test.publish(&tree, "0.9.0", &["--dry-run"]).failed("lint_failed");
    assert!(test.publish(&tree, "1.1.0", &["--dry-run", "--mutable", "gam"]).failed("not_found").contains("game"));
}

#[test]
fn what_is_so_already_is_said_and_not_written_again() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    test.publish(&test.tree("two", 2), "1.1.0", &[]).done();
    let recall = ["recall", "--mode", "stable", "--version", "1.1.0"];
    let skip = ["skip", "--mode", "stable", "--version", "1.0.0"];
    let retire = ["retire", "--mode", "beta", "--update-to", "stable"];
    test.edit(&["mode", "--mode", "beta"]).done();
    for words in [&recall[..], &skip, &retire] {
        assert_eq!(test.edit(words).done()["was_so"], false, "{words:?}");
        let before = content(test.publisher.repository());
        let again = test.edit(words);
        assert_eq!((&again.done()["was_so"], &again.done()["files"]), (&json!(true), &json!(0)), "{words:?}");
        assert_eq!(content(test.publisher.repository()), before, "{words:?}");
    }
    assert_eq!(test.edit(&[&recall[..], &["--undo"]].concat()).done()["was_so"], false);
}

#[test]
fn repository_is_shown_without_keys_and_says_that_nobody_checked_it() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let show = |keys: Option<&Path>| {
        let mut command = vsekai();
        command.args(["--json", "repository", "show", "--repository"]).arg(test.publisher.repository());
        Run::of(command.args(keys.map(|keys| format!("--keys={}", keys.display()))))
    };
    let (unchecked, checked) = (show(None), show(Some(test.publisher.keys())));
    assert_eq!((&unchecked.done()["is_checked"], &checked.done()["is_checked"]), (&json!(false), &json!(true)));
    assert_eq!(unchecked.done()["modes"], checked.done()["modes"]);
    assert_eq!(unchecked.done()["modes"]["stable"]["versions"][0]["version"], "1.0.0");
    // What its own root does not vouch for is refused all the same.
    let tuf = test.publisher.repository().join("tuf");
    for file in fs::read_dir(&tuf).unwrap().map(|file| file.unwrap().path()) {
        if file.to_string_lossy().ends_with(".catalog.json") {
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replacen("\"length\":", "\"length\": 1", 1)).unwrap();
        }
    }
    let run = show(None);
    assert_eq!(run.lines.last().unwrap()["event"], "error", "{:?}", run.lines);
}

#[test]
fn new_key_is_named_in_one_line() {
    let test = TestPublisher::new();
    let keys = test.publisher.keys();
    let run = |words: &[&str]| {
        let output = vsekai().args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let folder = keys.to_str().unwrap();
    let said = run(&["keys", "add", folder, "--mode", "nightly"]);
    let file = said.split_once(": it signs the versions of nightly").unwrap().0.strip_prefix("Added ").unwrap();
    assert!(Path::new(file).is_file() && said.lines().count() == 2, "{said}");
    assert!(run(&["keys", "add", folder, "weekly"]).contains("versions of weekly"));
}
