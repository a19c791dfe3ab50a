//! A move to another folder, stopped at every change of the disk: by one rename, and as on two disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::world::{NEW, OLD, World, stamp_again};
use super::{ALL, looks};
use crate::points::{Ground, Scenario, survive, text};

const MINE: [(&str, &[u8]); 2] = [("versions/*/mods/hat.pck", b"the user's hat"), ("notes.txt", b"the user's notes")];

struct Move {
    world: World,
    template: PathBuf,
    lacks: &'static [&'static str],
}

impl Move {
    fn new(lacks: &'static [&'static str]) -> Self {
        let world = World::new();
        let template = world.template(|folder| {
            world.install(folder, OLD);
            world.install(folder, NEW);
            world.start(folder);
            world.put(folder, &MINE);
        });
        Self { world, template, lacks }
    }

    /// The install root that has this version, whole: where it came from, or where it goes to.
    fn homes(folder: &Path) -> Vec<PathBuf> {
        let places = ["GAME", "there/GAME"].map(|name| folder.join(name));
        places.into_iter().filter(|place| looks::current(place).is_some()).collect()
    }
}

impl Scenario for Move {
    fn name(&self) -> &str {
        if self.lacks.is_empty() { "move on one disk" } else { "move to another disk" }
    }

    fn ground(&self) -> &Ground {
        &self.world.ground
    }

    fn template(&self) -> Option<&Path> {
        Some(&self.template)
    }

    fn prepare(&self, folder: &Path) {
        stamp_again(&folder.join("GAME"));
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = self.world.vsekai(folder, &["move"]);
        command.arg(folder.join("there/GAME"));
        command
    }

    fn lacks(&self) -> &[&str] {
        self.lacks
    }

    fn rules(&self) -> &[&str] {
        &ALL
    }

    fn after_fault(&self, folder: &Path) {
        let homes = Self::homes(folder);
        assert!(!homes.is_empty(), "the install is lost");
        // The one that was arrived at counts, as soon as it is one.
        let home = &homes[homes.len() - 1];
        looks::assert_current_is_whole(&self.world, home, NEW, None);
        self.world.assert_older_repository_is_refused(home);
        for (_, content) in MINE {
            assert!(homes.iter().any(|home| looks::has_content(home, content)), "{}", String::from_utf8_lossy(content));
        }
    }

    fn ended(&self, again: &Output) {
        let is_done = text(again).contains(r#""code":"not_installed""#);
        assert!(again.status.success() || is_done, "the next run: {}", text(again));
    }

    fn converged(&self, folder: &Path) {
        assert!(!folder.join("GAME").exists(), "something is left behind");
        let there = folder.join("there/GAME");
        assert_eq!(looks::current(&there).as_deref(), Some(NEW));
        looks::assert_current_is_whole(&self.world, &there, NEW, None);
        looks::assert_nothing_is_left_over(&there);
        assert!(!there.join(".vsekai/arriving").exists());
        assert_eq!(fs::read(there.join("notes.txt")).unwrap(), MINE[1].1);
        assert!(looks::has_content(&there, MINE[0].1));
    }
}

#[test]
fn a_move_on_one_disk_stopped_anywhere_is_here_or_there() {
    let survived = survive(&Move::new(&[]));
    assert!(survived.operations >= 5, "{survived:?}");
}

#[test]
fn a_move_to_another_disk_stopped_anywhere_is_whole_at_one_place_and_goes_on() {
    let survived = survive(&Move::new(&["rename-tree"]));
    assert!(survived.operations >= 100, "{survived:?}");
}
