//! The first install: there is nothing, or all of it.

use std::path::Path;
use std::process::Command;

use super::points::{Ground, Scenario, survive};
use super::{Game, assert_done, assert_whole};

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
    assert!(survived.operations > 40 && survived.faults > 200, "{survived:?}");
}
