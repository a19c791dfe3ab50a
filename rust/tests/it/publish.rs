//! `vsekai publish` and `vsekai repository`: their results, and their handling of mistakes.

mod bundles;
mod checks;
mod expiry;
mod key_files;
mod offline;
mod platform;
mod project;
mod prune;
mod rehearsal;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::repository::Publisher;
use crate::support::run::{Run, vsekai};
use crate::support::tools;
use serde_json::Value;
use tempfile::TempDir;

/// A publisher, and a tree whose program prints its number.
struct TestPublisher {
    folder: TempDir,
    publisher: Publisher,
}

impl TestPublisher {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(folder.path(), &["stable", "beta"]);
        Self { folder, publisher }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tree(&self, name: &str, number: u32) -> PathBuf {
        let tree = self.path(name);
        fs::create_dir_all(tree.join("data")).unwrap();
        fs::write(tree.join("game"), format!("#!/bin/sh\necho {number}\n")).unwrap();
        fs::set_permissions(tree.join("game"), fs::Permissions::from_mode(0o755)).unwrap();
        let noise = |seed: u32| (0..90_000_u32).map(move |n| (n.wrapping_mul(2_654_435_761) ^ seed) as u8);
        fs::write(tree.join("data/world.pck"), noise(7).collect::<Vec<_>>()).unwrap();
        fs::write(tree.join("data/news.pck"), noise(number * 977).collect::<Vec<_>>()).unwrap();
        tree
    }

    fn publish(&self, tree: &Path, version: &str, options: &[&str]) -> Run {
        Run::of(self.publisher.publishing(tree, "stable", version).arg("--json").args(options))
    }

    /// Publishes with another entry than `game`.
    fn publish_entry(&self, tree: &Path, version: &str, entry: &str, options: &[&str]) -> Run {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", version, "--entry", entry]);
        command.arg("--repository").arg(self.publisher.repository()).arg("--keys").arg(self.publisher.keys());
        Run::of(command.args(["--delta-from", "0"]).args(options).arg(tree))
    }

    fn edit(&self, words: &[&str]) -> Run {
        let mut command = vsekai();
        command.args(["--json", "repository"]).args(words).arg("--repository").arg(self.publisher.repository());
        Run::of(command.arg("--keys").arg(self.publisher.keys()))
    }

    fn install(&self, name: &str, options: &[&str]) -> Run {
        let mut command = vsekai();
        command.args(["--json", "update"]).args(options).arg(self.path(name));
        command.arg("--repository").arg(self.publisher.repository());
        Run::of(command.arg("--trust-root").arg(self.publisher.root()))
    }

    fn stable(&self) -> Value {
        let mut command = vsekai();
        command.args(["--json", "mode", "list", "--repository"]).arg(self.publisher.repository());
        command.arg("--trust-root").arg(self.publisher.root()).current_dir(self.folder.path());
        let listed = Run::of(&mut command).done()["modes"].clone();
        let modes = listed.as_array().unwrap();
        modes.iter().find(|mode| mode["name"] == "stable").unwrap().clone()
    }
}

