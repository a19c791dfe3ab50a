//! What a player changed in a shipped file is never dropped silently.

use std::fs;
use std::path::{Path, PathBuf};

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::trees::{What, snapshot, write};

fn publish(shop: &Shop, version: &str, settings: &[u8]) {
    shop.publish_in("stable", version, &[], |tree| write(tree, "settings.cfg", settings));
}

/// All files in `saved`, with their content.
fn saved(shop: &Shop) -> Vec<(PathBuf, String)> {
    let folder = shop.game().join("saved");
    if !folder.exists() {
        return Vec::new();
    }
    let all = snapshot(&folder);
    let files = all.into_iter().filter(|(_, seen)| matches!(seen.what, What::File { .. }));
    files.map(|(path, _)| (path.clone(), fs::read_to_string(folder.join(path)).unwrap())).collect()
}

#[track_caller]
fn assert_said(run: &Run, name: &str) {
    let warnings = run.warnings("foreign_conflict");
    assert!(warnings.iter().any(|it| it.contains(name) && it.contains("saved")), "{:?}", run.lines);
}

fn changed(publisher_changes_his: bool) -> Shop {
    let shop = Shop::new();
    publish(&shop, "1.0.0", b"volume=1\n");
    publish(&shop, "2.0.0", if publisher_changes_his { b"volume=2\n" } else { b"volume=1\n" });
    shop.update(&["--version", "1.0.0"]).done();
    fs::write(shop.tree().join("settings.cfg"), b"volume=9, as I like it\n").unwrap();
    shop
}

#[test]
fn changed_file_is_saved_by_the_update_that_replaces_it_and_named() {
    for publisher_changes_his in [false, true] {
        let shop = changed(publisher_changes_his);
        let run = shop.update(&[]);
        assert_eq!(run.done()["saved_files"], 1);
        assert_said(&run, "settings.cfg");
        let place = Path::new(&shop.folder_of("1.0.0")).join("settings.cfg");
        let wanted = [(place, "volume=9, as I like it\n".to_owned())];
        assert_eq!(saved(&shop), wanted);
        assert!(fs::read_to_string(shop.tree().join("settings.cfg")).unwrap().len() < 10, "as published");
        shop.assert_whole();
        // The next update removes the version that was left, and does not save its changes again.
        assert_eq!(shop.launch(&[]).code, Some(0));
        publish(&shop, "3.0.0", b"volume=3\n");
        let run = shop.update(&[]);
        assert_eq!((&run.done()["saved_files"], run.warnings("foreign_conflict").len()), (&0.into(), 0));
        assert_eq!(saved(&shop), wanted);
    }
}

#[test]
fn file_that_was_changed_back_or_only_touched_is_not_saved() {
    let shop = changed(true);
    fs::write(shop.tree().join("settings.cfg"), b"volume=1\n").unwrap();
    let game = fs::read(shop.tree().join("game")).unwrap();
    fs::write(shop.tree().join("game"), game).unwrap();
    let run = shop.update(&[]);
    assert_eq!((&run.done()["saved_files"], saved(&shop)), (&0.into(), Vec::new()));
}

#[test]
fn damage_by_the_disk_is_not_saved() {
    let shop = changed(true);
    let path = shop.tree().join("data/map");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::File::open(&path).unwrap().set_modified(time).unwrap();
    shop.update(&[]).done();
    assert_eq!(saved(&shop).len(), 1, "the settings alone");
}

#[test]
fn file_that_was_declared_mutable_is_saved_when_the_publisher_changes_his() {
    let shop = Shop::new();
    for (version, settings) in [("1.0.0", "volume=1\n"), ("2.0.0", "volume=1\n"), ("3.0.0", "volume=3\n")] {
        let options = ["--mutable", "settings.cfg"];
        shop.publish_in("stable", version, &options, |tree| write(tree, "settings.cfg", settings.as_bytes()));
    }
    shop.update(&["--version", "1.0.0"]).done();
    fs::write(shop.tree().join("settings.cfg"), b"volume=9\n").unwrap();
    let run = shop.update(&["--version", "2.0.0"]);
    assert_eq!((&run.done()["saved_files"], saved(&shop)), (&0.into(), Vec::new()), "it was carried over");
    assert_eq!(fs::read(shop.tree().join("settings.cfg")).unwrap(), b"volume=9\n");
    let run = shop.update(&["--version", "3.0.0"]);
    assert_said(&run, "settings.cfg");
    assert_eq!(saved(&shop), [(Path::new(&shop.folder_of("2.0.0")).join("settings.cfg"), "volume=9\n".to_owned())]);
}

#[test]
fn changed_file_is_saved_when_its_version_is_rolled_back_from() {
    let shop = changed(true);
    fs::write(shop.tree().join("settings.cfg"), b"volume=1\n").unwrap();
    shop.update(&[]).done();
    fs::write(shop.tree().join("settings.cfg"), b"volume=7\n").unwrap();
    shop.vsekai(&["rollback"]).done();
    assert_eq!(saved(&shop), [(Path::new(&shop.folder_of("2.0.0")).join("settings.cfg"), "volume=7\n".to_owned())]);
}

#[test]
fn repair_saves_settings_and_no_broken_pack() {
    let shop = changed(true);
    let pack = crate::support::trees::noise(5, 300_000);
    shop.publish_in("stable", "3.0.0", &[], |tree| {
        write(tree, "settings.cfg", b"volume=3\n");
        write(tree, "data/large.pck", &pack);
    });
    let folder = shop.folder_of("3.0.0");
    shop.update(&["--version", "3.0.0"]).done();
    fs::write(shop.tree().join("settings.cfg"), b"volume=8\n").unwrap();
    fs::write(shop.tree().join("data/large.pck"), vec![0; 300_000]).unwrap();
    shop.vsekai(&["verify", "--repair"]).done();
    shop.assert_whole();
    let mut saved = saved(&shop);
    saved.retain(|(path, _)| path.starts_with(&folder));
    assert_eq!(saved, [(Path::new(&folder).join("settings.cfg"), "volume=8\n".to_owned())]);
}

#[test]
fn uninstall_leaves_no_shipped_file() {
    let shop = changed(true);
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!shop.game().exists());
}

#[test]
fn large_changed_file_takes_no_second_copy() {
    use std::os::unix::fs::MetadataExt;
    let shop = Shop::new();
    let pack = crate::support::trees::noise(5, 300_000);
    for version in ["1.0.0", "2.0.0"] {
        shop.publish_in("stable", version, &[], |tree| write(tree, "data/large.pck", &pack));
    }
    shop.update(&["--version", "1.0.0"]).done();
    let old = shop.tree().join("data/large.pck");
    fs::write(&old, b"a mod of mine").unwrap();
    shop.update(&[]).done();
    let kept = shop.game().join("saved").join(shop.folder_of("1.0.0")).join("data/large.pck");
    assert_eq!(fs::read(&kept).unwrap(), b"a mod of mine");
    // The changed file is smaller than the limit, so it is copied and not linked.
    assert_ne!(fs::metadata(&kept).unwrap().ino(), fs::metadata(&old).unwrap().ino());
    assert!(fs::read(shop.tree().join("data/large.pck")).unwrap() == pack);
}
