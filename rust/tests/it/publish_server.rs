//! `vsekai publish --server`: what is sent, what is not sent twice, and what becomes of refusals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::contract::{Contract, LAG, TOKEN};
use crate::support::run::{Run, vsekai};
use tempfile::TempDir;

/// A server, and a publisher with keys for it.
struct Desk {
    folder: TempDir,
    server: Contract,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Contract::start(&folder.path().join("service"));
        let desk = Self { folder, server };
        let mut command = vsekai();
        command.args(["--json", "keys", "init"]).arg(desk.path("keys")).args(["--mode", "stable", "--mode", "beta"]);
        Run::of(command.args(["--online", &desk.server.url()])).done();
        fs::copy(desk.path("keys/root.json"), desk.path("root.json")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tree(&self, name: &str, number: u32) -> PathBuf {
        let tree = self.path(name);
        fs::create_dir_all(tree.join("data")).unwrap();
        fs::write(tree.join("game"), format!("#!/bin/sh\necho {number}\n")).unwrap();
        fs::set_permissions(tree.join("game"), fs::Permissions::from_mode(0o755)).unwrap();
        let noise = |seed: u32| {
            let step =
                |n: &u64| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
            // Half of it can be compressed.
            std::iter::successors(Some(u64::from(seed)), step).map(|n| (n >> 60) as u8).take(150_000)
        };
        fs::write(tree.join("data/world.pck"), noise(7).collect::<Vec<_>>()).unwrap();
        fs::write(tree.join("data/news.pck"), noise(number * 977).collect::<Vec<_>>()).unwrap();
        tree
    }

    fn publishing(&self, mode: &str, version: &str) -> Command {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", mode, "--version", version, "--entry", "game"]);
        command.args(["--server", &self.server.url(), "--keys"]).arg(self.path("keys")).env("VSEKAI_TOKEN", TOKEN);
        command
    }

    fn publish(&self, tree: &Path, version: &str) -> Run {
        Run::of(self.publishing("stable", version).args(["--chunk-size", "1:4:16"]).arg(tree))
    }

    #[track_caller]
    fn installs(&self, name: &str, tree: &Path) {
        std::thread::sleep(2 * LAG);
        let mut command = vsekai();
        command.args(["--json", "update", "--repository", &self.server.url()]).arg("--trust-root");
        Run::of(command.arg(self.path("root.json")).arg(self.path(name))).done();
        for file in ["game", "data/world.pck", "data/news.pck"] {
            let installed = fs::read(self.path(name).join("current").join(file)).unwrap();
            assert!(installed == fs::read(tree.join(file)).unwrap(), "{file}");
        }
    }

    fn remove_keys(&self, roles: &[&str]) {
        for entry in fs::read_dir(self.path("keys")).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".pk8") && roles.contains(&name.split('.').next().unwrap()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}

#[test]
fn the_first_publish_begins_the_repository_and_players_install_from_it() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    let published = desk.publish(&tree, "1.0.0+b1");
    let done = published.done();
    assert_eq!((&done["sequence"], &done["was_there"]), (&1.into(), &false.into()));
    assert_eq!(done["new_chunks"], done["sizes"]["chunks"]);
    assert_eq!(done["new_stored_bytes"], done["sizes"]["stored_bytes"]);
    let asked = desk.server.take_asked("PUT");
    let chunks = asked.iter().filter(|line| line.starts_with("PUT store/")).count() as u64;
    assert_eq!(Some(chunks), done["new_chunks"].as_u64(), "each chunk is sent once");
    assert_eq!(asked[0], "PUT api/v1/repository/trust");
    desk.installs("game", &tree);
}

#[test]
fn the_same_build_again_sends_nothing_and_another_of_the_same_version_is_refused() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    desk.publish(&tree, "1.0.0").done();
    assert_eq!(desk.publish(&tree, "1.0.0").done()["was_there"], true, "a cache does not know it yet");
    std::thread::sleep(2 * LAG);
    desk.server.take_asked("");
    assert_eq!(desk.publish(&tree, "1.0.0").done()["was_there"], true);
    let asked = desk.server.take_asked("");
    assert!(asked.iter().all(|line| line.starts_with("GET ") && !line.contains("store/")), "{asked:?}");
    desk.publish(&desk.tree("two", 2), "1.0.0").failed("version_exists");
    Run::of(desk.publishing("stable", "1.0.0").args(["--entry-arg", "--vr"]).arg(&tree)).failed("version_exists");
    desk.installs("game", &tree);
}

