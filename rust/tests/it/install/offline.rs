//! Without network, and with expired metadata: only updating fails.

use std::fs;

use super::shop::Shop;
use crate::support::forge::{Forge, next, yesterday};
use crate::support::server::TestServer;
use crate::support::trees::{Same, assert_same, snapshot};

#[track_caller]
fn assert_all_but_updating_works(shop: &Shop) {
    assert_eq!(shop.version(), "1.0.0");
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    shop.assert_whole();
}

#[test]
fn repository_that_is_gone_stops_updates_only() {
    let shop = Shop::with(&["1.0.0"]);
    fs::remove_dir_all(shop.publisher.repository()).unwrap();
    shop.vsekai(&["check"]).failed("not_found");
    shop.vsekai(&["update"]).failed("not_found");
    assert_all_but_updating_works(&shop);
}

#[test]
fn server_that_is_gone_stops_updates_only() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let server = TestServer::start(shop.publisher.repository());
    shop.update(&["--repository", &server.url()]).done();
    let url = server.url();
    drop(server);
    // The folder that is given first does not exist any more, either.
    fs::remove_dir_all(shop.publisher.repository()).unwrap();
    let run = crate::support::run::Run::of(shop.command(&["update", "--repository", &url]).arg(shop.game()));
    run.failed("offline");
    assert_all_but_updating_works(&shop);
}

#[test]
fn first_install_without_a_repository_makes_no_folder() {
    let shop = Shop::new();
    shop.vsekai(&["update"]).failed("not_installed");
    shop.vsekai(&["install"]).failed("repository_missing");
    assert!(!shop.game().exists());
}

#[test]
fn expired_metadata_stops_updates_only() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let forge = Forge::new(shop.publisher.repository(), shop.publisher.keys());
    let mut timestamp = forge.timestamp();
    timestamp.version = next(timestamp.version);
    timestamp.expires = yesterday();
    forge.put_timestamp(timestamp);
    shop.vsekai(&["check"]).failed("metadata_expired");
    let before = snapshot(&shop.game().join("versions"));
    shop.update(&[]).failed("metadata_expired");
    assert_same(&before, &snapshot(&shop.game().join("versions")), Same::Untouched);
    assert_all_but_updating_works(&shop);
    fs::remove_file(shop.tree().join("data/map")).unwrap();
    shop.vsekai(&["verify", "--repair"]).done();
    shop.assert_whole();
}

#[test]
fn older_repository_is_refused_and_the_game_starts() {
    let shop = Shop::with(&["1.0.0"]);
    let old = shop.publisher.keep_as("old");
    shop.publish("2.0.0");
    shop.update(&[]).done();
    let run = crate::support::run::Run::of(shop.command(&["update", "--repository"]).arg(&old).arg(shop.game()));
    run.failed("metadata_rollback");
    assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
}

/// Makes the install believe that the clock was in another year before.
fn was_in_the_future(shop: &Shop) {
    fs::write(shop.control("trust/latest_known_time.json"), b"\"2099-01-01T00:00:00Z\"").unwrap();
}

#[test]
fn clock_that_went_back_stops_updates_only_and_can_be_forgiven() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    was_in_the_future(&shop);
    shop.vsekai(&["check"]).failed("clock_went_back");
    shop.update(&[]).failed("clock_went_back");
    assert_all_but_updating_works(&shop);
    shop.update(&["--reset-clock-guard"]).done();
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.offered(&[]), None);
}