fn files(folder: &Path) -> usize {
    let output = Command::new("find").arg(folder).args(["-type", "f"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().count()
}

#[test]
fn the_same_build_again_is_no_work_and_another_of_the_same_version_is_refused() {
    let test = TestPublisher::new();
    let (one, two) = (test.tree("one", 1), test.tree("two", 2));
    assert_eq!(test.publish(&one, "1.0.0", &[]).done()["was_there"], false);
    let before = files(test.publisher.repository());
    assert_eq!(test.publish(&one, "1.0.0", &[]).done()["was_there"], true);
    assert_eq!(files(test.publisher.repository()), before);
    let refused = test.publish(&two, "1.0.0", &[]).failed("version_exists");
    assert!(refused.contains("differs in: content"), "{refused}");
    let notes = test.path("notes.md");
    fs::write(&notes, "new").unwrap();
    let refused = test.publish(&one, "1.0.0", &["--notes", notes.to_str().unwrap()]).failed("version_exists");
    assert!(refused.contains("differs in: notes") && !refused.contains("content"), "{refused}");
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.0.0");
    assert_eq!(fs::read(test.path("game/current/game")).unwrap(), fs::read(one.join("game")).unwrap());
}

#[test]
fn publishing_again_with_another_rollout_is_refused_and_not_ignored() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    test.publish(&tree, "1.0.0", &["--rollout", "10"]).done();
    test.publish(&tree, "1.0.0", &["--rollout", "10"]).done();
    test.publish(&tree, "1.0.0", &[]).done();
    let said = test.publish(&tree, "1.0.0", &["--rollout", "20"]).failed("invalid_argument");
    assert!(
        said.contains("to 10%; use `vsekai repository rollout --mode stable --version 1.0.0 --percent 20`"),
        "{said}"
    );
    let said = test.publish(&tree, "1.0.0", &["--skip-update"]).failed("invalid_argument");
    assert!(said.contains("`vsekai repository skip --mode stable --version 1.0.0`"), "{said}");
}

#[test]
fn a_second_version_stores_what_is_new_and_no_more() {
    let test = TestPublisher::new();
    let first = test.publish(&test.tree("one", 1), "1.0.0", &[]);
    let second = test.publish(&test.tree("two", 2), "1.1.0", &[]);
    let (all, new) = (first.done()["new_chunks"].as_u64().unwrap(), second.done()["new_chunks"].as_u64().unwrap());
    assert!(new > 0 && new < all, "{new} of {all}");
}

#[test]
fn versions_are_semver_and_the_refusal_proposes_the_form() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let said = test.publish(&tree, "alpha14", &[]).failed("version_invalid");
    assert!(said.contains("0.1.0-alpha.14"), "{said}");
    assert!(!test.publisher.repository().exists(), "nothing was begun");
}

#[test]
fn entry_without_an_exec_bit_is_published_strictly_and_can_be_started() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    fs::set_permissions(tree.join("game"), fs::Permissions::from_mode(0o644)).unwrap();
    let published = test.publish(&tree, "1.0.0", &["--strict"]);
    assert_eq!(published.done()["findings"], serde_json::json!([]));
    test.install("game", &[]).done();
    let mode = fs::metadata(test.path("game/current/game")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "an install makes the entry executable");
}

#[test]
fn an_entry_or_mutable_file_that_is_not_there_is_refused() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    test.publish(&tree, "1.0.0", &["--mutable", "no/such"]).failed("not_found");
    fs::remove_file(tree.join("game")).unwrap();
    test.publish(&tree, "1.0.0", &[]).failed("not_found");
}

#[test]
fn publishing_needs_the_online_keys_and_the_modes_own_one() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    test.publish(&tree, "1.0.0", &[]).done();
    let remove = |role: &str| {
        for entry in fs::read_dir(test.publisher.keys()).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with(&format!("{role}.")) && name.ends_with(".pk8") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    };
    for offline in ["root", "targets", "beta"] {
        remove(offline);
    }
    test.publish(&test.tree("two", 2), "1.1.0", &[]).done();
    remove("stable");
    let refused = test.publish(&test.tree("three", 3), "1.2.0", &[]).failed("key_missing");
    assert!(refused.contains("stable"), "{refused}");
    assert_eq!(test.install("game", &[]).done()["current"]["version"], "1.1.0");
}

#[test]
fn old_versions_leave_the_metadata_but_recalled_ones_stay_known() {
    let test = TestPublisher::new();
    for number in 0..4 {
        let tree = test.tree(&format!("tree{number}"), number);
        test.publish(&tree, &format!("1.{number}.0"), &["--keep-versions", "2"]).done();
    }
    test.install("old", &["--version", "1.1.0"]).failed("version_unknown");
    assert_eq!(test.install("new", &["--version", "1.2.0"]).done()["current"]["version"], "1.2.0");
    test.edit(&["recall", "--mode", "stable", "--version", "1.3.0"]).done();
    test.publish(&test.tree("tree4", 4), "1.4.0", &["--keep-versions", "1", "--skip-update"]).done();
    test.edit(&["recall", "--mode", "stable", "--version", "1.3.0", "--undo"]).done();
    assert_eq!(test.stable()["newest"], "1.3.0");
}