#[test]
fn a_second_version_sends_what_is_new_and_is_counted_on() {
    let desk = Desk::new();
    let first = desk.publish(&desk.tree("one", 1), "1.0.0");
    let all = first.done()["new_chunks"].as_u64().unwrap();
    let tree = desk.tree("two", 2);
    let second = desk.publish(&tree, "1.1.0");
    let (new, sequence) = (second.done()["new_chunks"].as_u64().unwrap(), &second.done()["sequence"]);
    assert!(new > 0 && new < all, "{new} of {all}");
    assert_eq!(sequence, 2);
    // The chunks that were there are estimated: by the same compressor, so nearly right.
    let bytes = |run: &Run| run.done()["sizes"]["stored_bytes"].as_f64().unwrap();
    assert!((bytes(&second) / bytes(&first) - 1.0).abs() < 0.2, "{} {}", bytes(&first), bytes(&second));
    desk.installs("game", &tree);
}

#[test]
fn a_publish_that_was_cut_off_goes_on_where_it_was() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    desk.server.refuse_once("documents/metadata", 403, "told_to");
    desk.publish(&tree, "1.0.0").failed("server_refused");
    desk.server.take_asked("");
    desk.publish(&tree, "1.0.0").done();
    assert_eq!(desk.server.take_asked("PUT store/"), Vec::<String>::new());
    desk.server.refuse_once("api/v1/publications", 500, "internal");
    desk.publish(&desk.tree("two", 2), "1.1.0").done();
    desk.installs("game", &desk.path("two"));
}

#[test]
fn a_commit_that_comes_too_late_is_signed_again() {
    let desk = Desk::new();
    for code in ["publication_stale", "chunks_missing", "publication_expired"] {
        desk.server.refuse_once("commit", 409, code);
    }
    let tree = desk.tree("one", 1);
    desk.publish(&tree, "1.0.0").done();
    desk.installs("game", &tree);
    let asked: Vec<String> =
        desk.server.take_asked("POST").into_iter().filter(|line| line.ends_with("commit")).collect();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[0], asked[1], "the same publication goes on");
    assert_ne!(asked[2], asked[3], "one that has expired is begun anew");
    (0..5).for_each(|_| desk.server.refuse_once("commit", 409, "publication_stale"));
    let refused = desk.publish(&desk.tree("two", 2), "1.1.0").failed("server_refused");
    assert!(refused.contains("publication_stale"), "{refused}");
}

#[test]
fn a_chunk_that_the_server_has_lost_is_sent_again() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    desk.publish(&tree, "1.0.0").done();
    desk.server.lose_a_chunk();
    let again = Run::of(desk.publishing("beta", "1.0.0").args(["--chunk-size", "1:4:16"]).arg(&tree));
    assert_eq!(again.done()["new_chunks"], 1);
    desk.installs("game", &tree);
}

#[test]
fn whoever_holds_the_key_of_a_mode_alone_can_publish_to_it() {
    let desk = Desk::new();
    desk.publish(&desk.tree("one", 1), "1.0.0").done();
    desk.remove_keys(&["root", "targets", "beta"]);
    let tree = desk.tree("two", 2);
    desk.publish(&tree, "1.1.0").done();
    desk.installs("game", &tree);
    let refused = Run::of(desk.publishing("beta", "1.0.0").arg(&tree)).failed("key_missing");
    assert!(refused.contains("beta"), "{refused}");
    assert!(!desk.server.catalog().modes.contains_key(&vsekai_updater::release::ModeName::new("beta").unwrap()));
}

#[test]
fn a_mode_can_be_added_to_a_repository_that_has_begun() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    desk.publish(&tree, "1.0.0").done();
    Run::of(desk.publishing("nightly", "1.0.0").arg(&tree)).failed("invalid_argument");
    Run::of(vsekai().args(["--json", "keys", "add"]).arg(desk.path("keys")).arg("nightly")).done();
    assert_eq!(Run::of(desk.publishing("nightly", "1.0.0").arg(&tree)).done()["sequence"], 1);
    desk.publish(&desk.tree("two", 2), "1.1.0").done();
    desk.installs("game", &desk.path("two"));
}

#[test]
fn a_key_of_the_servers_is_changed_by_giving_it_the_new_one() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    desk.publish(&tree, "1.0.0").done();
    for (role, version) in [("timestamp", "1.1.0"), ("snapshot", "1.2.0"), ("catalog", "1.3.0")] {
        Run::of(vsekai().args(["--json", "keys", "rotate"]).arg(desk.path("keys")).arg(role)).done();
        let refused = desk.publish(&tree, version).failed("server_refused");
        assert!(refused.contains("keys_differ"), "{refused}");
        for entry in fs::read_dir(desk.path("keys")).unwrap().map(Result::unwrap) {
            if entry.file_name().into_string().unwrap().starts_with(&format!("{role}.")) {
                fs::copy(entry.path(), desk.path("service").join(entry.file_name())).unwrap();
            }
        }
        desk.server.read_keys_again(&desk.path("service"));
        desk.publish(&tree, version).done();
    }
    desk.installs("game", &tree);
}

