//! What the game is given: its environment without our secrets, and the address of a link.

use std::process::Command;

use super::shop::{Launched, Shop};
use crate::support::trees::write;

/// Prints its environment and its arguments, one on each line.
const GAME: &str = "#!/bin/sh\nenv\nfor word in \"$@\"; do echo \"word:$word:\"; done\n";

fn shop(options: &[&str]) -> Shop {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", options, |tree| write(tree, "game", GAME.as_bytes()));
    shop.update(&[]).done();
    shop
}

fn words(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.strip_prefix("word:")?.strip_suffix(':')).collect()
}

#[test]
fn game_gets_no_secret_of_the_updater() {
    let shop = shop(&[]);
    let secrets = [
        ("VSEKAI_TOKEN", "vsk_hush"),
        ("VSEKAI_HTTP_AUTH", "Bearer hush"),
        ("VSEKAI_HTTP_COOKIE", "sid=hush"),
        ("VSEKAI_PROXY", "http://user:hush@127.0.0.1:1"),
        ("VSEKAI_REPOSITORY", "https://user:hush@127.0.0.1:1/?sig=hush"),
        ("VSEKAI_SERVER_S3_SECRET_ACCESS_KEY", "hush"),
        ("VSEKAI_SERVER_DATABASE", "postgres://user:hush@db/x"),
        ("VSEKAI_NEW_SECRET", "hush"),
        ("HTTPS_PROXY", "http://user:hush@127.0.0.1:1/"),
        ("http_proxy", "user:hush@127.0.0.1:1"),
        ("ALL_PROXY", "socks5://user:hush@127.0.0.1:1"),
        ("NO_PROXY", "*,user:hush@localhost"),
    ];
    for verb in ["launch", "open"] {
        let said = Launched::of(shop.command(&[verb]).envs(secrets).env("GAME_OWN", "kept").arg(shop.game())).said;
        assert!(!said.contains("hush"), "{said}");
        for kept in
            ["GAME_OWN=kept", "HTTPS_PROXY=http://127.0.0.1:1/", "http_proxy=127.0.0.1:1", "NO_PROXY=*,localhost"]
        {
            assert!(said.lines().any(|line| line == kept), "{kept}: {said}");
        }
        for ours in ["VSEKAI_READY_FILE=", "VSEKAI_VERSION=1.0.0", "VSEKAI_MODE=stable", "VSEKAI_INSTALL_DIR="] {
            assert!(said.lines().any(|line| line.starts_with(ours)), "{ours}: {said}");
        }
    }
}

fn opening(shop: &Shop, words: &[&str]) -> Command {
    let mut command = shop.command(&["open"]);
    command.arg(shop.game()).args(words);
    command
}

#[test]
fn address_is_the_last_argument_of_the_game_and_a_users_own() {
    for (options, wanted) in [
        (&[][..], &["--", "uro://server/x?a=%20"][..]),
        (&["--entry-arg", "--xr"], &["--xr", "--", "uro://server/x?a=%20"]),
        (&["--entry-arg", "--", "--entry-arg", "--ours"], &["--", "--ours", "uro://server/x?a=%20"]),
        (&["--entry-arg", "++"], &["++", "uro://server/x?a=%20"]),
    ] {
        let shop = shop(options);
        for separator in [&[][..], &["--"]] {
            let given = [separator, &["uro://server/x?a=%20"]].concat();
            let opened = Launched::of(&mut opening(&shop, &given));
            assert_eq!((opened.code, words(&opened.said)), (Some(0), wanted.to_vec()));
            assert_eq!(opened.last["command"], "open");
        }
    }
}

#[test]
fn menu_entry_opens_no_address() {
    let shop = shop(&["--entry-arg", "--xr"]);
    for given in [&[][..], &["--"]] {
        let opened = Launched::of(&mut opening(&shop, given));
        assert_eq!((opened.code, words(&opened.said)), (Some(0), vec!["--xr"]));
    }
}

#[test]
fn game_does_not_start_for_what_is_no_single_address() {
    let shop = shop(&[]);
    for bad in [
        &["--", "uro://x", "--main-pack", "p.pck"][..],
        &["--", "uro://x", "uro://y"],
        &["--", "uro://x", ""],
        &["--", "--main-pack=p.pck"],
        &["--", "http://server/"],
        &["--", ""],
        &["--", "uro://a b"],
        &["--", "uro://a\"b"],
        &["--", "uro://a'b"],
        &["--", "uro://a\nb"],
        &["--", "uro://a\u{1b}[31mb"],
        &["--", "uro://a\u{202e}b"],
        &["--", "uro://main.tscn"],
        &["--", &format!("uro://{}", "a".repeat(2048))],
        &["uro://x", "--grace", "1s"],
        &["--main-pack", "p.pck"],
    ] {
        let output = opening(&shop, bad).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{bad:?}: {said}");
        assert!(!said.contains("VSEKAI_VERSION") && !said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");
    }
}

#[test]
fn what_is_registered_opens_links() {
    let shop = shop(&[]);
    shop.vsekai(&["integrate"]).done();
    let entries = shop.path("home/.local/share/applications");
    let mut files = std::fs::read_dir(entries).unwrap().flatten().map(|entry| entry.path());
    let entry = files.find(|path| path.extension().is_some_and(|it| it == "desktop")).unwrap();
    let text = std::fs::read_to_string(entry).unwrap();
    let exec = text.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
    assert!(exec.contains(" open ") && exec.ends_with(" -- %u"), "{exec}");
}