#[test]
fn edits_that_make_no_sense_change_nothing() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    test.edit(&["mode", "--mode", "beta"]).done();
    test.edit(&["recall", "--mode", "stable", "--version", "9.0.0"]).failed("version_unknown");
    test.edit(&["skip", "--mode", "nightly", "--version", "1.0.0"]).failed("mode_unknown");
    test.edit(&["retire", "--mode", "beta", "--update-to", "stable"]).done();
    test.edit(&["retire", "--mode", "stable", "--update-to", "beta"]).failed("mode_cycle");
    test.edit(&["retire", "--mode", "stable", "--update-to", "nowhere"]).failed("mode_unknown");
    test.edit(&["mirrors", "file:///etc"]).failed("invalid_argument");
    test.edit(&["stores", "../elsewhere"]).failed("invalid_argument");
    assert_eq!(test.stable()["is_active"], true);
}

#[test]
fn edits_of_a_repository_that_does_not_exist_begin_none() {
    let test = TestPublisher::new();
    test.edit(&["renew"]).failed("not_found");
    test.edit(&["recall", "--mode", "stable", "--version", "1.0.0"]).failed("not_found");
    assert!(!test.publisher.repository().exists());
    test.edit(&["mode", "--mode", "stable"]).done();
}

#[test]
fn mistyped_places_are_named_as_such() {
    let test = TestPublisher::new();
    let told = |words: &[&str]| {
        let run = Run::of(vsekai().arg("--json").args(words).current_dir(test.folder.path()));
        let last = run.lines.last().unwrap_or_else(|| panic!("{words:?}: {}", run.stderr)).clone();
        assert_eq!(last["event"], "error", "{words:?}");
        let text = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
        (text("message"), text("hint"))
    };
    let show = |place, keys| told(&["repository", "show", "--repository", place, "--keys", keys]).0;
    assert_eq!(show("nope", "keys"), "Could not find the repository nope");
    assert_eq!(show("keys", "keys"), "Invalid repository: there is none in keys: it has no folder tuf");
    assert_eq!(show("nope", "NOKEYS"), "Could not find the key folder NOKEYS");
    let (_, hint) = told(&["keys", "show", "NOKEYS"]);
    assert!(hint.contains("`vsekai keys init NOKEYS --mode stable`"), "{hint}");
    fs::create_dir(test.path("empty")).unwrap();
    assert!(show("nope", "empty").contains("it has no root.json"));
    let dead = crate::support::server::nobody();
    let (_, hint) = told(&["keys", "init", "new", "--mode", "stable", "--online", &dead]);
    assert!(!hint.contains("downloaded") && hint.contains("address"), "{hint}");
    let tree = test.tree("build", 1);
    let run = Run::of(test.publisher.publishing(&tree, "stabel", "1.0.0").arg("--json"));
    let said = run.failed("mode_unknown");
    assert!(said.ends_with("available: beta, stable"), "{said}");
    let hint = run.lines.last().unwrap()["hint"].as_str().unwrap();
    assert!(hint.starts_with("Did you mean stable? ") && hint.contains("`vsekai keys add "), "{hint}");
    let said = Run::of(vsekai().args(["--json", "keys", "rotate"]).arg(test.publisher.keys()).arg("stabel"));
    assert!(said.failed("not_found").ends_with("did you mean \"stable\"?"));
    let said = test.publish_entry(&tree, "1.0.0", "gmae", &[]).failed("not_found");
    assert!(said.ends_with("did you mean game?"), "{said}");
    let said = test.publisher.publishing(&tree, "stable", "1.0.0").args(["--rollout", "20"]).output().unwrap();
    assert!(String::from_utf8(said.stdout).unwrap().contains("\nIt is offered to 20% of installs"));
}

