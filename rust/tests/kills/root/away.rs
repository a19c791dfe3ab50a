//! Rollback and uninstall.

use std::path::PathBuf;

use super::world::{NEW, OLD, SHARED, World};
use super::{FEWER, Mine, Play};

#[test]
fn rollback_stopped_anywhere_gives_the_new_version_or_the_old_and_goes_on() {
    let mine: [Mine; 1] = [("versions/*/mods/hat.pck", b"the user's hat")];
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        world.put(folder, &mine);
    });
    let saved = PathBuf::from("saved").join(world.folder(NEW)).join("mods/hat.pck");
    let play = Play {
        may_be: &[Some(NEW), Some(OLD)],
        ends_as: Some(OLD),
        mine: vec![(mine[0].1, saved)],
        too_late: Some("no_previous_version"),
        ..Play::new(world, "rollback", template, |world, folder| world.vsekai(folder, &["rollback"]))
    };
    play.survive(30);
}

#[test]
fn rollback_that_mends_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        world.put(folder, &[(SHARED, b"not a pack")]);
    });
    let play = Play {
        may_be: &[Some(NEW), Some(OLD)],
        ends_as: Some(OLD),
        damaged: Some("data/large.pck"),
        too_late: Some("no_previous_version"),
        ..Play::new(world, "rollback that mends", template, |world, folder| world.vsekai(folder, &["rollback"]))
    };
    play.survive(60);
}

#[test]
fn uninstall_stopped_anywhere_goes_on_and_leaves_what_is_the_users() {
    let mine: [Mine; 2] = [("versions/*/mods/hat.pck", b"the user's hat"), ("notes.txt", b"the user's notes")];
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        world.put(folder, &mine);
    });
    let saved = PathBuf::from("saved").join(world.folder(NEW)).join("mods/hat.pck");
    let play = Play {
        may_be: &[Some(NEW), None],
        mine: vec![(mine[0].1, saved), (mine[1].1, "notes.txt".into())],
        too_late: Some("not_installed"),
        ..Play::new(world, "uninstall", template, |world, folder| world.vsekai(folder, &["uninstall", "--yes"]))
    };
    play.survive(50);
}

#[test]
fn uninstall_of_a_folder_without_other_files_leaves_nothing() {
    let world = World::new();
    let template = world.template(|folder| world.install(folder, NEW));
    let play = Play {
        may_be: &[Some(NEW), None],
        too_late: Some("not_installed"),
        rules: &FEWER,
        ..Play::new(world, "uninstall of all there is", template, |world, folder| {
            world.vsekai(folder, &["uninstall", "--yes"])
        })
    };
    play.survive(30);
}
