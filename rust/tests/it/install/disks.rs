//! Disks that are read-only, full, or case-insensitive, and installs across several disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::shop::{Launched, Shop, as_nobody};
use super::skipped;
use crate::support::run::Run;
use crate::support::trees::{Same, assert_same, noise, snapshot, write};

/// A mounted file system, until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf, words: &[&str]) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount").args(words).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[track_caller]
fn assert_read_only(run: &Run) {
    let code = run.lines.last().unwrap()["code"].as_str().unwrap_or_default().to_owned();
    assert!(matches!(code.as_str(), "read_only" | "permission_denied"), "{:?}", run.lines.last());
    assert_eq!(run.code, Some(1));
}

#[test]
fn install_of_another_user_starts_and_is_read_and_is_not_updated() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop.publish("3.0.0");
    let Some(mut status) = as_nobody(&shop, shop.command(&["status"]).arg(shop.game())) else { return };
    let before = snapshot(&shop.game());
    assert_eq!(Run::of(&mut status).done()["current"]["version"], "2.0.0");
    let nobody = |command: &Command| as_nobody(&shop, command).unwrap();
    assert_eq!(Run::of(&mut nobody(shop.command(&["verify"]).arg(shop.game()))).code, Some(0));
    let check = Run::of(&mut nobody(shop.command(&["check"]).arg(shop.game())));
    assert_eq!(check.done()["available"]["version"], "3.0.0");
    // On trial: the start cannot be counted, but happens all the same.
    assert_eq!(Launched::of(&mut nobody(&shop.launching(&[]))).last["version"], "2.0.0");
    for words in [&["update"][..], &["rollback"], &["uninstall", "--yes"]] {
        assert_read_only(&Run::of(&mut nobody(shop.command(words).arg(shop.game()))));
    }
    assert_same(&before, &snapshot(&shop.game()), Same::Untouched);
}

#[test]
fn version_that_does_not_start_is_left_even_where_nothing_can_be_written() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    for _ in 0..2 {
        assert_eq!(shop.launch(&[("GAME_EXIT", "1")]).code, Some(1));
    }
    let Some(mut launch) = as_nobody(&shop, &shop.launching(&[])) else { return };
    let launched = Launched::of(&mut launch);
    assert_eq!((&launched.last["version"], &launched.last["rolled_back_from"]), (&"1.0.0".into(), &"2.0.0".into()));
    assert_eq!(shop.version(), "2.0.0", "it was not written down");
}

#[test]
fn damaged_state_is_read_around_even_where_nothing_can_be_written() {
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.control("state.json"), b"{").unwrap();
    let Some(mut status) = as_nobody(&shop, shop.command(&["status"]).arg(shop.game())) else { return };
    assert_eq!(Run::of(&mut status).done()["current"]["version"], "1.0.0");
    let mut launch = as_nobody(&shop, &shop.launching(&[])).unwrap();
    assert_eq!(Launched::of(&mut launch).last["version"], "1.0.0");
}

#[test]
fn install_on_another_disk_than_repository_and_temporary_files() {
    let shop = Shop::new();
    let other = Path::new(env!("CARGO_TARGET_TMPDIR"));
    if snapshot_device(other) == snapshot_device(shop.bench.root()) {
        return skipped("there is one disk only: an install on another one is not tested");
    }
    let other = tempfile::tempdir_in(other).unwrap();
    std::os::unix::fs::symlink(other.path().join("GAME"), shop.game()).unwrap();
    fs::create_dir(other.path().join("GAME")).unwrap();
    for version in ["1.0.0", "2.0.0"] {
        shop.publish(version);
        Run::of(shop.updating(&[]).env("TMPDIR", shop.bench.root())).done();
        assert_eq!(shop.version(), version);
        shop.assert_whole();
        assert_eq!(shop.launch(&[]).code, Some(0));
    }
    write(&shop.tree(), "mine", b"mine");
    shop.vsekai(&["rollback"]).done();
    let saved = shop.game().join("saved").join(shop.folder_of("2.0.0"));
    assert_eq!(fs::read(saved.join("mine")).unwrap(), b"mine");
}

fn snapshot_device(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).unwrap())
}

#[test]
fn full_disk_leaves_the_old_version_and_what_has_come() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let Some(_disk) = Mounted::new(shop.game(), &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) else {
        return skipped("a small file system cannot be mounted: full disks are not tested");
    };
    shop.update(&[]).done();
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/large.pck", &noise(9, 2_000_000)));
    shop.update(&[]).failed("disk_full");
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
    // Completely full: the installed version still starts.
    let _ = fs::write(shop.game().join("filler"), vec![1; 2_000_000]);
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    fs::remove_file(shop.game().join("filler")).unwrap();
    shop.publish("3.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "3.0.0");
}

#[test]
fn names_that_differ_in_case_alone_are_refused_where_they_are_one() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| {
        write(tree, "data/Map", b"one");
        write(tree, "Data/pack", b"other");
    });
    let image = shop.path("disk.img");
    let made = fs::File::create(&image).and_then(|file| file.set_len(16 << 20)).is_ok()
        && Command::new("mkfs.ext4").args(["-q", "-O", "casefold"]).arg(&image).status().is_ok_and(|it| it.success());
    let disk = Mounted::new(shop.path("disk"), &["-o", "loop", image.to_str().unwrap()]).filter(|_| made);
    let folder = shop.path("disk/folded");
    let is_folding = disk.is_some()
        && fs::create_dir(&folder).is_ok()
        && Command::new("chattr").arg("+F").arg(&folder).status().is_ok_and(|it| it.success());
    if !is_folding {
        skipped("no disk that folds case can be mounted: only the check itself is tested");
        let flags = vsekai_updater::formats::index::FeatureFlags::TREE;
        let recorded = vsekai_updater::local::tree::Recorded::AsOnDisk(flags);
        let layout = vsekai_updater::local::tree::layout(&shop.path("build-1.0.0"), &recorded).unwrap();
        assert_eq!(layout.check_case_collisions().unwrap_err().code(), "unsafe_path");
        return assert!(!vsekai_updater::local::disk::folds_case(shop.bench.root()).unwrap());
    }
    let mut command = shop.command(&["update", "--repository"]);
    command.arg(shop.publisher.repository()).arg("--trust-root").arg(shop.publisher.root()).arg(folder.join("GAME"));
    Run::of(&mut command).failed("unsafe_path");
    Run::of(shop.command(&["launch"]).arg(folder.join("GAME"))).failed("not_installed");
}