#[test]
fn a_mirror_named_by_the_catalog_is_remembered_by_installs() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    test.edit(&["mirrors", "https://mirror.example/game"]).done();
    test.install("game", &[]).done();
    let status = Run::of(vsekai().args(["--json", "status"]).arg(test.path("game")));
    assert!(!status.done()["repository"].to_string().contains("mirror.example"), "the user named another place");
    let state = fs::read(test.path("game/.vsekai/state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
    assert_eq!(state["mirrors"], serde_json::json!(["https://mirror.example/game"]));
}

#[test]
fn stores_and_mirrors_are_listed_and_removed_only_by_name() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    for (kind, address) in [("mirrors", "https://mirror.example/game"), ("stores", "https://store.example/chunks")] {
        test.edit(&[kind, address]).done();
        assert_eq!(test.edit(&[kind]).done()[kind], serde_json::json!([address]));
    }
    let mut show = vsekai();
    show.args(["repository", "show", "--repository"]).arg(test.publisher.repository());
    let shown = String::from_utf8(show.output().unwrap().stdout).unwrap();
    assert!(shown.contains("mirror.example") && shown.contains("store.example"), "{shown}");
    for kind in ["mirrors", "stores"] {
        test.edit(&[kind, "--clear"]).done();
        assert_eq!(test.edit(&[kind]).done()[kind], serde_json::json!([]));
    }
}

#[test]
fn chunks_may_lie_elsewhere_than_the_metadata() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    fs::rename(test.publisher.repository().join("store"), test.publisher.repository().join("chunks")).unwrap();
    test.install("game", &[]).failed("chunk_missing");
    test.edit(&["stores", "nowhere", "chunks"]).done();
    test.install("game", &[]).done();
}

#[test]
fn takes_over_what_desync_has_cut_and_desync_reads_the_store() {
    if !tools::is_there("desync") {
        return;
    }
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let (store, index) = (test.path("desync-store"), test.path("game.caidx"));
    fs::create_dir(&store).unwrap();
    let arguments = ["tar", "-i", "-s", store.to_str().unwrap(), index.to_str().unwrap(), tree.to_str().unwrap()];
    tools::tool("desync", &arguments);
    let mut command = vsekai();
    command.args(["--json", "publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game"]);
    command.arg("--from-index").arg(&index).arg("--from-store").arg(&store);
    command.arg("--repository").arg(test.publisher.repository()).arg("--keys").arg(test.publisher.keys());
    Run::of(&mut command).done();
    test.install("game", &[]).done();
    for file in ["game", "data/world.pck", "data/news.pck"] {
        assert_eq!(fs::read(test.path("game/current").join(file)).unwrap(), fs::read(tree.join(file)).unwrap());
    }
    let published = test.publisher.repository().join("targets/stable/1.0.0");
    let found = Command::new("find").arg(published).args(["-name", "*.caidx"]).output().unwrap();
    let published = String::from_utf8(found.stdout).unwrap();
    assert_eq!(fs::read(published.trim()).unwrap(), fs::read(&index).unwrap(), "the index is as it was");
    let (store, out) = (test.publisher.repository().join("store"), test.path("out"));
    let words =
        ["untar", "--no-same-owner", "-i", "-s", store.to_str().unwrap(), published.trim(), out.to_str().unwrap()];
    tools::tool("desync", &words);
    assert_eq!(fs::read(out.join("game")).unwrap(), fs::read(tree.join("game")).unwrap());
}

