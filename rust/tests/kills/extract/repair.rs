//! Repairs a damaged file; a stopped repair does no further damage.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Game, assert_done, assert_rest_untouched, assert_whole};
use crate::points::{Ground, Scenario, survive};
use crate::support::trees::{Snapshot, snapshot};

struct Repair {
    game: Game,
    damaged: Snapshot,
}

fn damage(tree: &Path) {
    fs::write(tree.join("data/pack.pck"), b"not a pack").unwrap();
}

impl Repair {
    fn new() -> Self {
        let game = Game::new();
        damage(&game.bench.path("old"));
        let damaged = snapshot(&game.bench.path("old"));
        Self { game, damaged }
    }
}

impl Scenario for Repair {
    fn name(&self) -> &'static str {
        "repair of a damaged file"
    }

    fn ground(&self) -> &Ground {
        &self.game.ground
    }

    fn prepare(&self, folder: &Path) {
        self.game.install(folder);
        damage(&folder.join("there/GAME"));
    }

    fn command(&self, folder: &Path) -> Command {
        self.game.extract(&self.game.old_index, folder)
    }

    fn after_fault(&self, folder: &Path) {
        assert_whole(folder, &[&self.damaged, &self.game.old]);
        assert_rest_untouched(folder);
    }

    fn converged(&self, folder: &Path) {
        assert_done(folder, &self.game.old);
        assert_rest_untouched(folder);
    }
}

#[test]
fn repair_stopped_anywhere_does_no_further_damage_and_goes_on() {
    let survived = survive(&Repair::new());
    assert!(survived.operations > 20 && survived.all_faults > 100, "{survived:?}");
}
