//! The user's own files in an installed folder: carried over, never overwritten, and links never followed.

use std::fs;
use std::path::Path;

use super::Game;
use crate::support::trees::{Same, assert_same, chmod, link, snapshot, write};

#[test]
fn files_of_the_users_survive_an_update() {
    let game = Game::installed();
    let outside = game.bench.path("outside");
    write(&outside, "secret", b"not a part of it");
    let there = &game.destination;
    write(there, "saves/slot 1.sav", b"precious");
    write(there, "data/levels/mine.map", b"my own level");
    write(there, "gone/note.txt", b"in a folder that the new version has not");
    write(there, "bin/game.conf", b"private");
    chmod(there, "bin/game.conf", 0o600);
    fs::create_dir(there.join("screenshots")).unwrap();
    link(there, "elsewhere", outside.to_str().unwrap());
    link(there, "broken", "no such file");
    link(there, "data/up", "../..");
    let before = snapshot(there);
    game.extract(&game.new_index).done();
    let after = snapshot(there);
    for name in ["saves/slot 1.sav", "data/levels/mine.map", "gone/note.txt", "bin/game.conf"] {
        assert_eq!(after[Path::new(name)], before[Path::new(name)], "{name}");
    }
    for name in ["elsewhere", "broken", "data/up", "screenshots"] {
        assert_eq!(after[Path::new(name)].what, before[Path::new(name)].what, "{name}");
    }
    assert!(!after.contains_key(Path::new("gone/old.dat")), "ours went");
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"not a part of it");
    // Everything else is the new version.
    let expected = snapshot(&game.new);
    let ours = after.iter().filter(|(name, _)| expected.contains_key(*name));
    assert_same(&ours.map(|(name, seen)| (name.clone(), seen.clone())).collect(), &expected, Same::Modes);
    assert_eq!(game.extract(&game.new_index).done()["up_to_date"], true);
}

#[test]
fn files_of_the_users_survive_a_repair_and_a_way_back() {
    let game = Game::installed();
    write(&game.destination, "saves/1.sav", b"precious");
    fs::remove_file(game.destination.join("bin/game")).unwrap();
    game.extract(&game.old_index).done();
    game.extract(&game.new_index).done();
    game.extract(&game.old_index).done();
    assert_eq!(fs::read(game.destination.join("saves/1.sav")).unwrap(), b"precious");
    assert!(game.destination.join("bin/game").exists());
}

#[test]
fn modes_of_the_users_folders_survive() {
    let game = Game::installed();
    write(&game.destination, "saves/private/1.sav", b"precious");
    chmod(&game.destination, "saves/private", 0o700);
    chmod(&game.destination, "saves", 0o750);
    game.extract(&game.new_index).done();
    let after = snapshot(&game.destination);
    assert_eq!(after[Path::new("saves/private")].mode, 0o700);
    assert_eq!(after[Path::new("saves")].mode, 0o750);
}

#[test]
fn file_of_the_users_in_the_way_is_refused_and_nothing_changes() {
    for (name, is_folder) in
        [("new/file.dat", false), ("new", false), ("assets/main.pck/x", false), ("assets/main.pck", true)]
    {
        let game = Game::installed();
        if is_folder {
            fs::create_dir_all(game.destination.join(name)).unwrap();
        } else {
            write(&game.destination, name, b"the user's");
        }
        let before = snapshot(&game.destination);
        let message = game.extract(&game.new_index).failed("foreign_conflict");
        assert!(message.contains("not part of the installed version"), "{message}");
        assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    }
}

#[test]
fn link_of_the_users_in_the_way_of_a_folder_is_never_written_through() {
    let game = Game::installed();
    let outside = game.bench.path("outside");
    fs::create_dir(&outside).unwrap();
    link(&game.destination, "new", outside.to_str().unwrap());
    game.extract(&game.new_index).failed("foreign_conflict");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn folder_of_ours_that_became_a_link_is_not_written_through() {
    let game = Game::installed();
    let outside = game.bench.path("outside");
    fs::rename(game.destination.join("data"), &outside).unwrap();
    link(&game.destination, "data", outside.to_str().unwrap());
    let before = snapshot(&outside);
    game.extract(&game.new_index).done();
    let mut after = snapshot(&outside);
    for (name, seen) in &mut after {
        // A file that was taken over keeps its inode, and may have the new version's time.
        seen.mtime = before[name].mtime;
    }
    assert_same(&before, &after, Same::Untouched);
    assert!(!fs::symlink_metadata(game.destination.join("data")).unwrap().is_symlink());
}
