//! Starts of a version on trial, and of one that has failed too often.

use super::Play;
use super::world::{BROKEN, NEW, OLD, World};

#[test]
fn start_that_ends_a_trial_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
    });
    let play = Play {
        may_be: &[Some(NEW)],
        ends_as: Some(NEW),
        followed_by: Some(|world, folder| world.update(folder, &["--version", NEW])),
        ..Play::new(world, "launch that ends a trial", template, |world, folder| world.vsekai(folder, &["launch"]))
    };
    play.survive(20);
}

#[test]
fn start_that_brings_the_version_before_back_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, BROKEN);
        for _ in 0..2 {
            let status = world.vsekai(folder, &["launch"]).output().unwrap().status;
            assert_eq!(status.code(), Some(1));
        }
    });
    let play = Play {
        may_be: &[Some(BROKEN), Some(OLD)],
        ends_as: Some(OLD),
        followed_by: Some(|world, folder| world.update(folder, &["--version", OLD])),
        ..Play::new(world, "launch that brings the version before back", template, |world, folder| {
            world.vsekai(folder, &["launch"])
        })
    };
    play.survive(20);
}

#[test]
fn start_that_goes_back_and_mends_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, BROKEN);
        for _ in 0..2 {
            let status = world.vsekai(folder, &["launch"]).output().unwrap().status;
            assert_eq!(status.code(), Some(1));
        }
        // Only in the old version: the other one shares its bytes.
        let game = folder.join("GAME");
        let large = format!("versions/{}/data/large.pck", world.folder(OLD));
        std::fs::remove_file(game.join(&large)).unwrap();
        crate::support::trees::write(&game, &large, b"not a pack");
        world.ground.hand_over(&game);
    });
    let play = Play {
        may_be: &[Some(BROKEN), Some(OLD)],
        ends_as: Some(OLD),
        damaged: Some("data/large.pck"),
        // If it could not be repaired, it was used as it is.
        followed_by: Some(|world, folder| world.vsekai(folder, &["verify", "--repair"])),
        ..Play::new(world, "launch that goes back and mends", template, |world, folder| {
            world.vsekai(folder, &["launch"])
        })
    };
    play.survive(40);
}

#[test]
fn start_that_mends_a_lost_file_is_stopped_anywhere_and_goes_on() {
    let world = World::new();
    let template = world.template(|folder| {
        world.install(folder, OLD);
        world.install(folder, NEW);
        world.start(folder);
        let game = folder.join("GAME/versions").join(world.folder(NEW));
        std::fs::remove_file(game.join("data/pack.pck")).unwrap();
    });
    let play = Play {
        may_be: &[Some(NEW)],
        ends_as: Some(NEW),
        lost: true,
        followed_by: Some(|world, folder| world.vsekai(folder, &["verify", "--repair"])),
        ..Play::new(world, "launch that mends a lost file", template, |world, folder| world.vsekai(folder, &["launch"]))
    };
    play.survive(40);
}
