//! Installs that were moved or copied as a whole.

use std::fs;
use std::process::Command;

use super::shop::Shop;

/// An install that has just been moved.
fn brought(how: &[&str]) -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop.launch(&[]);
    fs::rename(shop.game(), shop.path("before")).unwrap();
    let status = Command::new(how[0]).args(&how[1..]).arg(shop.path("before")).arg(shop.game()).status().unwrap();
    assert!(status.success());
    shop
}

fn assert_goes_on(shop: &Shop) {
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
    shop.assert_whole();
    assert_eq!(shop.vsekai(&["rollback"]).done()["version"], "1.0.0");
    shop.publish("3.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "3.0.0");
    shop.assert_whole();
    let current = fs::canonicalize(shop.game().join("current")).unwrap();
    assert_eq!(current, fs::canonicalize(shop.tree()).unwrap());
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!shop.game().exists());
}

#[test]
fn moved_install_goes_on() {
    assert_goes_on(&brought(&["mv"]));
}

#[test]
fn copied_install_goes_on() {
    assert_goes_on(&brought(&["cp", "-a"]));
}

#[test]
fn install_copied_without_its_times_goes_on() {
    assert_goes_on(&brought(&["cp", "-r"]));
}

#[test]
fn install_is_found_through_a_link() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    fs::rename(shop.game(), shop.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", shop.game()).unwrap();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
    assert!(fs::symlink_metadata(shop.game()).unwrap().is_symlink());
}

#[test]
fn copied_install_is_read_once_and_then_believed() {
    let shop = brought(&["cp", "-a"]);
    shop.vsekai(&["verify", "--repair"]).done();
    shop.publish("3.0.0");
    assert_eq!(shop.update(&[]).done()["plan"]["kept_files"], 3);
}
