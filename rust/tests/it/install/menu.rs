//! What happens without somebody at a command line: the entry in the menu, which starts `vsekai open DIR` without an
//! address, and a download in advance.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::lchown;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vsekai_updater::app::updater::{Settings, Updater};
use vsekai_updater::event::Monitor;
use vsekai_updater::net::http::{HttpOptions, Network};

use super::shop::{Launched, Shop, wait_until};
use crate::support::run::Run;
use crate::support::trees::{chmod, write};

const NOBODY: u32 = 65_534;

fn in_menu(versions: &[&str]) -> Shop {
    let shop = Shop::with(versions);
    assert_eq!(shop.launch(&[]).code, Some(0), "no longer on trial");
    shop.vsekai(&["integrate"]).done();
    shop
}

/// As a launcher that registers the install records itself.
fn opens(shop: &Shop, what: &Value) {
    let path = shop.control("state.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    state["integration"]["opens"] = what.clone();
    fs::write(path, state.to_string()).unwrap();
}

fn open(shop: &Shop, address: &[&str]) -> Launched {
    Launched::of(shop.command(&["open"]).arg(shop.game()).args(address))
}

#[test]
fn entry_without_a_launcher_brings_the_update_and_starts_it() {
    let shop = in_menu(&["1.0.0", "2.0.0"]);
    assert_eq!(open(&shop, &["--", "uro://a"]).last["version"], "1.0.0", "a link goes to the game at once");
    assert_eq!(open(&shop, &[]).last["version"], "2.0.0");
    // Without the repository it still starts.
    fs::rename(shop.publisher.repository(), shop.path("away")).unwrap();
    let offline = open(&shop, &[]);
    assert_eq!((offline.code, &offline.last["version"]), (Some(0), &json!("2.0.0")));
}

#[test]
fn entry_never_installs_a_lower_version_or_one_during_a_trial() {
    let shop = in_menu(&["2.0.0"]);
    shop.publish_in("beta", "1.0.0", &[], |_| {});
    shop.vsekai(&["mode", "switch", "beta"]).done();
    assert_eq!(shop.offered(&[]).as_deref(), Some("1.0.0"));
    assert_eq!(open(&shop, &[]).last["version"], "2.0.0");
    let shop = in_menu(&["1.0.0", "2.0.0", "3.0.0"]);
    shop.update(&["--version", "2.0.0"]).done();
    assert_eq!(open(&shop, &[]).last["version"], "2.0.0");
    assert_eq!(open(&shop, &[]).last["version"], "3.0.0");
}

#[test]
fn entry_opens_the_launcher_that_made_it() {
    let shop = in_menu(&["1.0.0", "2.0.0"]);
    write(&shop.path("bin"), "launcher", b"#!/bin/sh\necho here >\"$0.was\"\n");
    chmod(&shop.path("bin"), "launcher", 0o755);
    let launcher = shop.path("bin/launcher");
    opens(&shop, &json!({"program": launcher}));
    assert_eq!(open(&shop, &[]).last["launcher"], json!(launcher));
    wait_until("the launcher", || shop.path("bin/launcher.was").exists());
    assert_eq!(shop.version(), "1.0.0", "the launcher asks");
    assert_eq!(open(&shop, &["--", "uro://a"]).last["version"], "1.0.0", "a link goes to the game");
    shop.vsekai(&["integrate"]).done();
    assert_eq!(open(&shop, &[]).last["launcher"], json!(launcher), "it stays in charge");
    fs::remove_file(launcher).unwrap();
    assert_eq!(open(&shop, &[]).last["version"], "2.0.0", "without it, the game");
}

#[test]
fn entry_opens_the_launcher_that_is_installed_like_a_game() {
    let (shop, other) = (in_menu(&["1.0.0"]), Shop::with(&["7.0.0"]));
    opens(&shop, &json!({"install": other.game()}));
    assert_eq!(open(&shop, &[]).last["version"], "7.0.0");
    other.vsekai(&["uninstall", "--yes"]).done();
    assert_eq!(open(&shop, &[]).last["version"], "1.0.0");
    // A launcher's own entry starts it at once: it looks for updates itself.
    shop.publish("2.0.0");
    opens(&shop, &json!({"install": shop.game()}));
    assert_eq!(open(&shop, &[]).last["version"], "1.0.0");
}

#[test]
fn entry_of_another_user_opens_nothing_of_theirs() {
    let shop = in_menu(&["1.0.0"]);
    write(&shop.path("bin"), "launcher", b"#!/bin/sh\ntrue\n");
    chmod(&shop.path("bin"), "launcher", 0o755);
    opens(&shop, &json!({"program": shop.path("bin/launcher")}));
    if !rustix::process::geteuid().is_root() {
        return super::skipped("not run as root: an install of another user is not tested");
    }
    lchown(shop.game(), Some(NOBODY), Some(NOBODY)).unwrap();
    Run::of(shop.command(&["open"]).arg(shop.game())).failed("other_owner");
}

#[test]
fn server_that_says_nothing_delays_a_start_by_no_more_than_the_limit() {
    let shop = in_menu(&["1.0.0"]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = Settings::new(Network::new(&HttpOptions::default()).unwrap());
    settings.repository = vec![format!("http://{}", silent.local_addr().unwrap())];
    let begun = Instant::now();
    let limit = Duration::from_millis(200);
    let updated = Updater::new(&shop.game(), settings).unwrap().update_briefly(limit, &Monitor::default());
    assert_eq!(updated.unwrap_err().code(), "cancelled");
    assert!(begun.elapsed() >= limit && begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn version_that_is_downloaded_ahead_waits_until_it_is_wanted() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let settings = Settings::new(Network::new(&HttpOptions::default()).unwrap());
    let updater = Updater::new(&shop.game(), settings).unwrap();
    let downloaded = updater.download(&Monitor::default()).unwrap();
    assert_eq!(downloaded.unwrap().to_string(), "2.0.0");
    assert_eq!(shop.version(), "1.0.0");
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    assert_eq!(shop.status()["is_resumable"], false, "nothing is half done");
    assert_eq!(shop.status()["downloaded"], "2.0.0", "a new process knows it without asking");
    fs::remove_dir_all(shop.publisher.repository().join("store")).unwrap();
    assert_eq!(shop.vsekai(&["update"]).done()["current"]["version"], "2.0.0");
    shop.assert_whole();
    assert_eq!(updater.download(&Monitor::default()).unwrap(), None);
    assert!(shop.status()["downloaded"].is_null(), "it is the current one");
}

#[test]
fn version_that_is_downloaded_ahead_and_damaged_does_not_wait() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let settings = Settings::new(Network::new(&HttpOptions::default()).unwrap());
    Updater::new(&shop.game(), settings).unwrap().download(&Monitor::default()).unwrap();
    let mut ahead = fs::read_dir(shop.game().join("versions")).unwrap().map(|entry| entry.unwrap().path());
    let ahead = ahead.find(|path| path.to_string_lossy().contains("2.0.0")).unwrap();
    fs::remove_dir_all(ahead).unwrap();
    assert!(shop.status()["downloaded"].is_null());
}