#[test]
fn desync_reads_a_store_with_bundles_beside_it_and_sees_nothing_odd() {
    if !tools::is_there("desync") {
        return;
    }
    let test = TestPublisher::new();
    let trees = [("1.0.0", test.tree("one", 1)), ("2.0.0", test.tree("two", 2))];
    for (version, tree) in &trees {
        test.publisher.publish_with(tree, "stable", version, &["--delta-from", "1", "--fast"]);
    }
    let repository = test.publisher.repository();
    let files = |folder: &str| {
        let found = Command::new("find").arg(repository.join(folder)).args(["-type", "f"]).output().unwrap();
        let mut names: Vec<String> = String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    // Two full bundles and two lists; perhaps a delta, if it saves enough.
    assert!([4, 5].contains(&files("bundles").len()));
    let (store, before) = (repository.join("store"), files("store"));
    let store = store.to_str().unwrap();
    tools::tool("desync", &["verify", "-s", store]);
    let indexes: Vec<String> = files("targets").into_iter().filter(|name| name.ends_with(".caidx")).collect();
    for ((_, tree), index) in trees.iter().zip(&indexes) {
        let out = tempfile::tempdir().unwrap();
        let to = out.path().join("tree");
        tools::tool("desync", &["untar", "--no-same-owner", "-i", "-s", store, index, to.to_str().unwrap()]);
        for file in ["game", "data/world.pck", "data/news.pck"] {
            assert_eq!(fs::read(to.join(file)).unwrap(), fs::read(tree.join(file)).unwrap());
        }
    }
    tools::tool("desync", &["prune", "-y", "-s", store, &indexes[0], &indexes[1]]);
    assert_eq!(files("store"), before, "desync prunes what the indexes do not name");
}

#[test]
fn a_damaged_chunk_of_a_foreign_store_is_found_before_anything_is_offered() {
    let test = TestPublisher::new();
    let (tree, store, index) = (test.tree("one", 1), test.path("store"), test.path("game.caidx"));
    Run::of(vsekai().args(["--json", "store", "make", "--store"]).args([&store, &index, &tree])).done();
    let found = Command::new("find").arg(&store).args(["-name", "*.cacnk"]).output().unwrap();
    let chunk = String::from_utf8(found.stdout).unwrap().lines().next().unwrap().to_owned();
    let mut bytes = fs::read(&chunk).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&chunk, bytes).unwrap();
    let mut command = vsekai();
    command.args(["--json", "publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game"]);
    command.arg("--from-index").arg(&index).arg("--from-store").arg(&store);
    command.arg("--repository").arg(test.publisher.repository()).arg("--keys").arg(test.publisher.keys());
    Run::of(&mut command).failed("chunk_corrupt");
    assert!(!test.publisher.repository().join("targets/stable").exists());
}

#[test]
fn either_a_folder_or_a_server_is_named() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let publishing = || {
        let mut command = vsekai();
        command.args(["publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game", "--keys"]);
        command.arg(test.publisher.keys()).arg(&tree);
        command
    };
    let mut both = publishing();
    both.args(["--server", "http://127.0.0.1:1", "--repository"]).arg(test.path("repository"));
    for mut command in [both, publishing()] {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--server"), "{output:?}");
    }
}

#[test]
fn refused_names_and_links_are_named_with_their_folder() {
    let test = TestPublisher::new();
    let tree = test.tree("tree", 1);
    fs::create_dir_all(tree.join("a/b")).unwrap();
    let refused = |name: &str| {
        let run = test.publish(&tree, "1.0.0", &[]);
        run.failed("lint_failed");
        let is_it = |line: &Value| line["code"] == "unsafe_path" && line["message"].as_str().unwrap().contains(name);
        assert!(run.lines.iter().any(is_it), "{:?}", run.lines);
        let mut make = vsekai();
        make.args(["--json", "store", "make", "--store"]).arg(test.path("store")).arg(test.path("t.caidx")).arg(&tree);
        let said = Run::of(&mut make).failed("unsafe_path");
        assert!(said.contains(name), "{said}");
    };
    fs::write(tree.join("a/b/aux.txt"), b"").unwrap();
    refused("a/b/aux.txt");
    fs::remove_file(tree.join("a/b/aux.txt")).unwrap();
    let link = |target: &str| std::os::unix::fs::symlink(target, tree.join("a/b/l")).unwrap();
    link("/usr/lib");
    refused("a/b/l -> /usr/lib");
    fs::remove_file(tree.join("a/b/l")).unwrap();
    // The text of the link does not show that it leaves the tree.
    std::os::unix::fs::symlink("../..", tree.join("a/b/up")).unwrap();
    link("up/a/b/up/../outside");
    refused("a/b/l -> up/a/b/up/../outside");
    fs::remove_file(tree.join("a/b/l")).unwrap();
    link("up/data");
    test.publish(&tree, "1.0.0", &[]).done();
}
