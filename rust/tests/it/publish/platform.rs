//! The platform of a build for which none is named.

use std::fs;

use super::TestPublisher;
use crate::support::run::{Run, vsekai};
use crate::support::trees::write;

#[test]
fn platform_is_that_of_the_program() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let mut program = fs::read("/proc/self/exe").unwrap();
    program.truncate(1 << 16);
    write(&tree, "game", &program);
    let this = vsekai_updater::formats::release::Platform::current();
    assert_eq!(test.publish(&tree, "1.0.0", &[]).done()["platform"], this.as_str());
    // A program for the other machine, which differs in one field of its header.
    let other = if this.as_str() == "linux-x86_64" { (183, "linux-aarch64") } else { (62, "linux-x86_64") };
    program[18] = other.0;
    write(&tree, "game", &program);
    assert_eq!(test.publish(&tree, "1.0.1", &[]).done()["platform"], other.1);
}

#[test]
fn platform_that_cannot_be_told_is_asked_for() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, "game.zip", b"PK\x03\x04");
    let said = test.publish_entry(&tree, "1.0.0", "game.zip", &[]).failed("invalid_argument");
    assert!(said.contains("--platform") && said.contains("macos-universal"), "{said}");
    assert!(!test.publisher.repository().exists(), "nothing is begun");
}

#[test]
fn platform_of_an_index_is_that_of_the_program_in_it() {
    let test = TestPublisher::new();
    let (tree, store, index) = (test.tree("one", 1), test.path("store"), test.path("game.caidx"));
    let mut program = fs::read("/proc/self/exe").unwrap();
    program.truncate(1 << 16);
    program[18] = 183;
    write(&tree, "game", &program);
    let make = |name: &str| {
        Run::of(vsekai().args(["--json", "store", "make", "--store"]).args([&store, &test.path(name), &tree])).done();
    };
    make("game.caidx");
    let publish = |index: &std::path::Path, version: &str| {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", version, "--entry", "game"]);
        command.arg("--from-index").arg(index).arg("--from-store").arg(&store);
        command.arg("--repository").arg(test.publisher.repository()).arg("--keys").arg(test.publisher.keys());
        Run::of(&mut command)
    };
    assert_eq!(publish(&index, "1.0.0").done()["platform"], "linux-aarch64");
    assert_eq!(publish(&index, "1.0.0").done()["was_there"], true);
    // A refused build leaves nothing behind.
    write(&tree, ".env", b"A=1");
    make("bad.caidx");
    let before = super::files(test.publisher.repository());
    publish(&test.path("bad.caidx"), "1.0.1").failed("lint_failed");
    assert_eq!(super::files(test.publisher.repository()), before);
    fs::remove_dir_all(test.publisher.repository()).unwrap();
    publish(&test.path("bad.caidx"), "1.0.1").failed("lint_failed");
    assert!(!test.publisher.repository().exists());
}

#[test]
fn address_is_no_folder() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    for address in ["http://127.0.0.1:1/game", "HTTPS://host", "gs://bucket/game", "file:///tmp/x", "http:/host/x"] {
        let mut publish = vsekai();
        publish.args(["--json", "publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game"]);
        publish.args(["--repository", address, "--keys"]).arg(test.publisher.keys()).arg(&tree);
        let edit = |words: &[&str]| {
            let mut command = vsekai();
            command.args(["--json", "repository"]).args(words).args(["--repository", address, "--keys"]);
            command.arg(test.publisher.keys());
            command
        };
        let which = ["--mode", "stable", "--version", "1.0.0"];
        let commands = [
            publish,
            edit(&["renew"]),
            edit(&[&["recall"], &which[..]].concat()),
            edit(&[&["skip"], &which[..]].concat()),
            edit(&[&["rollout", "--percent", "5"], &which[..]].concat()),
            edit(&["retire", "--mode", "stable"]),
            edit(&["activate", "--mode", "stable"]),
            edit(&["mode", "--mode", "stable"]),
            edit(&["stores"]),
            edit(&["mirrors"]),
        ];
        for mut command in commands {
            let said = Run::of(command.current_dir(test.folder.path())).failed("invalid_argument");
            let is_web = address.to_ascii_lowercase().starts_with("http");
            assert!(said.contains("--repository") && said.contains("--server") == is_web, "{command:?}: {said}");
        }
    }
    let left: Vec<_> = fs::read_dir(test.folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 3, "keys, root.json and the tree: {left:?}");
}
