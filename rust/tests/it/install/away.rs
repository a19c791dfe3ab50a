//! An uninstallation that cannot take a version away leaves everything as it was; one that is killed is finished.

use std::fs;
use std::path::PathBuf;

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::trees::{Same, assert_same, snapshot, write};

/// An install of two versions, with an entry in the menu.
fn integrated() -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    assert_eq!(shop.launch(&[]).code, Some(0), "no longer on trial");
    shop.vsekai(&["integrate"]).done();
    assert_eq!(entries(&shop).len(), 1);
    shop
}

fn entries(shop: &Shop) -> Vec<PathBuf> {
    let folder = shop.path("home/.local/share/applications");
    let found = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    found.filter(|path| path.extension().is_some_and(|ending| ending == "desktop")).collect()
}

/// The numbers of the operations that take the names of the versions away.
fn leavings() -> Vec<u64> {
    let shop = integrated();
    let counted = shop.path("counted");
    let mut command = shop.command(&["uninstall", "--yes"]);
    Run::of(command.arg(shop.game()).env("VSEKAI_FAULT", format!("count:{}", counted.display()))).done();
    assert!(!shop.game().exists() && entries(&shop).is_empty());
    let lines = fs::read_to_string(&counted).unwrap();
    let of_leaving = lines.lines().filter(|line| line.contains(" rename ") && line.contains("versions/.leaving-"));
    of_leaving.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn version_that_cannot_be_taken_away_leaves_all_as_it_was() {
    let leavings = leavings();
    assert_eq!(leavings.len(), 2, "{leavings:?}");
    for number in leavings {
        let shop = integrated();
        let (install, home) = (snapshot(&shop.game().join("versions")), snapshot(&shop.path("home")));
        let state = fs::read(shop.control("state.json")).unwrap();
        let mut command = shop.command(&["uninstall", "--yes"]);
        Run::of(command.arg(shop.game()).env("VSEKAI_FAULT", format!("{number}:eacces"))).failed("permission_denied");
        assert_same(&install, &snapshot(&shop.game().join("versions")), Same::Modes);
        assert_same(&home, &snapshot(&shop.path("home")), Same::Modes);
        assert_eq!(fs::read(shop.control("state.json")).unwrap(), state);
        assert!(!shop.control("uninstalling").exists());
        assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
        shop.vsekai(&["uninstall", "--yes"]).done();
        assert!(!shop.game().exists() && entries(&shop).is_empty());
    }
}

#[test]
fn killed_uninstallation_is_finished_with_the_entries_in_the_menu() {
    for number in leavings() {
        let shop = integrated();
        let mut command = shop.command(&["uninstall", "--yes"]);
        let status = command.arg(shop.game()).env("VSEKAI_FAULT", format!("{number}:after")).status().unwrap();
        assert_eq!(status.code(), None, "killed");
        assert_eq!(shop.version(), "nothing");
        shop.vsekai(&["uninstall", "--yes"]).done();
        assert!(!shop.game().exists() && entries(&shop).is_empty());
    }
}

#[test]
fn after_an_uninstallation_the_same_folder_takes_an_install_again() {
    let shop = Shop::new();
    for version in ["1.0.0", "2.0.0-beta.1"] {
        shop.publish(version);
        shop.update(&["--version", version]).done();
    }
    write(&shop.tree(), "mine.txt", b"the user's");
    shop.vsekai(&["uninstall", "--yes"]).done();
    let left: Vec<_> = fs::read_dir(shop.game()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["saved"]);
    shop.update(&[]).done();
    shop.assert_whole();
    let version = fs::read_dir(shop.game().join("saved")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read(version.join("mine.txt")).unwrap(), b"the user's");
}

#[test]
fn a_folder_of_the_users_with_our_name_is_not_taken() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    write(&shop.game(), "saved/progress/1.sav", b"of another game");
    shop.update(&[]).failed("destination_not_ours");
    write(&shop.game(), "saved.dat", b"of another game");
    shop.update(&[]).failed("destination_not_ours");
}
