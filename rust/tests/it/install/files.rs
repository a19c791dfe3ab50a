//! Ownership of files, and what happens to the user's files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::shop::Shop;
use crate::support::trees::{chmod, noise, write};

#[test]
fn users_file_in_a_version_is_carried_to_the_next() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    write(&shop.tree(), "mods/hats/red.pck", b"a hat");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(fs::read(shop.tree().join("mods/hats/red.pck")).unwrap(), b"a hat");
    let verified = shop.vsekai(&["verify"]);
    assert!(verified.done()["foreign"].to_string().contains("red.pck"), "{:?}", verified.lines.last());
    let said = |options: &[&str]| {
        let output = crate::support::run::vsekai().arg("verify").args(options).arg(shop.game()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(&[]).contains("  3 other files are not part") && !said(&[]).contains("red.pck"));
    assert!(said(&["-v"]).contains("\n  not ours: mods/hats/red.pck"), "{}", said(&["-v"]));
}

#[test]
fn users_file_in_the_way_of_a_new_one_is_saved_when_its_version_goes() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/new", b"the game's"));
    shop.publish_in("stable", "3.0.0", &["--skip-update"], |tree| write(tree, "data/new", b"the game's"));
    write(&shop.tree(), "data/new", b"the user's");
    shop.update(&[]).done();
    assert_eq!(fs::read(shop.tree().join("data/new")).unwrap(), b"the game's");
    assert_eq!(fs::read(shop.tree_of("1.0.0").join("data/new")).unwrap(), b"the user's");
    assert_eq!(shop.launch(&[]).code, Some(0));
    let done = shop.update(&["--version", "3.0.0"]).done().clone();
    assert_eq!(done["saved_files"], 1, "{done}");
    assert!(!shop.tree_of("1.0.0").exists());
    let saved = shop.game().join("saved").join(shop.folder_of("1.0.0"));
    assert_eq!(fs::read(saved.join("data/new")).unwrap(), b"the user's");
}

/// The files that the user puts into a version that is rolled back twice. Returns the content of `saved` afterwards.
fn saved_twice(path: &str, then: &str) -> Vec<String> {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for path in [path, then] {
        shop.update(&["--version", "2.0.0"]).done();
        write(&shop.tree(), path, path.as_bytes());
        shop.vsekai(&["rollback"]).done();
        assert!(!shop.tree_of("2.0.0").exists());
    }
    let all = crate::support::trees::snapshot(&shop.game().join("saved"));
    let files = all.iter().filter(|(_, seen)| matches!(seen.what, crate::support::trees::What::File { .. }));
    files.map(|(path, _)| fs::read_to_string(shop.game().join("saved").join(path)).unwrap()).collect()
}

#[test]
fn two_files_of_one_name_are_both_saved() {
    let name = "n".repeat(255);
    for path in ["mine.txt", name.as_str()] {
        assert_eq!(saved_twice(path, path), [path, path]);
    }
}

#[test]
fn file_in_a_folder_is_saved_beside_a_file_of_the_folders_name() {
    assert_eq!(saved_twice("mine", "mine/inner"), ["mine", "mine/inner"]);
}

#[test]
fn file_that_the_game_changes_is_kept_while_the_publisher_does_not_change_his() {
    let shop = Shop::new();
    let mutable = ["--mutable", "settings.cfg"];
    shop.publish_in("stable", "1.0.0", &mutable, |tree| write(tree, "settings.cfg", b"volume=1"));
    shop.publish_in("stable", "2.0.0", &mutable, |tree| write(tree, "settings.cfg", b"volume=1"));
    shop.publish_in("stable", "3.0.0", &mutable, |tree| write(tree, "settings.cfg", b"volume=1\nnew=1"));
    shop.update(&["--version", "1.0.0"]).done();
    fs::write(shop.tree().join("settings.cfg"), b"volume=9, as the player likes it").unwrap();
    shop.assert_whole();
    shop.update(&["--version", "2.0.0"]).done();
    shop.assert_whole();
    assert_eq!(fs::read(shop.tree().join("settings.cfg")).unwrap(), b"volume=9, as the player likes it");
    // A different file, not another name of the same one: the previous version keeps its own.
    fs::write(shop.tree().join("settings.cfg"), b"volume=5").unwrap();
    let before = shop.tree_of("1.0.0").join("settings.cfg");
    assert_eq!(fs::read(before).unwrap(), b"volume=9, as the player likes it");
    shop.update(&["--version", "3.0.0"]).done();
    assert_eq!(fs::read(shop.tree().join("settings.cfg")).unwrap(), b"volume=1\nnew=1");
}

