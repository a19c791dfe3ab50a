//! Disks that are full, read-only, or belong to another user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Game, skipped};
use crate::support::run::{Run, extract, vsekai};
use crate::support::server::TestServer;
use crate::support::stores::Bench;
use crate::support::trees::{Same, assert_equal_trees, assert_same, noise, snapshot, write};

/// A separate file system in memory, until it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf, size_kib: u64) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let size = format!("size={size_kib}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        skipped("a small file system cannot be mounted: full and read-only disks are not tested");
        None
    }

    fn read_only(&self, read_only: bool) {
        let mode = if read_only { "remount,ro" } else { "remount,rw" };
        assert!(Command::new("mount").args(["-o", mode]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn full_disk_is_found_out_before_anything_is_written() {
    let game = Game::new();
    let Some(disk) = Mounted::new(game.bench.path("disk"), 512) else { return };
    let run = Run::of(&mut extract(&[game.bench.store()], &game.old_index, &disk.0.join("GAME")));
    let message = run.failed("disk_full");
    assert!(message.contains(" free, and ") && message.contains("are needed"), "{message}");
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    assert!(!disk.0.join("GAME").exists());
    let used: u64 = snapshot(&disk.0)
        .values()
        .map(|seen| match &seen.what {
            crate::support::trees::What::File { size, .. } => *size,
            _ => 0,
        })
        .sum();
    assert!(used < 100_000, "{used}");
    // A dry run reports the same.
    let mut dry = extract(&[game.bench.store()], &game.old_index, &disk.0.join("GAME"));
    Run::of(dry.arg("--dry-run")).failed("disk_full");
}

#[test]
fn disk_that_fills_up_on_the_way_is_an_error_and_the_old_version_stays() {
    let game = Game::new();
    let Some(disk) = Mounted::new(game.bench.path("disk"), 3_000) else { return };
    let destination = disk.0.join("GAME");
    Run::of(&mut extract(&[game.bench.store()], &game.old_index, &destination)).done();
    let before = snapshot(&destination);
    let server = TestServer::slow(&game.bench.store(), Duration::from_millis(60));
    let mut command = extract(&[server.url()], &game.new_index, &destination);
    command.args(["--connections", "1"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let staged = || fs::read_dir(disk.0.join(".GAME.vsekai")).unwrap().flatten();
    let begun = || staged().any(|entry| entry.path().join("tree/new/file.dat").exists());
    let filler = disk.0.join("filler");
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while !begun() {
        assert!(std::time::Instant::now() < until, "it never began to write");
        std::thread::sleep(Duration::from_millis(2));
    }
    // Fills the rest of the disk; the final error is expected.
    let full = fs::write(&filler, noise(1, 4 << 20));
    assert!(full.is_err());
    let run = Run::from(child.wait_with_output().unwrap());
    run.failed("disk_full");
    assert_same(&before, &snapshot(&destination), Same::Untouched);
    fs::remove_file(&filler).unwrap();
    Run::of(&mut extract(&[game.bench.store()], &game.new_index, &destination)).done();
    assert_equal_trees(&destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn read_only_disk_is_an_error_with_a_hint() {
    let game = Game::new();
    let Some(disk) = Mounted::new(game.bench.path("disk"), 4_000) else { return };
    let destination = disk.0.join("GAME");
    let go = |index: &Path| Run::of(&mut extract(&[game.bench.store()], index, &destination));
    disk.read_only(true);
    let run = go(&game.old_index);
    run.failed("read_only");
    assert!(run.stderr.contains("hint: Choose a destination on a writable disk."), "{}", run.stderr);
    disk.read_only(false);
    go(&game.old_index).done();
    disk.read_only(true);
    let before = snapshot(&destination);
    go(&game.new_index).failed("read_only");
    assert_same(&before, &snapshot(&destination), Same::Untouched);
    // A dry run is allowed.
    let mut dry = extract(&[game.bench.store()], &game.new_index, &destination);
    Run::of(dry.arg("--dry-run")).done();
}

/// A copy of the binary that another user can run.
fn as_nobody(game: &Game, index: &Path, destination: &Path) -> Option<Command> {
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(game.bench.root());
    let program = game.bench.path("vsekai");
    if !program.exists() {
        // Not with `fs::copy`: a child of another thread would inherit our open file for a moment, and a file that is
        // open for writing cannot be started.
        assert!(Command::new("cp").arg(vsekai().get_program()).arg(&program).status().unwrap().success());
        open(&program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command.args(["--json", "store", "extract", "--no-shared-cache", "--store"]).arg(game.bench.store());
    command.arg(index).arg(destination).env("HOME", "/nonexistent");
    let is_root = rustix::process::geteuid().is_root();
    let can = is_root && Command::new("setpriv").arg("--version").output().is_ok_and(|output| output.status.success());
    if !can {
        skipped("this is not root, or there is no setpriv: permissions are not tested");
    }
    can.then_some(command)
}

#[test]
fn folder_of_somebody_else_is_an_error_with_a_hint() {
    // Not in memory, where programs may be forbidden.
    let game = Game::on(Bench::new());
    game.extract(&game.old_index).done();
    let Some(mut command) = as_nobody(&game, &game.new_index, &game.destination) else { return };
    let before = snapshot(&game.destination);
    let run = Run::of(&mut command);
    run.failed("permission_denied");
    assert!(
        run.stderr.contains("hint: Change the permissions of the path in the message, or choose another folder."),
        "{}",
        run.stderr
    );
    assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    let elsewhere = game.bench.path("nobody's/GAME");
    Run::of(&mut as_nobody(&game, &game.new_index, &elsewhere).unwrap()).failed("permission_denied");
}

#[test]
fn tree_with_read_only_folders_is_updated_without_being_root() {
    let game = Game::on(Bench::new());
    for (tree, name) in [(&game.old, "old.caidx"), (&game.new, "new.caidx")] {
        write(tree, "locked/deep/file", name.as_bytes());
        write(tree, "locked/same", &noise(9, 40_000));
        for (path, mode) in
            [("locked/deep/file", 0o444), ("locked/same", 0o400), ("locked/deep", 0o555), ("locked", 0o555)]
        {
            crate::support::trees::chmod(tree, path, mode);
        }
        game.bench.publish(name, tree);
    }
    let home = game.bench.path("nobody");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(65534), Some(65534)).unwrap_or_default();
    let destination = home.join("GAME");
    for (name, tree) in
        [("old.caidx", &game.old), ("new.caidx", &game.new), ("new.caidx", &game.new), ("old.caidx", &game.old)]
    {
        let Some(mut command) = as_nobody(&game, &game.bench.path(name), &destination) else { return };
        Run::of(&mut command).done();
        assert_equal_trees(&destination, tree, Same::ModesAndTimes);
    }
}
