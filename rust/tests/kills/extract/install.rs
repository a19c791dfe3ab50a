//! The first install: afterwards there is nothing, or everything.

use std::path::Path;
use std::process::Command;

use super::{Game, assert_done, assert_whole, first_version};
use crate::points::{Ground, Scenario, survive};
use crate::support::trees::chmod;

struct Install(Game);

impl Scenario for Install {
    fn name(&self) -> &'static str {
        "first install"
    }

    fn ground(&self) -> &Ground {
        &self.0.ground
    }

    fn command(&self, folder: &Path) -> Command {
        self.0.extract(&self.0.old_index, folder)
    }

    fn after_fault(&self, folder: &Path) {
        if folder.join("there/GAME").exists() {
            assert_whole(folder, &[&self.0.old]);
        }
    }

    fn converged(&self, folder: &Path) {
        assert_done(folder, &self.0.old);
    }
}

#[test]
fn first_install_stopped_anywhere_gives_nothing_or_all_and_goes_on() {
    let survived = survive(&Install(Game::new()));
    assert!(survived.operations > 40 && survived.all_faults > 200, "{survived:?}");
}

#[test]
fn tree_with_a_read_only_top_folder_can_be_installed_and_updated_by_its_owner() {
    let mut game = Game::new();
    let locked = game.bench.path("locked");
    first_version(&locked);
    chmod(&locked, "", 0o555);
    game.old_index = game.bench.publish("locked.caidx", &locked);
    let folder = game.bench.path("locked there");
    std::fs::create_dir(&folder).unwrap();
    game.ground.hand_over(&folder);
    game.ground.run(&mut game.extract(&game.old_index, &folder));
    game.ground.run(&mut game.extract(&game.new_index, &folder));
    assert_done(&folder, &game.new);
}
