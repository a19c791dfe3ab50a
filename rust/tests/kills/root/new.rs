//! Installs into a new folder, and into one that already has files.

use super::world::{NEW, World};
use super::{FEWER, Play};
use crate::support::trees::{self, write};

#[test]
fn first_install_stopped_anywhere_gives_nothing_or_all_and_goes_on() {
    let world = World::new();
    let template = world.template(|_| {});
    let play = Play {
        may_be: &[None, Some(NEW)],
        ends_as: Some(NEW),
        ..Play::new(world, "first install", template, |world, folder| world.update(folder, &[]))
    };
    play.survive(100);
}

#[test]
fn adoption_stopped_anywhere_loses_no_file_that_was_there() {
    let world = World::new();
    let mine: [(&str, &[u8]); 2] = [("notes.txt", b"the user's notes"), ("data/levels/mine.map", b"the user's map")];
    let template = world.template(|folder| {
        trees::copy(&world.tree(NEW), &folder.join("GAME"));
        mine.iter().for_each(|(path, content)| write(&folder.join("GAME"), path, content));
        world.ground.hand_over(&folder.join("GAME"));
    });
    let play = Play {
        may_be: &[None, Some(NEW)],
        ends_as: Some(NEW),
        mine: mine.iter().map(|(path, content)| (*content, path.into())).collect(),
        rules: &FEWER,
        ..Play::new(world, "adoption of a folder with files", template, |world, folder| {
            world.update(folder, &["--adopt"])
        })
    };
    play.survive(100);
}
