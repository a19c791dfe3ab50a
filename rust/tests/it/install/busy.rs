//! Two processes at once, and running games.

use std::time::{Duration, Instant};

use super::shop::{Running, Shop, wait_until};
use crate::support::server::TestServer;

#[test]
fn second_update_is_told_at_once_that_the_first_is_at_work() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    // Each answer is delayed, and there are many.
    let server = TestServer::slow(shop.publisher.repository(), Duration::from_secs(3));
    let mut slow = shop.command(&["update", "--repository", &server.url()]);
    let first = Running::start(slow.arg(shop.game()));
    let holder = format!("process {} (update)", first.0.id());
    let has_lock = || std::fs::read_to_string(shop.control("lock")).is_ok_and(|text| text == holder);
    wait_until("the first has the lock", has_lock);
    let begun = Instant::now();
    let run = shop.update(&[]);
    let message = run.failed("busy");
    assert!(message.contains(&holder), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Commands that only read, or start the game, need not wait.
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
    assert_eq!(shop.launch(&[]).code, Some(0));
    // It is not called interrupted while it is at work.
    let plain = |shop: &Shop| {
        let output = crate::support::run::vsekai().arg("status").arg(shop.game()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    wait_until("something is staged", || shop.status()["is_resumable"] == true);
    let said = plain(&shop);
    assert!(said.contains(&format!("{holder} is changing it now")) && !said.contains("interrupted"), "{said}");
    drop(first);
    let said = plain(&shop);
    assert!(said.contains("an update was interrupted") && !said.contains("is changing it"), "{said}");
}

#[test]
fn running_game_keeps_its_files_until_it_ends() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let mut game = Running::start(&mut shop.launching(&[("GAME_RUN", "600")]));
    let marker = shop.control("running").join(shop.folder_of("1.0.0"));
    wait_until("the game runs", || marker.exists());
    shop.update(&[]).done();
    assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
    shop.publish("3.0.0");
    shop.update(&[]).done();
    assert_eq!(shop.version(), "3.0.0");
    assert!(shop.tree_of("1.0.0").join("game").exists());
    game.interrupt();
    shop.update(&[]).done();
    assert!(!shop.tree_of("1.0.0").exists());
    assert!(!marker.exists());
    assert!(shop.tree_of("2.0.0").exists(), "the version to go back to");
}

#[test]
fn game_that_was_started_without_us_keeps_its_files_too() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let mut command = std::process::Command::new("sleep");
    let game = Running::start(command.arg("600").current_dir(shop.tree()));
    shop.update(&[]).done();
    assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
    shop.publish("3.0.0");
    shop.update(&[]).done();
    if cfg!(target_os = "linux") {
        assert!(shop.tree_of("1.0.0").exists());
    }
    drop(game);
    shop.update(&[]).done();
    assert!(!shop.tree_of("1.0.0").exists());
}

#[test]
fn uninstall_waits_for_nobody_who_plays() {
    let shop = Shop::with(&["1.0.0"]);
    let mut game = Running::start(&mut shop.launching(&[("GAME_RUN", "600")]));
    wait_until("the game runs", || shop.control("running").join(shop.folder_of("1.0.0")).exists());
    shop.vsekai(&["uninstall", "--yes"]).failed("busy");
    shop.assert_whole();
    game.interrupt();
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!shop.game().exists());
}
