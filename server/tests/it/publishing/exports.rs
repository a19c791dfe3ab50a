//! A repository that is exported to a folder again and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::deployment::{TestDeployment, text};

fn export(test: &TestDeployment, more: &[&str]) -> Output {
    test.server_command(&[&["export", "files"][..], more].concat()).output().unwrap()
}

#[track_caller]
fn exported(test: &TestDeployment, more: &[&str]) -> String {
    let output = export(test, more);
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// Every file below a folder.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { found.extend(all(&entry.path())) } else { found.push(entry.path()) }
    }
    found.sort();
    found
}

/// Installs or updates from the export. Returns the version.
fn install(test: &TestDeployment, name: &str) -> String {
    let update = ["--update", name, "--repository", "files", "--trust-root", "root.json", "--no-shared-cache"];
    test.publisher(&update).done()["current"]["version"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_repository_no_longer_has_leaves_the_export_after_the_grace_time() {
    let test = TestDeployment::new(&["bundles=false", "superseded_h=0"]);
    test.publish("stable", "1.0.0", 1).done();
    exported(&test, &["--prune"]);
    install(&test, "game");
    test.assert_has("game", 1);
    test.publish("stable", "1.1.0", 2).args(["--keep-versions", "1"]).done();
    // What was in force is removed a moment later.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let gc = test.server_command(&["gc"]).output().unwrap();
    assert!(gc.status.success(), "{}", text(&gc));
    let files = test.path("files");
    let is_store = |path: &&PathBuf| path.extension().is_some_and(|it| it == "cacnk");
    let lost = files.join(format!("store/0000/{}.cacnk", "0".repeat(64)));
    fs::create_dir_all(lost.parent().unwrap()).unwrap();
    fs::copy(all(&files).iter().find(is_store).unwrap(), &lost).unwrap();
    let own = ["index.html", "store/README", "targets/stable/notes.txt"].map(|name| files.join(name));
    own.iter().for_each(|path| fs::write(path, "mine").unwrap());

    let before = all(&files);
    let listed = export(&test, &["--prune", "--dry-run"]);
    assert!(listed.status.success() && all(&files) == before, "{}", text(&listed));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let listed: Vec<PathBuf> = listed.lines().map(|path| files.join(path)).collect();
    let old = ["tuf/1.snapshot.json", "targets/stable/1.0.0"].map(|name| files.join(name));
    assert!(listed.contains(&lost) && old.iter().all(|old| listed.iter().any(|it| it.starts_with(old))), "{listed:?}");

    // The first export that does not need them notes it.
    let said = exported(&test, &["--prune"]);
    assert!(said.contains("Removed 0 files") && said.contains(&format!("{} files go later", listed.len())), "{said}");
    assert!(before.iter().all(|path| path.exists()));
    let said = exported(&test, &["--prune", "--set", "clean_grace_h=0"]);
    assert!(said.contains(&format!("Removed {} files", listed.len())), "{said}");
    assert!(listed.iter().all(|path| !path.exists()) && own.iter().all(|path| path.exists()), "{listed:?}");
    assert!(before.iter().all(|path| path.exists() != listed.contains(path)), "nothing else has gone");

    install(&test, "game");
    install(&test, "new");
    test.assert_has("game", 2);
    test.assert_has("new", 2);
    assert!(exported(&test, &["--prune"]).contains("Removed 0 files"));
}

#[test]
fn killed_export_leaves_a_whole_repository() {
    let mut test = TestDeployment::new(&["bundles=false", "superseded_h=0", "clean_grace_h=0"]);
    test.publish("stable", "1.0.0", 1).done();
    exported(&test, &["--prune"]);
    test.publish("stable", "1.1.0", 2).args(["--keep-versions", "1"]).done();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(test.server_command(&["gc"]).output().unwrap().status.success());
    test.kill();
    let whole = std::time::Instant::now();
    assert!(test.server_command(&["export", "copy", "--prune"]).output().unwrap().status.success());
    let whole = whole.elapsed();
    for part in 1..=8 {
        let mut killed = test.server_command(&["export", "files", "--prune"]).spawn().unwrap();
        std::thread::sleep(whole * part / 8);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let name = format!("killed{part}");
        let number = if install(&test, &name) == "1.0.0" { 1 } else { 2 };
        test.assert_has(&name, number);
    }
    assert!(exported(&test, &["--prune"]).contains("Removed "));
    assert_eq!(install(&test, "killed1"), "1.1.0");
    test.assert_has("killed1", 2);
    assert!(!test.path("files/tuf/1.snapshot.json").exists());
}

#[test]
fn export_of_another_repository_is_not_pruned() {
    let (test, other) = (TestDeployment::new(&["bundles=false"]), TestDeployment::new(&["bundles=false"]));
    for test in [&test, &other] {
        test.publish("stable", "1.0.0", 1).done();
    }
    exported(&test, &[]);
    let before = all(&test.path("files"));
    let files = test.path("files").display().to_string();
    for more in [&["--prune"][..], &["--prune", "--dry-run"]] {
        let refused = other.server_command(&[&["export", &files][..], more].concat()).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        assert!(text(&refused).contains("another repository is in"), "{}", text(&refused));
    }
    assert_eq!(all(&test.path("files")), before);
}
