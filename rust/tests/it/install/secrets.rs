//! What must not be shown or stored for others: secrets in addresses, and text that a terminal obeys.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::shop::Shop;
use crate::support::run::{Run, vsekai};
use crate::support::server::{Pages, TestServer, nobody};

/// Stands for a password, a token or a signature.
const SECRET: &str = "S3CRET";

fn with_secrets(url: &str) -> String {
    format!("{}/?sig={SECRET}", url.replace("http://", &format!("http://alice:{SECRET}@")))
}

/// Everything that a command prints, as text and as JSON.
fn said(shop: &Shop, words: &[&OsStr]) -> String {
    let mut all = String::new();
    for json in [&["--json"][..], &[]] {
        let mut command = vsekai();
        command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config"));
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        let output = command.args(json).args(words).output().unwrap();
        all += &String::from_utf8_lossy(&output.stdout);
        all += &String::from_utf8_lossy(&output.stderr);
    }
    all
}

fn words<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(|word| OsStr::new(*word)).collect()
}

fn state_mode(shop: &Shop) -> u32 {
    fs::metadata(shop.control("state.json")).unwrap().permissions().mode() & 0o777
}

#[test]
fn secrets_of_the_repositorys_address_are_neither_shown_nor_readable_by_others() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let server = TestServer::start(shop.publisher.repository());
    let game = shop.game();
    let game = game.to_str().unwrap();
    let url = with_secrets(&server.url());
    let root = shop.publisher.root().to_str().unwrap();
    let update = ["update", game, "--repository", &url, "--trust-root", root];
    let mut all = said(&shop, &words(&update));
    assert!(fs::read_to_string(shop.control("state.json")).unwrap().contains(SECRET), "updates need it");
    assert_eq!(state_mode(&shop), 0o600);
    shop.publish("2.0.0");
    for command in [&["status", game][..], &["check", game], &["update", "-n", game], &["mode", "list", game]] {
        all += &said(&shop, &words(command));
    }
    server.send_pages(Pages::ForAll);
    for command in [&["check", game][..], &update, &["mode", "list", game], &["verify", "--repair", game]] {
        all += &said(&shop, &words(command));
    }
    drop(server);
    for command in [&["check", game][..], &update] {
        all += &said(&shop, &words(command));
    }
    assert!(!all.contains(SECRET), "{all}");
    assert!(all.contains(r#""repository":["http://127.0.0.1:"#), "{all}");
    let mut folders = vec![shop.control("")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let is_open = entry.metadata().unwrap().permissions().mode() & 0o077 != 0;
                let has_secret = String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(SECRET);
                assert!(!(is_open && has_secret), "{}", path.display());
            }
        }
    }
}

#[test]
fn state_that_an_older_program_left_open_is_closed() {
    let shop = Shop::with(&["1.0.0"]);
    assert_ne!(state_mode(&shop), 0o600, "nothing in it is secret");
    let mut state: Value = serde_json::from_slice(&fs::read(shop.control("state.json")).unwrap()).unwrap();
    state["repository"] = serde_json::json!([with_secrets(&nobody())]);
    fs::write(shop.control("state.json"), state.to_string()).unwrap();
    // It needs the lock, but writes nothing.
    shop.vsekai(&["unintegrate"]).done();
    assert_eq!(state_mode(&shop), 0o600);
}

