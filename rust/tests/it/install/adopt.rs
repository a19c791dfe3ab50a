//! Folders that already have files, and folders that must never become an install root.

use std::fs;

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::trees::{self, Same, assert_same, snapshot, write};

/// A folder that another tool has filled with the first version, and the user with notes.
fn filled() -> Shop {
    let shop = Shop::new();
    shop.publish("1.0.0");
    trees::copy(&shop.path("build-1.0.0"), &shop.game());
    write(&shop.game(), "notes.txt", b"notes");
    shop
}

#[test]
fn folder_with_files_is_refused_and_left_alone() {
    let shop = filled();
    let before = snapshot(&shop.game());
    shop.update(&[]).failed("destination_not_ours");
    assert_same(&before, &snapshot(&shop.game()), Same::Untouched);
}

#[test]
fn adopted_folder_keeps_all_its_files() {
    let shop = filled();
    let before = snapshot(&shop.game());
    shop.update(&["--adopt"]).done();
    let mut after = snapshot(&shop.game());
    after.retain(|path, _| before.contains_key(path) && !path.as_os_str().is_empty());
    let without_root = before.into_iter().filter(|(path, _)| !path.as_os_str().is_empty()).collect();
    assert_same(&without_root, &after, Same::Untouched);
    shop.assert_whole();
}

#[test]
fn bytes_of_an_adopted_folder_are_not_fetched() {
    let shop = filled();
    let done = shop.update(&["--adopt"]).done().clone();
    // The notes change the archive's entry of the top folder: one chunk, which contains only names.
    assert!(done["plan"]["fetch_plain_bytes"].as_u64().unwrap() < 4_000, "{done}");
    assert!(done["plan"]["seed_bytes"].as_u64().unwrap() > 40_000, "{done}");
}

#[test]
fn adopted_folder_is_updated_without_saying_so_again() {
    let shop = filled();
    shop.update(&["--adopt"]).done();
    shop.publish("2.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(fs::read(shop.game().join("notes.txt")).unwrap(), b"notes");
}

#[test]
fn users_folder_of_our_name_is_a_conflict() {
    for name in ["versions", "saved", "current"] {
        let shop = filled();
        write(&shop.game(), &format!("{name}/mine"), b"mine");
        let before = snapshot(&shop.game());
        shop.update(&["--adopt"]).failed("foreign_conflict");
        assert_same(&before, &snapshot(&shop.game()), Same::Untouched);
    }
}

#[test]
fn home_folder_is_refused_by_any_name() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let home = shop.path("home");
    std::os::unix::fs::symlink(&home, shop.path("link")).unwrap();
    for name in [home.clone(), home.join("."), home.join("../home"), shop.path("link")] {
        let mut command = shop.command(&["update", "--adopt", "--repository"]);
        command.arg(shop.publisher.repository()).arg("--trust-root").arg(shop.publisher.root()).arg(&name);
        Run::of(&mut command).failed("invalid_argument");
    }
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}

#[test]
fn whole_disk_is_refused() {
    let shop = Shop::new();
    for command in ["update", "status", "uninstall", "launch"] {
        Run::of(shop.command(&[command]).arg("/")).failed("invalid_argument");
    }
}

#[test]
fn file_in_place_of_the_folder_is_refused() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    write(shop.bench.root(), "GAME", b"a file");
    shop.update(&["--adopt"]).failed("destination_not_ours");
    assert_eq!(fs::read(shop.game()).unwrap(), b"a file");
}

#[test]
fn uninstall_of_an_adopted_folder_leaves_what_was_there() {
    let shop = filled();
    let before = snapshot(&shop.game());
    shop.update(&["--adopt"]).done();
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert_same(&before, &snapshot(&shop.game()), Same::Modes);
}
