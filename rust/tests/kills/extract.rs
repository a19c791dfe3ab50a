//! `vsekai store extract`, stopped at every change of the disk that it makes: killed before, after and in the middle of
//! it, or with errors that mean a full, read-only or broken disk. The destination must be the old or the new version,
//! nothing else may be touched, and the next run must install the new version and leave nothing over.

mod blob;
mod install;
mod repair;
mod update;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::points::Ground;
use crate::support::stores::Bench;
use crate::support::trees::{self, Same, Snapshot, What, assert_same, chmod, link, noise, snapshot, touch, write};

/// A tiny game of about ten chunks.
fn first_version(root: &Path) {
    write(root, "bin/game", &noise(1, 14_000));
    chmod(root, "bin/game", 0o755);
    write(root, "data/pack.pck", &noise(2, 20_000));
    // Read-only files and folders, as some publishers' tools create them.
    write(root, "data/licence.txt", &noise(3, 5_000));
    chmod(root, "data/licence.txt", 0o444);
    write(root, "data/levels/1.map", &noise(4, 9_000));
    write(root, "data/levels/2.map", &noise(5, 300));
    write(root, "gone/old.dat", &noise(6, 2_000));
    write(root, "empty", b"");
    link(root, "start", "bin/game");
    touch(root, "bin/game", 1_600_000_000);
    chmod(root, "data/levels", 0o555);
}

/// The changes: two files changed, one only in its permissions, one added, one removed, and the link points elsewhere.
fn second_version(root: &Path) {
    for name in ["bin/game", "data/licence.txt"] {
        let mut bytes = fs::read(root.join(name)).unwrap();
        bytes[2_000..2_100].fill(7);
        chmod(root, name, 0o644);
        fs::write(root.join(name), bytes).unwrap();
    }
    chmod(root, "bin/game", 0o755);
    chmod(root, "data/licence.txt", 0o444);
    chmod(root, "data/levels", 0o755);
    chmod(root, "data/levels/2.map", 0o600);
    chmod(root, "data/levels", 0o555);
    fs::remove_dir_all(root.join("gone")).unwrap();
    write(root, "new.dat", &noise(7, 3_000));
    fs::remove_file(root.join("start")).unwrap();
    link(root, "start", "data/pack.pck");
}

/// Both versions as trees and in a store, and folders to install them in.
struct Game {
    bench: Bench,
    ground: Ground,
    old: Snapshot,
    new: Snapshot,
    old_index: PathBuf,
    new_index: PathBuf,
}

impl Game {
    fn new() -> Self {
        let bench = Bench::in_memory();
        let (old_tree, new_tree) = (bench.path("old"), bench.path("new"));
        first_version(&old_tree);
        trees::copy(&old_tree, &new_tree);
        second_version(&new_tree);
        let old_index = bench.publish("v1.caidx", &old_tree);
        let new_index = bench.publish("v2.caidx", &new_tree);
        let (old, new) = (snapshot(&old_tree), snapshot(&new_tree));
        Self { ground: Ground::below(bench.root()), bench, old, new, old_index, new_index }
    }

    /// Installs a version in `folder/there/GAME`.
    fn extract(&self, index: &Path, folder: &Path) -> Command {
        let mut command = self.ground.vsekai();
        command.args(["store", "extract", "--store"]).arg(self.bench.store()).arg(index).arg(folder.join("there/GAME"));
        command
    }

    /// Installs the first version, next to a file that must not be touched.
    fn install(&self, folder: &Path) {
        self.ground.run(&mut self.extract(&self.old_index, folder));
        write(folder, "there/OTHER/mine", b"mine");
        write(folder, "there/.tmp-vsekai-1-1", b"of another program");
        self.ground.hand_over(&folder.join("there"));
    }
}

fn is(tree: &Snapshot, version: &Snapshot) -> bool {
    tree.len() == version.len()
        && tree.iter().all(|(path, seen)| {
            let same = |other: &trees::Seen| {
                seen.what == other.what && (seen.mode == other.mode || matches!(seen.what, What::Link(_)))
            };
            version.get(path).is_some_and(same)
        })
}

/// Fails unless the destination is one of these versions.
#[track_caller]
fn assert_whole(folder: &Path, versions: &[&Snapshot]) {
    let found = snapshot(&folder.join("there/GAME"));
    if !versions.iter().any(|version| is(&found, version)) {
        assert_same(&found, versions[0], Same::Modes);
    }
}

/// Fails if anything except the destination and its workplace differs from what [`Game::install`] left.
#[track_caller]
fn assert_rest_untouched(folder: &Path) {
    assert_eq!(names(folder), ["there"]);
    assert_eq!(names(&folder.join("there")), [".GAME.vsekai", ".tmp-vsekai-1-1", "GAME", "OTHER"]);
    assert_eq!(fs::read(folder.join("there/OTHER/mine")).unwrap(), b"mine");
}

/// Fails unless the destination is this version, including times, and nothing else is left next to it.
#[track_caller]
fn assert_done(folder: &Path, version: &Snapshot) {
    assert_same(&snapshot(&folder.join("there/GAME")), version, Same::ModesAndTimes);
    assert_eq!(names(&folder.join("there/.GAME.vsekai")), ["lock", "receipt"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