#[test]
fn no_command_repeats_a_secret_of_an_address_that_it_was_given() {
    let shop = Shop::with(&["1.0.0"]);
    let game = shop.game();
    let game = game.to_str().unwrap();
    let nobody = with_secrets(&nobody());
    let keys = shop.publisher.keys().to_str().unwrap().to_owned();
    let (tree, scratch) = (shop.build("9.0.0"), shop.path("scratch"));
    let (tree, scratch) = (tree.to_str().unwrap(), scratch.to_str().unwrap());
    let bad = format!("http://alice:{SECRET}@bad host/x.caidx?sig={SECRET}");
    let slash = format!("http://alice:{SECRET}/{SECRET}@host/x.caidx");
    let ftp = format!("ftp://alice:{SECRET}@host/x.caidx?sig={SECRET}");
    let bare = format!("alice:{SECRET}@host:8080/x?sig={SECRET}");
    let upper = format!("HTTP://alice:{SECRET}@bad host/");
    let publish = ["publish", tree, "--mode", "stable", "--version", "9.0.0", "--entry", "game", "--keys", &keys];
    let mut all = String::new();
    for url in [&nobody, &bad, &slash, &ftp, &bare, &upper] {
        for command in [
            &["check", game, "--repository", url][..],
            &["update", game, "--repository", url],
            &["mode", "list", "--repository", url],
            &["check", game, "--proxy", url],
            &["store", "info", url],
            &["store", "extract", "--store", url, "x.caidx", scratch],
            &["store", "extract", "--store", "s", url, scratch],
            &["store", "verify", "--repair", "--from", url, scratch],
            &["keys", "init", scratch, "--online", url],
            &[&publish[..], &["--server", url]].concat(),
            &[&publish[..], &["--repository", scratch, "--from-index", url, "--from-store", url]].concat(),
            &[
                "publish",
                "--from-index",
                url,
                "--from-store",
                url,
                "--mode",
                "stable",
                "--version",
                "9.0.0",
                "--entry",
                "g",
                "--repository",
                scratch,
                "--keys",
                &keys,
            ],
            &["status", game, url],
            &["status", url],
            &["--update", url, "--repository", url],
            &[url],
        ] {
            all += &said(&shop, &words(command));
        }
        let mut command = shop.command(&["config", "show"]);
        let output = command.env("VSEKAI_REPOSITORY", url).env("VSEKAI_PROXY", url).output().unwrap();
        all += &String::from_utf8_lossy(&output.stdout);
        all += &String::from_utf8_lossy(&output.stderr);
    }
    let leaks: Vec<&str> = all.lines().filter(|line| line.contains(SECRET)).collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn text_from_outside_does_not_reach_the_terminal_raw() {
    const HOSTILE: &str = "hi\u{1b}]0;title\u{7}\u{1b}[31mred\r\u{9b}2J\u{202e}txet\u{2066}\u{200b}\n* mode2  9.9.9";
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.path("notes.md"), HOSTILE).unwrap();
    let notes = shop.path("notes.md");
    shop.publish_in("stable", "2.0.0", &["--notes", notes.to_str().unwrap()], |_| {});
    let description = HOSTILE.to_owned();
    shop.publisher.edit(&["mode", "--mode", "stable", "--description", &description]);
    let game = shop.game();
    let mut all = String::new();
    for command in [
        &["check", game.to_str().unwrap()][..],
        &["mode", "list", game.to_str().unwrap()],
        &["status", "no\u{1b}[31m\u{202e}where"],
        &["update", game.to_str().unwrap(), "--mode", "\u{1b}[31m\u{202e}"],
        &["launch", game.to_str().unwrap(), "\u{1b}[31m\u{9b}2J"],
        &["store", "info", "\u{1b}[31m\u{202e}.caidx"],
        &[
            "publish",
            "\u{1b}[31m",
            "--mode",
            "stable",
            "--version",
            "\u{1b}[31m",
            "--entry",
            "\u{1b}]",
            "--repository",
            "r",
            "--keys",
            "k",
        ],
    ] {
        all += &said(&shop, &words(command));
    }
    let is_bad = |c: &char| (c.is_control() && *c != '\n') || matches!(*c, '\u{200b}' | '\u{202e}' | '\u{2066}');
    assert_eq!(all.chars().find(is_bad), None, "{all:?}");
    // A description is one line; notes may have several.
    let list = said(&shop, &words(&["mode", "list", game.to_str().unwrap()]));
    let list = list.lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>();
    assert_eq!(list.iter().filter(|line| line.starts_with('*')).count(), 1, "{list:?}");
    assert!(said(&shop, &words(&["check", game.to_str().unwrap()])).contains("\n* mode2"));
}

