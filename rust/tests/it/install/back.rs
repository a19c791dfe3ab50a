//! Manual rollback.

use std::fs;

use vsekai_updater::install::{InstallRoot, removable_bytes};

use super::shop::Shop;
use crate::support::trees::write;

fn updated() -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop
}

#[test]
fn rollback_brings_the_version_before_back_and_the_other_is_not_offered() {
    let shop = updated();
    assert_eq!(shop.vsekai(&["rollback"]).done()["version"], "1.0.0");
    assert_eq!(shop.version(), "1.0.0");
    assert_eq!(shop.offered(&[]), None);
    shop.assert_whole();
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
}

#[test]
fn rollback_to_a_damaged_version_mends_it() {
    let shop = updated();
    let map = shop.tree_of("1.0.0").join("data/map");
    fs::write(&map, b"not a map").unwrap();
    shop.vsekai(&["rollback"]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
}

#[test]
fn rollback_finds_damage_that_does_not_show_and_mends_it() {
    let shop = updated();
    let map = shop.tree_of("1.0.0").join("data/map");
    let time = fs::metadata(&map).unwrap().modified().unwrap();
    let mut bytes = fs::read(&map).unwrap();
    bytes[100] ^= 1;
    fs::write(&map, bytes).unwrap();
    fs::File::open(&map).unwrap().set_modified(time).unwrap();
    shop.vsekai(&["rollback"]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
}

#[test]
fn rollback_without_a_version_before_is_refused() {
    Shop::with(&["1.0.0"]).vsekai(&["rollback"]).failed("no_previous_version");
}

#[test]
fn rollback_of_nothing_is_refused_and_makes_nothing() {
    let shop = Shop::new();
    for command in ["rollback", "status", "verify", "launch", "uninstall"] {
        shop.vsekai(&[command]).failed("not_installed");
    }
    assert!(!shop.game().exists());
}

#[test]
fn users_file_in_the_version_that_is_left_is_saved() {
    let shop = updated();
    write(&shop.tree(), "mods/hat.pck", b"a hat");
    shop.vsekai(&["rollback"]).done();
    let saved = shop.game().join("saved").join(shop.folder_of("2.0.0"));
    assert_eq!(fs::read(saved.join("mods/hat.pck")).unwrap(), b"a hat");
}

#[test]
fn version_that_was_left_comes_back_by_name_alone() {
    let shop = updated();
    shop.vsekai(&["rollback"]).done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&["--version", "2.0.0"]).done();
    assert_eq!(shop.version(), "2.0.0");
    shop.assert_whole();
}

#[test]
fn clean_removes_the_version_to_go_back_to_and_says_how_much_that_freed() {
    let shop = updated();
    shop.launch(&[]);
    let old = shop.tree_of("1.0.0");
    let expected = removable_bytes(&InstallRoot::at(&shop.game()).unwrap());
    let run = shop.vsekai(&["clean"]);
    let done = run.done();
    assert_eq!(done["version"], "1.0.0");
    let freed = done["freed_bytes"].as_u64().unwrap();
    // The state gets shorter, too.
    assert!(expected > 0 && freed.abs_diff(expected) < 4096, "{expected} were promised: {done}");
    assert_eq!(removable_bytes(&InstallRoot::at(&shop.game()).unwrap()), 0);
    assert!(!old.exists());
    assert_eq!(shop.version(), "2.0.0");
    shop.assert_whole();
    shop.vsekai(&["rollback"]).failed("no_previous_version");
    assert!(shop.vsekai(&["clean"]).done()["version"].is_null());
}

#[test]
fn clean_leaves_a_way_back_from_a_version_on_trial() {
    let shop = updated();
    shop.vsekai(&["clean"]).failed("invalid_argument");
    shop.vsekai(&["rollback"]).done();
    assert_eq!(shop.version(), "1.0.0");
}
