//! Updates that the user interrupts.

use std::fs;
use std::time::Duration;

use super::shop::{Running, Shop, wait_until};
use crate::support::run::Run;
use crate::support::server::TestServer;
use crate::support::trees::{noise, write};

/// A long update that Ctrl-C interrupts after part of the download.
fn interrupted() -> Shop {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/large.pck", &noise(9, 400_000)));
    interrupt(&shop);
    shop
}

/// Begins the update, and interrupts it after part of the download.
fn interrupt(shop: &Shop) {
    let server = TestServer::slow(shop.publisher.repository(), Duration::from_millis(50));
    let mut slow = shop.command(&["update", "--connections", "1", "--repository", &server.url()]);
    let mut update = Running::start(slow.arg(shop.game()));
    let large = shop.control("staging").join(shop.folder_of("2.0.0")).join("tree/data/large.pck");
    let blocks = || fs::metadata(&large).map_or(0, |found| std::os::unix::fs::MetadataExt::blocks(&found));
    wait_until("some of it has come", || blocks() > 100);
    assert_eq!(update.interrupt(), Some(130));
}

#[test]
fn interrupted_update_leaves_the_old_version_and_goes_on() {
    let shop = interrupted();
    assert_eq!(shop.version(), "1.0.0");
    assert_eq!(shop.status()["is_resumable"], true);
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    let done = shop.update(&[]).done().clone();
    assert!(done["plan"]["resumed_bytes"].as_u64().unwrap() > 20_000, "{done}");
    assert_eq!(shop.version(), "2.0.0");
    assert_eq!(shop.status()["is_resumable"], false);
    shop.assert_whole();
}

#[test]
fn interrupted_update_can_be_dropped() {
    let shop = interrupted();
    let done = shop.update(&["--discard"]).done().clone();
    assert_eq!(done["plan"]["resumed_bytes"], 0, "{done}");
    shop.assert_whole();
}

#[test]
fn what_was_staged_for_a_version_that_is_not_offered_any_more_is_dropped() {
    let shop = interrupted();
    shop.edit("recall", "stable", "2.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.status()["is_resumable"], false);
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn dry_run_counts_what_was_staged_and_leaves_it() {
    let shop = interrupted();
    let run = shop.update(&["--dry-run"]);
    assert!(run.done()["plan"]["resumed_bytes"].as_u64().unwrap() > 20_000, "{:?}", run.done());
    assert_eq!(shop.status()["is_resumable"], true);
}

#[test]
fn the_size_of_the_download_stays_the_same_whenever_it_goes_on() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/large.pck", &noise(9, 400_000)));
    let server = TestServer::start(shop.publisher.repository());
    let url = server.url();
    let dry = ["update", "--dry-run", "--no-shared-cache", "--repository", &url];
    let plan = || Run::of(shop.command(&dry).arg(shop.game())).done()["plan"].clone();
    let bytes = |plan: &serde_json::Value, name: &str| plan[name].as_u64().unwrap();
    let first = plan();
    assert!(bytes(&first, "fetch_bytes") > 300_000 && bytes(&first, "earlier_bytes") == 0, "{first}");
    interrupt(&shop);
    for _ in 0..2 {
        let later = plan();
        let (left, earlier) = (bytes(&later, "fetch_bytes"), bytes(&later, "earlier_bytes"));
        assert!(earlier > 20_000, "{later}");
        assert_eq!(left + earlier, bytes(&first, "fetch_bytes"), "{later}");
    }
    let done = shop.update(&[]).done().clone();
    assert!(bytes(&done["plan"], "earlier_bytes") > 20_000, "{done}");
}

#[test]
fn the_size_of_single_chunks_is_told_by_what_the_version_adds() {
    let shop = Shop::new();
    let text = "The same line, many times. ".repeat(100_000);
    let publish = |version: &str, add: &[u8]| {
        shop.publish_in("stable", version, &["--delta-from", "0"], |tree| {
            write(tree, "data/text.txt", text.as_bytes());
            if !add.is_empty() {
                write(tree, "data/large.pck", add);
            }
        });
    };
    publish("1.0.0", &[]);
    let server = TestServer::start(shop.publisher.repository());
    let update = || {
        let mut command = shop.command(&["update", "--no-shared-cache", "--repository", &server.url()]);
        Run::of(command.arg(shop.game()).arg("--trust-root").arg(shop.publisher.root()))
    };
    update().done();
    publish("2.0.0", &noise(9, 900_000));
    let done = update().done().clone();
    let told = done["plan"]["fetch_bytes"].as_u64().unwrap();
    assert!(told.abs_diff(900_000) < 30_000, "{told}: {done}");
}

#[test]
fn interrupted_first_install_is_nothing_until_it_goes_on() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, "data/large.pck", &noise(9, 400_000)));
    let server = TestServer::slow(shop.publisher.repository(), Duration::from_millis(50));
    let mut slow = shop.command(&["update", "--connections", "1", "--repository", &server.url()]);
    let mut update = Running::start(slow.arg(shop.game()).arg("--trust-root").arg(shop.publisher.root()));
    wait_until("it has begun", || shop.control("staging").exists());
    assert_eq!(update.interrupt(), Some(130));
    let refused = shop.vsekai(&["launch"]);
    refused.failed("not_installed");
    let hint = refused.lines.last().unwrap()["hint"].as_str().unwrap();
    let command = format!("`vsekai update {}` continues it", shop.game().display());
    assert!(hint.contains(&command), "{hint}");
    shop.vsekai(&["update"]).done();
    shop.assert_whole();
}