/// A name that is not UTF-8.
fn other(name: &str) -> OsString {
    OsString::from_vec([name.as_bytes(), b"\xe9"].concat())
}

#[test]
fn json_has_a_line_for_paths_that_are_not_utf8_and_a_true_exit_code() {
    let shop = Shop::with(&["1.0.0"]);
    let game = shop.path("x").with_file_name(other("g"));
    let update = |words: &[&str]| {
        let mut command = shop.command(&["update"]);
        command.arg(&game).arg("--trust-root").arg(shop.publisher.root());
        command.arg("--repository").arg(shop.publisher.repository()).args(words);
        Run::of(&mut command)
    };
    update(&[]).done();
    for command in [&["status"][..], &["mode", "current"], &["check"], &["verify"], &["update"], &["unintegrate"]] {
        let run = Run::of(shop.command(command).arg(&game));
        assert_eq!(run.lines.last().unwrap()["event"], "done", "{command:?} {}", run.stderr);
    }
    assert!(Run::of(shop.command(&["status"]).arg(&game)).done()["directory"].as_str().unwrap().ends_with("g\u{fffd}"));
    let config = shop.path("x").with_file_name(other("c"));
    Run::of(shop.command(&["config", "show"]).env("VSEKAI_CONFIG", &config)).done();
    Run::of(shop.command(&["mode", "switch", "--mode_name", "beta"]).env("VSEKAI_CONFIG", &config)).done();
    Run::of(shop.command(&["status"]).arg(shop.path("x").with_file_name(other("nowhere")))).failed("not_installed");
}

#[test]
fn places_may_be_paths_that_are_not_utf8() {
    let shop = Shop::with(&["1.0.0"]);
    let repository = shop.path("x").with_file_name(other("r"));
    fs::rename(shop.publisher.repository(), &repository).unwrap();
    let game = shop.path("other-game");
    let mut command = shop.command(&["update"]);
    command.arg(&game).arg("--trust-root").arg(shop.publisher.root()).arg("--repository").arg(&repository);
    command.arg("--cache").arg(shop.path("x").with_file_name(other("cache")));
    Run::of(&mut command).done();
    // The address is kept for the next time.
    Run::of(shop.command(&["check"]).arg(&game)).done();
    fs::remove_file(game.join("current/game")).unwrap();
    Run::of(shop.command(&["verify", "--repair"]).arg(&game)).done();

    let (index, store) = (shop.path("x").with_file_name(other("i")), shop.path("x").with_file_name(other("s")));
    let index = index.with_extension("caidx");
    let tree = shop.build("1.0.0");
    Run::of(shop.command(&["store", "make", "--store"]).arg(&store).arg(&index).arg(&tree)).done();
    Run::of(shop.command(&["store", "info", "--seed-index"]).arg(&index).arg(&index)).done();
    Run::of(shop.command(&["store", "extract", "--store"]).arg(&store).arg(&index).arg(shop.path("out"))).done();
}

#[test]
fn argument_that_must_be_utf8_is_named() {
    let shop = Shop::with(&["1.0.0"]);
    for (command, name) in [
        (&["check", "--mode"][..], "--mode"),
        (&["update", "--version"], "--version"),
        (&["check", "--proxy"], "--proxy"),
    ] {
        // The folder is not UTF-8 either, which is allowed.
        let mut command = shop.command(command);
        let run = Run::of(command.arg(other("x")).arg(other("folder")));
        let said = run.failed("invalid_argument");
        assert!(said.contains(name) && said.contains("not UTF-8") && !said.contains("folder"), "{said}");
    }
    for name in ["VSEKAI_REPOSITORY", "VSEKAI_MODE", "VSEKAI_TRUST_ROOT", "VSEKAI_HTTP_AUTH"] {
        let said = Run::of(shop.command(&["check"]).env(name, other("x")).arg(shop.game())).failed("invalid_argument");
        assert!(said.contains(name), "{said}");
    }
}
