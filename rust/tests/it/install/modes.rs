//! Modes, and users who are moved from one to another.

use super::shop::Shop;
use crate::support::run::Run;

/// `stable` is at 1.0.0 and installed, `beta` at this version.
fn with_beta(version: &str) -> Shop {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("beta", version, &[], |_| {});
    shop
}

fn switch(shop: &Shop, mode: &str) -> Run {
    shop.vsekai(&["mode", "switch", "--mode_name", mode])
}

#[test]
fn switch_to_a_mode_brings_its_version_with_the_next_update() {
    let shop = with_beta("2.0.0-beta.1");
    switch(&shop, "beta").done();
    assert_eq!(shop.version(), "1.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0-beta.1");
    assert_eq!(shop.vsekai(&["mode", "current"]).done()["mode"], "beta");
}

#[test]
fn switch_to_a_mode_with_a_lower_version_goes_down() {
    let shop = with_beta("0.9.0");
    switch(&shop, "beta").done();
    assert_eq!(shop.offered(&[]).as_deref(), Some("0.9.0"));
    shop.update(&[]).done();
    assert_eq!(shop.version(), "0.9.0");
    shop.assert_whole();
}

#[test]
fn update_can_switch_by_itself() {
    let shop = with_beta("2.0.0");
    shop.update(&["--mode", "beta"]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.status()["mode"], "beta");
}

#[test]
fn mode_that_is_not_there_says_which_there_are() {
    let shop = with_beta("2.0.0");
    let message = switch(&shop, "nightly").failed("mode_unknown");
    assert!(message.contains("beta, stable"), "{message}");
    shop.update(&["--mode", "nightly"]).failed("mode_unknown");
    assert_eq!(shop.status()["mode"], "stable");
}

#[test]
fn users_of_a_retired_mode_are_moved_to_its_successor() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "stable", "--update-to", "beta"]);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.status()["mode"], "beta");
}

#[test]
fn mode_retired_without_a_successor_stops_updates_only() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "stable"]);
    shop.update(&[]).failed("mode_retired");
    shop.vsekai(&["check"]).failed("mode_retired");
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    shop.assert_whole();
    switch(&shop, "beta").done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn switch_to_a_retired_mode_follows_its_successor() {
    let shop = with_beta("2.0.0");
    shop.publisher.edit(&["retire", "--mode", "beta", "--update-to", "stable"]);
    assert_eq!(switch(&shop, "beta").done()["mode"], "stable");
}

#[test]
fn switch_needs_an_install() {
    switch(&Shop::new(), "beta").failed("not_installed");
}

#[test]
fn modes_are_listed_with_what_they_offer() {
    let shop = with_beta("2.0.0");
    let run = shop.vsekai(&["mode", "list"]);
    let modes = run.done()["modes"].as_array().unwrap().clone();
    let row = |at: usize| (modes[at]["name"].clone(), modes[at]["newest"].clone(), modes[at]["is_current"].clone());
    assert_eq!(row(0), ("beta".into(), "2.0.0".into(), false.into()));
    assert_eq!(row(1), ("stable".into(), "1.0.0".into(), true.into()));
}
