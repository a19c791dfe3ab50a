//! Destinations that cannot be intended, and ones that look suspicious but are fine.

use std::fs;
use std::path::Path;

use super::Game;
use crate::support::run::{Run, extract};
use crate::support::trees::{Same, assert_equal_trees, assert_same, link, snapshot, write};

#[test]
fn folder_that_is_not_ours_is_refused_and_untouched() {
    let game = Game::new();
    write(&game.destination, "thesis.txt", b"years of work");
    let before = snapshot(game.bench.root());
    let run = game.extract(&game.old_index);
    let message = run.failed("destination_not_ours");
    assert!(message.contains("GAME"), "{message}");
    assert!(run.stderr.contains("--seed-index"), "{}", run.stderr);
    let mut after = snapshot(game.bench.root());
    after.retain(|path, _| !path.starts_with("there/.GAME.vsekai"));
    after.insert("there".into(), before[Path::new("there")].clone());
    assert_same(&before, &after, Same::Untouched);
}

#[test]
fn refusal_leaves_nothing_beside_the_folder() {
    let game = Game::new();
    write(&game.destination, "thesis.txt", b"years of work");
    game.extract(&game.old_index).failed("destination_not_ours");
    assert!(!game.bench.path("there/.GAME.vsekai").exists());
}

#[test]
fn the_root_of_the_disk_is_refused() {
    let game = Game::new();
    Run::of(&mut extract(&[game.bench.store()], &game.old_index, Path::new("/"))).failed("invalid_argument");
}

#[test]
fn the_home_folder_is_refused_even_when_empty_and_by_any_name() {
    let game = Game::new();
    let home = game.bench.path("home/me");
    fs::create_dir_all(&home).unwrap();
    link(game.bench.root(), "alias", "home/me");
    for name in ["home/me", "home/me/", "home/../home/me/.", "alias"] {
        let mut command = extract(&[game.bench.store()], &game.old_index, &game.bench.path(name));
        let message = Run::of(command.env("HOME", &home)).failed("invalid_argument");
        assert!(message.contains("not a folder for a game"), "{message}");
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    assert_eq!(fs::read_dir(game.bench.path("home")).unwrap().count(), 1);
    let mut below = extract(&[game.bench.store()], &game.old_index, &home.join("GAME"));
    Run::of(below.env("HOME", &home)).done();
}

#[test]
fn file_where_a_folder_should_be_is_refused() {
    let game = Game::new();
    write(game.bench.root(), "there/GAME", b"a file");
    game.extract(&game.old_index).failed("destination_not_ours");
    assert_eq!(fs::read(&game.destination).unwrap(), b"a file");
}

#[test]
fn empty_folder_is_taken() {
    let game = Game::new();
    fs::create_dir_all(&game.destination).unwrap();
    game.extract(&game.old_index).done();
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn link_to_a_folder_stays_a_link() {
    let game = Game::new();
    fs::create_dir_all(game.bench.path("other disk/real")).unwrap();
    link(game.bench.root(), "there/GAME", "../other disk/real");
    game.extract(&game.old_index).done();
    game.extract(&game.new_index).done();
    assert!(fs::symlink_metadata(&game.destination).unwrap().is_symlink());
    assert_equal_trees(&game.bench.path("other disk/real"), &game.new, Same::ModesAndTimes);
}

#[test]
fn relative_destination_is_below_the_working_folder() {
    let game = Game::new();
    fs::create_dir(game.bench.path("there")).unwrap();
    for index in [&game.old_index, &game.new_index] {
        let mut command = extract(&[game.bench.store()], index, Path::new("GAME"));
        Run::of(command.current_dir(game.bench.path("there"))).done();
    }
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn name_with_spaces_and_unicode_is_a_name() {
    let game = Game::new();
    let destination = game.bench.path("Mes jeux/V-Sekai ゲーム é");
    for index in [&game.old_index, &game.new_index] {
        Run::of(&mut extract(&[game.bench.store()], index, &destination)).done();
    }
    assert_equal_trees(&destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn version_that_was_given_up_can_be_discarded() {
    let game = Game::installed();
    let staging = game.bench.path("there/.GAME.vsekai/staging-00000000/tree");
    write(&staging, "leftover", b"of another version");
    let mut command = extract(&[game.bench.store()], &game.old_index, &game.destination);
    Run::of(command.arg("--discard")).done();
    assert!(!staging.exists());
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}
