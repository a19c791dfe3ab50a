//! Updates from one version to the next, and similar commands.

use std::path::Path;
use std::process::Command;

use super::world::{self, NEW, OLD, OLDEST, World, stamp_again};
use super::{FEWER, Mine, Play};
use crate::points::operations;

fn update(world: &World, folder: &Path) -> Command {
    world.update(folder, &[])
}

/// From the old version to the new one.
fn play(name: &'static str, fill: impl Fn(&World, &Path)) -> Play {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        fill(&world, folder);
    });
    Play { may_be: &[Some(OLD), Some(NEW)], ends_as: Some(NEW), ..Play::new(world, name, template, update) }
}

#[test]
fn update_stopped_anywhere_gives_the_old_version_or_the_new_and_goes_on() {
    // The most important scenario: every fault at every operation, in each run.
    Play { is_full: true, ..play("update", |_, _| {}) }.survive(90);
}

#[test]
fn update_stopped_anywhere_carries_what_the_user_has_put_into_the_version() {
    // The second one conflicts with a file of the new version.
    let mine: [Mine; 2] =
        [("versions/*/mods/hat.pck", b"the user's hat"), ("versions/*/data/more/new.dat", b"the user's own new.dat")];
    let mut play = play("update with the user's files in the version", |world, folder| world.put(folder, &mine));
    let (old, new) = (play.world.folder(OLD), play.world.folder(NEW));
    play.rules = &FEWER;
    play.mine = vec![
        (mine[0].1, Path::new("versions").join(&new).join("mods/hat.pck")),
        // Moves to `saved` when its version is removed, which is still kept as the previous one.
        (mine[1].1, Path::new("versions").join(&old).join("data/more/new.dat")),
    ];
    play.survive(90);
}

#[test]
fn second_update_stopped_anywhere_saves_what_was_in_the_way() {
    let mine: [Mine; 1] = [("versions/*/data/more/new.dat", b"the user's own new.dat")];
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.put(folder, &mine);
        world.install(folder, NEW);
        world.start(folder);
    });
    let saved = Path::new("saved").join(world.folder(OLD)).join("data/more/new.dat");
    let play = Play {
        may_be: &[Some(NEW), Some(OLDEST)],
        ends_as: Some(OLDEST),
        mine: vec![(mine[0].1, saved)],
        rules: &FEWER,
        ..Play::new(world, "update that removes the oldest version", template, |world, folder| {
            world.update(folder, &["--version", OLDEST])
        })
    };
    play.survive(90);
}

#[test]
fn update_that_goes_on_from_a_kill_in_the_middle_is_stopped_anywhere_again() {
    let mut play = play("update resumed after a kill while it wrote", |world, folder| {
        let probe = world.ground.fresh(Some(folder));
        stamp_again(&probe.join("GAME"));
        let all = operations(&probe, update(world, &probe), &[]);
        let at = all.iter().rfind(|it| it.name == "write" && it.path.ends_with("tree/game")).unwrap().number;
        let status = update(world, folder).env("VSEKAI_FAULT", format!("{at}:after")).status().unwrap();
        assert!(!status.success());
        vsekai_updater::local::disk::remove_all(&probe).unwrap();
    });
    play.rules = &FEWER;
    play.survive(60);
}

#[test]
fn repair_stopped_anywhere_does_no_further_damage_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.put(
            folder,
            &[("versions/*/data/pack.pck", b"not a pack"), ("versions/*/mods/hat.pck", b"the user's hat")],
        );
    });
    let hat = Path::new("versions").join(format!("{}.2", world.folder(OLD))).join("mods/hat.pck");
    let play = Play {
        may_be: &[Some(OLD)],
        ends_as: Some(OLD),
        mine: vec![(b"the user's hat", hat)],
        damaged: Some("data/pack.pck"),
        ..Play::new(world, "repair", template, |world, folder| world.vsekai(folder, &["verify", "--repair"]))
    };
    play.survive(60);
}

#[test]
fn repair_of_both_versions_stopped_anywhere_does_no_further_damage_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        // Both versions share one inode.
        world.put(folder, &[(world::SHARED, b"not a pack"), ("versions/*/mods/hat.pck", b"the user's hat")]);
    });
    let hat = Path::new("versions").join(format!("{}.2", world.folder(NEW))).join("mods/hat.pck");
    let play = Play {
        may_be: &[Some(NEW)],
        ends_as: Some(NEW),
        mine: vec![(b"the user's hat", hat)],
        damaged: Some("data/large.pck"),
        rules: &FEWER,
        ..Play::new(world, "repair of both versions", template, |world, folder| {
            world.vsekai(folder, &["verify", "--repair"])
        })
    };
    play.survive(100);
}

#[test]
fn recovery_of_a_damaged_state_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        std::fs::write(folder.join("GAME/.vsekai/state.json"), b"{").unwrap();
    });
    let play = Play {
        may_be: &[Some(OLD)],
        ends_as: Some(OLD),
        ..Play::new(world, "recovery of a damaged state", template, |world, folder| world.vsekai(folder, &["status"]))
    };
    play.survive(10);
}

#[test]
fn update_stopped_anywhere_saves_what_was_changed() {
    let mine: [Mine; 1] = [("versions/*/data/tool.sh", b"#!/bin/sh\n# the user's own\n")];
    let mut play = play("update of a version with a changed file", |world, folder| world.put(folder, &mine));
    let old = play.world.folder(OLD);
    play.rules = &FEWER;
    play.damaged = Some("data/tool.sh");
    // The version that was left is damaged by it until it is repaired.
    play.followed_by = Some(|world, folder| world.vsekai(folder, &["verify", "--repair"]));
    play.mine = vec![(mine[0].1, Path::new("saved").join(&old).join("data/tool.sh"))];
    play.survive(90);
}

#[test]
fn second_update_stopped_anywhere_keeps_what_was_changed_in_a_version_that_goes() {
    let mine: [Mine; 1] = [("versions/*/data/tool.sh", b"#!/bin/sh\n# the user's own\n")];
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.put(folder, &mine);
        world.install(folder, NEW);
        world.start(folder);
    });
    let saved = Path::new("saved").join(world.folder(OLD)).join("data/tool.sh");
    let play = Play {
        may_be: &[Some(NEW), Some(OLDEST)],
        ends_as: Some(OLDEST),
        mine: vec![(mine[0].1, saved)],
        damaged: Some("data/tool.sh"),
        rules: &FEWER,
        ..Play::new(world, "update that removes a version with a changed file", template, |world, folder| {
            world.update(folder, &["--version", OLDEST])
        })
    };
    play.survive(90);
}

#[test]
fn update_that_restores_a_lost_folder_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        let data = folder.join("GAME/versions").join(world.folder(NEW)).join("data");
        std::fs::remove_dir_all(data).unwrap();
    });
    let play = Play {
        may_be: &[Some(NEW)],
        ends_as: Some(NEW),
        lost: true,
        rules: &FEWER,
        ..Play::new(world, "update that restores a folder", template, update)
    };
    play.survive(60);
}
