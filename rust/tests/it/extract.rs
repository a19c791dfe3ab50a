//! `vsekai store extract` from outside: what users, failing disks and hostile publishers can do to it.
//!
//! Needs no other programs. Tests of mounts and of other users need root, and print a line when they are skipped.

mod blob;
mod damage;
mod destination;
mod disks;
mod hostile;
mod kill;
mod output;
mod seeds;
mod update;
mod user_files;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run::{self, Run};
use crate::support::stores::{Bench, ids, read_index};
use crate::support::trees::{self, chmod, link, noise, touch, write};

/// A small game: about 1 MB in about 200 chunks.
fn first_version(root: &Path) {
    write(root, "bin/game", &noise(1, 300_000));
    chmod(root, "bin/game", 0o755);
    write(root, "data/pack.pck", &noise(2, 400_000));
    write(root, "data/sounds.pck", &noise(5, 150_000));
    for level in 0..20 {
        write(root, &format!("data/levels/{level:02}.map"), &noise(100 + level, 3_000));
    }
    write(root, "data/zeros", &[0; 100_000]);
    write(root, "readme.txt", b"read me");
    write(root, "empty", b"");
    write(root, "kind", b"a file");
    write(root, "gone/old.dat", &noise(3, 20_000));
    fs::create_dir(root.join("nothing")).unwrap();
    link(root, "start", "bin/game");
    for (name, seconds) in [("bin/game", 1_600_000_000), ("data/pack.pck", 1_600_000_001), ("data", 1_600_000_002)] {
        touch(root, name, seconds);
    }
}

/// The changes of the next release: entries changed, added, removed, moved, with other permissions, times or kinds.
fn second_version(root: &Path) {
    let mut game = fs::read(root.join("bin/game")).unwrap();
    game[150_000..150_100].fill(7);
    fs::write(root.join("bin/game"), game).unwrap();
    fs::create_dir(root.join("assets")).unwrap();
    fs::rename(root.join("data/pack.pck"), root.join("assets/main.pck")).unwrap();
    fs::rename(root.join("data/levels/07.map"), root.join("data/levels/99.map")).unwrap();
    chmod(root, "data/levels/03.map", 0o755);
    touch(root, "data/levels/04.map", 1_700_000_000);
    fs::remove_dir_all(root.join("gone")).unwrap();
    write(root, "new/file.dat", &noise(4, 50_000));
    fs::remove_file(root.join("kind")).unwrap();
    write(root, "kind/inside", b"now a folder");
    fs::remove_dir(root.join("nothing")).unwrap();
    write(root, "nothing", b"now a file");
    fs::remove_file(root.join("readme.txt")).unwrap();
    link(root, "readme.txt", "data/levels/00.map");
}

/// Both versions as trees and in a store.
struct Game {
    bench: Bench,
    old: PathBuf,
    new: PathBuf,
    old_index: PathBuf,
    new_index: PathBuf,
    destination: PathBuf,
}

impl Game {
    fn new() -> Self {
        Self::on(Bench::in_memory())
    }

    fn on(bench: Bench) -> Self {
        let (old, new, destination) = (bench.path("old"), bench.path("new"), bench.path("there/GAME"));
        first_version(&old);
        trees::copy(&old, &new);
        second_version(&new);
        let old_index = bench.publish("v1.caidx", &old);
        let new_index = bench.publish("v2.caidx", &new);
        Self { bench, old, new, old_index, new_index, destination }
    }

    /// The first version, installed.
    fn installed() -> Self {
        let game = Self::new();
        game.extract(&game.old_index).done();
        game
    }

    fn extract(&self, index: &Path) -> Run {
        Run::of(&mut run::extract(&[self.bench.store()], index, &self.destination))
    }

    /// Chunks that the second version has and the first lacks.
    fn missing(&self) -> std::collections::HashSet<vsekai_updater::formats::chunk::ChunkId> {
        let (old, new) = (read_index(&self.old_index), read_index(&self.new_index));
        ids(&new).difference(&ids(&old)).copied().collect()
    }
}

/// Prints to the real stderr, past the test harness, that something was not tested.
fn skipped(why: &str) {
    let text = format!("SKIPPED: {why}\n");
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
}