#[test]
fn unchanged_files_are_not_written_again() {
    let shop = Shop::new();
    for version in ["1.0.0", "2.0.0"] {
        shop.publish_in("stable", version, &[], |tree| write(tree, "data/large.pck", &noise(3, 200_000)));
    }
    shop.update(&["--version", "1.0.0"]).done();
    let before = shop.tree();
    let done = shop.update(&[]).done().clone();
    assert_eq!(done["plan"]["kept_files"], 4, "{done}");
    // The map is new, and small files are copied.
    assert!(done["written_bytes"].as_u64().unwrap() < 50_000, "{done}");
    let inode = |tree: &std::path::Path| fs::metadata(tree.join("data/large.pck")).unwrap().ino();
    assert_eq!(inode(&before), inode(&shop.tree()), "memory has no clones: they are one file");
}

#[test]
fn nobody_else_may_write_and_the_entry_can_be_run() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| {
        for (name, mode) in [("game", 0o666), ("licence.txt", 0o666), ("data/pack.pck", 0o777), ("data", 0o777)] {
            chmod(tree, name, mode);
        }
    });
    shop.update(&[]).done();
    let mode = |name: &str| fs::metadata(shop.tree().join(name)).unwrap().permissions().mode() & 0o7777;
    let found = ["game", "licence.txt", "data/pack.pck", "data"].map(mode);
    assert_eq!(found, [0o755, 0o644, 0o755, 0o755], "{found:?}");
    shop.assert_whole();
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn names_of_255_bytes_are_installed_updated_and_removed() {
    let shop = Shop::new();
    let long = format!("data/{}", "ä".repeat(127) + "x");
    let deep = format!("{0}/{0}/{0}/file", "d".repeat(255));
    let publish = |version: &str, seed: u64| {
        shop.publish_in("stable", version, &[], |tree| {
            write(tree, &long, &noise(seed, 3_000));
            write(tree, &deep, b"deep");
        });
    };
    publish("1.0.0", 1);
    shop.update(&[]).done();
    publish("2.0.0", 2);
    shop.update(&[]).done();
    assert_eq!(fs::read(shop.tree().join(&long)).unwrap(), noise(2, 3_000));
    assert_eq!(fs::read(shop.tree().join(&deep)).unwrap(), b"deep");
    shop.assert_whole();
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!shop.game().exists());
}

#[test]
fn uninstall_leaves_the_users_files_and_nothing_else() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    write(&shop.tree(), "mods/hat.pck", b"a hat");
    write(&shop.game(), "notes.txt", b"notes");
    let folder = shop.folder_of("2.0.0");
    let done = shop.vsekai(&["uninstall", "--yes"]).done().clone();
    assert_eq!((&done["versions"], &done["saved_files"]), (&2.into(), &1.into()), "{done}");
    let left = crate::support::trees::snapshot(&shop.game());
    let files = left.keys().filter(|path| shop.game().join(path).is_file());
    let wanted = [std::path::PathBuf::from("notes.txt"), ["saved", &folder, "mods/hat.pck"].iter().collect()];
    assert!(files.eq(wanted.iter()), "{left:?}");
    shop.vsekai(&["uninstall", "--yes"]).failed("not_installed");
}
