//! Updates from one version to the next, in place.

use std::path::Path;
use std::process::Command;

use super::{Game, assert_done, assert_rest_untouched, assert_whole};
use crate::points::{Ground, Scenario, Survived, operations, survive};
use crate::support::trees::{Snapshot, snapshot, write};

/// Files that the user has put into the destination.
const USER_FILES: [(&str, &[u8]); 2] = [("mods/hat.pck", b"a hat"), ("data/notes.txt", b"notes")];

struct Update {
    game: Game,
    name: &'static str,
    lacks: &'static [&'static str],
    has_user_files: bool,
    /// An earlier update that was killed after the operation with this name, on a path with this end.
    cut_short: Option<(&'static str, &'static str)>,
}

impl Update {
    fn new(name: &'static str) -> Self {
        Self { game: Game::new(), name, lacks: &[], has_user_files: false, cut_short: None }
    }

    #[track_caller]
    fn survive(&self) {
        let survived: Survived = survive(self);
        assert!(survived.operations > 20 && survived.all_faults > 100, "{survived:?}");
    }

    /// The version, with the user's files if there are any.
    fn with_user_files(&self, folder: &Path, version: &Snapshot) -> Snapshot {
        let mut expected = version.clone();
        if self.has_user_files {
            let found = snapshot(&folder.join("there/GAME"));
            for path in ["mods", "mods/hat.pck", "data/notes.txt"] {
                expected.insert(path.into(), found.get(Path::new(path)).expect("the user's file is there").clone());
            }
            for (path, bytes) in USER_FILES {
                assert_eq!(std::fs::read(folder.join("there/GAME").join(path)).unwrap(), bytes);
            }
        }
        expected
    }
}

impl Scenario for Update {
    fn name(&self) -> &str {
        self.name
    }

    fn ground(&self) -> &Ground {
        &self.game.ground
    }

    fn lacks(&self) -> &[&str] {
        self.lacks
    }

    fn prepare(&self, folder: &Path) {
        self.game.install(folder);
        if self.has_user_files {
            for (path, bytes) in USER_FILES {
                write(&folder.join("there/GAME"), path, bytes);
            }
            self.ground().hand_over(&folder.join("there/GAME"));
        }
        if let Some((name, end)) = self.cut_short {
            let probe = folder.with_extension("probe");
            std::fs::create_dir(&probe).unwrap();
            self.ground().hand_over(&probe);
            self.game.install(&probe);
            let all = operations(&probe, self.command(&probe), self.lacks);
            vsekai_updater::local::disk::remove_all(&probe).unwrap();
            let at = all.iter().rfind(|it| it.name == name && it.path.ends_with(end)).unwrap().number;
            let mut command = self.command(folder);
            assert!(!command.env("VSEKAI_FAULT", format!("{at}:after")).status().unwrap().success());
        }
    }

    fn command(&self, folder: &Path) -> Command {
        self.game.extract(&self.game.new_index, folder)
    }

    fn after_fault(&self, folder: &Path) {
        let (old, new) = (&self.game.old, &self.game.new);
        if !self.lacks.contains(&"exchange") || folder.join("there/GAME").exists() {
            assert_whole(folder, &[&self.with_user_files(folder, old), &self.with_user_files(folder, new)]);
            assert_rest_untouched(folder);
        }
    }

    fn converged(&self, folder: &Path) {
        assert_done(folder, &self.with_user_files(folder, &self.game.new));
        assert_rest_untouched(folder);
    }
}

#[test]
fn update_stopped_anywhere_gives_the_old_version_or_the_new_and_goes_on() {
    Update::new("update in place").survive();
}

#[test]
fn update_stopped_anywhere_keeps_what_the_user_has_put_there() {
    Update { has_user_files: true, ..Update::new("update with the user's files in place") }.survive();
}

#[test]
fn update_on_a_system_without_exchange_and_links_comes_back_from_anywhere() {
    let lacks = &["exchange", "clone", "link"];
    Update { lacks, ..Update::new("update without exchange, clones and links") }.survive();
}

#[test]
fn update_that_goes_on_from_a_kill_in_the_middle_is_stopped_anywhere_again() {
    let cut_short = Some(("set-mode", "tree/data/licence.txt"));
    Update { cut_short, ..Update::new("update resumed after a kill while it wrote") }.survive();
}

#[test]
fn recovery_from_a_kill_right_after_the_switch_is_stopped_anywhere_again() {
    let cut_short = Some(("exchange", "there/GAME"));
    let scenario = Update { cut_short, ..Update::new("recovery after a kill right after the switch") };
    let survived = survive(&scenario);
    assert!(survived.operations > 10, "{survived:?}");
}
