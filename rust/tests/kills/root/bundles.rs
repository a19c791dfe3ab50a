//! A new version that comes in a bundle from a server, as an update and into a new folder.

use std::path::Path;
use std::process::Command;

use super::world::{NEW, OLD, World};
use super::{FEWER, Play, Scenario};

fn update(world: &World, folder: &Path) -> Command {
    world.update(folder, &[])
}

/// An undisturbed run, in which all content comes in the bundle that builds on this version, and no chunk singly.
#[track_caller]
fn assert_comes_in_one_bundle(play: &Play, from: Option<&str>) {
    let folder = play.world.ground.fresh(Some(&play.template));
    play.prepare(&folder);
    play.world.begin_to_count();
    play.world.ground.run(&mut play.command(&folder));
    play.world.assert_asked_for_one_bundle(from);
    vsekai_updater::local::disk::remove_all(&folder).unwrap();
}

#[test]
fn update_by_a_delta_bundle_stopped_anywhere_gives_the_old_version_or_the_new_and_goes_on() {
    let world = World::with_bundles();
    let template = world.template(|folder| world.install(folder, OLD));
    let play = Play {
        may_be: &[Some(OLD), Some(NEW)],
        ends_as: Some(NEW),
        rules: &FEWER,
        ..Play::new(world, "update by a delta bundle", template, update)
    };
    assert_comes_in_one_bundle(&play, Some(OLD));
    play.survive(90);
}

#[test]
fn first_install_by_a_bundle_stopped_anywhere_gives_nothing_or_all_and_goes_on() {
    let world = World::with_bundles();
    let template = world.template(|_| {});
    let play = Play {
        may_be: &[None, Some(NEW)],
        ends_as: Some(NEW),
        rules: &FEWER,
        ..Play::new(world, "first install by a bundle", template, update)
    };
    assert_comes_in_one_bundle(&play, None);
    play.survive(100);
}