#[test]
fn old_versions_are_withdrawn() {
    let desk = Desk::new();
    for number in 0..3 {
        let tree = desk.tree(&format!("tree{number}"), number);
        let version = format!("1.{number}.0");
        Run::of(desk.publishing("stable", &version).args(["--keep-versions", "2", "--rollout", "40"]).arg(&tree))
            .done();
    }
    let catalog = desk.server.catalog();
    let offers = &catalog.modes.values().next().unwrap().versions;
    let versions: Vec<String> = offers.iter().map(|offer| offer.version.to_string()).collect();
    assert_eq!(versions, ["1.1.0", "1.2.0"]);
    assert!(offers.iter().all(|offer| offer.rollout == 40));
}

#[test]
fn what_desync_has_cut_is_taken_over() {
    let desk = Desk::new();
    let (tree, store, index) = (desk.tree("one", 1), desk.path("store"), desk.path("game.caidx"));
    Run::of(vsekai().args(["--json", "store", "make", "--store"]).args([&store, &index, &tree])).done();
    let publish = || {
        let mut command = desk.publishing("stable", "1.0.0");
        Run::of(command.arg("--from-index").arg(&index).arg("--from-store").arg(&store).env("TMPDIR", desk.path("")))
    };
    let published = publish();
    assert_eq!(published.done()["new_chunks"], published.done()["sizes"]["chunks"]);
    desk.installs("game", &tree);
    std::thread::sleep(2 * LAG);
    desk.server.take_asked("");
    assert_eq!(publish().done()["was_there"], true);
    assert_eq!(desk.server.take_asked("P"), Vec::<String>::new());
    let left = fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with(".publish-")).count(), 0, "working files are removed");
}

#[test]
fn what_the_checks_find_stops_a_strict_publish_before_anything_is_sent() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    fs::set_permissions(tree.join("game"), fs::Permissions::from_mode(0o644)).unwrap();
    Run::of(desk.publishing("stable", "1.0.0").arg("--strict").arg(&tree)).failed("lint_failed");
    assert_eq!(desk.server.take_asked("PUT store/"), Vec::<String>::new());
}

#[test]
fn a_wrong_token_is_told_and_never_shown() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    fs::write(desk.path("token"), "vsk_wrong\n").unwrap();
    let run = Run::of(desk.publishing("stable", "1.0.0").arg("--token-file").arg(desk.path("token")).arg(&tree));
    let refused = run.failed("server_refused");
    assert!(refused.contains("unauthorized"), "{refused}");
    assert!(!format!("{run:?}").contains("vsk_wrong"));
    fs::write(desk.path("token"), format!("{TOKEN}\n")).unwrap();
    let mut command = desk.publishing("stable", "1.0.0");
    Run::of(command.env_remove("VSEKAI_TOKEN").arg("--token-file").arg(desk.path("token")).arg(&tree)).done();
}

#[test]
fn keys_made_for_another_server_are_refused() {
    let (desk, other) = (Desk::new(), Desk::new());
    let mut command = desk.publishing("stable", "1.0.0");
    let refused = Run::of(command.arg("--keys").arg(other.path("keys")).arg(desk.tree("one", 1)));
    assert_eq!(refused.code, Some(2), "given twice");
    let mut command = other.publishing("stable", "1.0.0");
    fs::remove_dir_all(other.path("keys")).unwrap();
    fs::rename(desk.path("keys"), other.path("keys")).unwrap();
    let refused = Run::of(command.arg(desk.tree("one", 1))).failed("server_refused");
    assert!(refused.contains("keys_differ"), "{refused}");
}

#[test]
fn keys_can_be_made_from_a_file_of_what_the_server_says() {
    let desk = Desk::new();
    let output = Command::new("curl").args(["-sf", &format!("{}/api/v1/repository", desk.server.url())]).output();
    let Ok(output) = output else { return };
    fs::write(desk.path("info.json"), output.stdout).unwrap();
    let init = |folder: &str, info: &Path| {
        Run::of(vsekai().args(["--json", "keys", "init"]).arg(desk.path(folder)).arg("--online").arg(info))
    };
    let made = init("more", &desk.path("info.json"));
    let keys = made.done()["keys"].as_array().unwrap().clone();
    let away: Vec<&str> =
        keys.iter().filter(|key| key["present"] == false).filter_map(|key| key["role"].as_str()).collect();
    assert_eq!(away, ["snapshot", "timestamp", "catalog"]);
    init("none", &desk.path("root.json")).failed("invalid_argument");
}

#[test]
fn either_a_folder_or_a_server_is_named() {
    let desk = Desk::new();
    let tree = desk.tree("one", 1);
    let both = desk.publishing("stable", "1.0.0").arg("--repository").arg(desk.path("repository")).arg(&tree).output();
    let mut neither = vsekai();
    neither.args(["publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game", "--keys"]);
    for output in [both.unwrap(), neither.arg(desk.path("keys")).arg(&tree).output().unwrap()] {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--server"), "{output:?}");
    }
}
