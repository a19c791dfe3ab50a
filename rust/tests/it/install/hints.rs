//! Tries every hint that names a command: causes the error, runs the command as the hint says, and checks that the
//! failed command works then. A test next to the table of hints fails if one names a command and its code is not here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::shop::{Launched, Shop};
use crate::support::run::Run;
use crate::support::trees::{self, chmod, noise, write};

/// The error and hint of a command that fails.
#[track_caller]
fn hint_of(run: &Run, code: &str) -> String {
    run.failed(code);
    hint(run.lines.last().unwrap())
}

fn hint(last: &Value) -> String {
    last["hint"].as_str().unwrap_or_default().to_owned()
}

/// The commands that a hint names between backticks.
fn commands(hint: &str) -> Vec<&str> {
    hint.split('`').skip(1).step_by(2).filter(|it| it.starts_with("vsekai ")).collect()
}

/// Runs the only command that the hint names, with these words for the placeholders that it has left.
#[track_caller]
fn run_hinted(shop: &Shop, hint: &str, open: &[(&str, &Path)]) -> Run {
    let named = commands(hint);
    assert_eq!(named.len(), 1, "{hint}");
    let mut command = shop.command(&[]);
    for word in named[0].split(' ').skip(1) {
        match open.iter().find(|(name, _)| *name == word) {
            Some((_, value)) => command.arg(value),
            None => command.arg(word),
        };
    }
    Run::of(&mut command)
}

fn updated() -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    shop
}

fn away(shop: &Shop, name: &str) {
    fs::rename(shop.publisher.repository().join(name), shop.path("away")).unwrap();
}

fn back(shop: &Shop, name: &str) {
    fs::rename(shop.path("away"), shop.publisher.repository().join(name)).unwrap();
}

#[test]
fn damaged_is_mended_as_the_hint_says() {
    let shop = updated();
    for version in ["1.0.0", "2.0.0"] {
        fs::remove_file(shop.tree_of(version).join("game")).unwrap();
    }
    away(&shop, "store");
    let hint = hint_of(&shop.vsekai(&["rollback"]), "damaged");
    back(&shop, "store");
    run_hinted(&shop, &hint, &[]).done();
    shop.vsekai(&["rollback"]).done();
}

#[test]
fn damage_that_verify_finds_is_mended_as_its_hint_says() {
    let shop = updated();
    fs::remove_file(shop.tree_of("1.0.0").join("data/map")).unwrap();
    let output = crate::support::run::vsekai().arg("verify").arg(shop.game()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    run_hinted(&shop, &said, &[]).done();
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
}

#[test]
fn launch_that_failed_works_as_the_hint_says() {
    let harms: [fn(&Path); 2] = [|tree| fs::remove_file(tree.join("game")).unwrap(), |tree| chmod(tree, "game", 0o644)];
    for harm in harms {
        let shop = Shop::with(&["1.0.0"]);
        harm(&shop.tree());
        let launched = shop.launch(&[]);
        assert_eq!(launched.last["code"], "launch_failed", "{}", launched.said);
        run_hinted(&shop, &hint(&launched.last), &[]).done();
        assert_eq!(shop.launch(&[]).code, Some(0));
    }
}

#[test]
fn state_that_is_damaged_and_cannot_be_found_again_is_installed_anew_as_the_hint_says() {
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.control("state.json"), b"{").unwrap();
    fs::remove_file(shop.control("indexes").join(format!("{}.caidx", shop.folder_of("1.0.0")))).unwrap();
    for command in ["verify", "rollback", "status"] {
        let hint = hint_of(&shop.vsekai(&[command]), "state_malformed");
        assert!(!commands(&hint).is_empty(), "{command}: {hint}");
    }
    let hint = hint(&shop.launch(&[]).last);
    run_hinted(&shop, &hint, &[("URL", shop.publisher.repository())]).done();
    assert_eq!(shop.version(), "1.0.0");
    shop.assert_whole();
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn nothing_installed_is_installed_as_the_hint_says() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let hint = hint_of(&shop.vsekai(&["launch"]), "not_installed");
    let open = [("URL", shop.publisher.repository()), ("FILE", shop.publisher.root())];
    run_hinted(&shop, &hint, &open).done();
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn mode_that_is_unknown_is_found_as_the_hint_says() {
    let shop = updated();
    let run = Run::of(shop.command(&["mode", "switch", "--mode_name", "nightly"]).arg(shop.game()));
    let listed = run_hinted(&shop, &hint_of(&run, "mode_unknown"), &[]);
    assert!(listed.done().to_string().contains("stable"), "{:?}", listed.lines);
}

#[test]
fn version_that_is_unknown_is_found_as_the_hint_says() {
    let shop = updated();
    let run = shop.update(&["--version", "9.9.9"]);
    let listed = run_hinted(&shop, &hint_of(&run, "version_unknown"), &[]);
    assert!(listed.done().to_string().contains("2.0.0"), "{:?}", listed.lines);
}

#[test]
fn version_to_go_back_to_that_is_gone_is_installed_as_the_hint_says() {
    let shop = updated();
    shop.launch(&[]);
    shop.vsekai(&["clean"]).done();
    let hint = hint_of(&shop.vsekai(&["rollback"]), "no_previous_version");
    run_hinted(&shop, &hint, &[("VERSION", Path::new("1.0.0"))]).done();
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn mode_that_is_retired_is_left_as_the_hint_says() {
    let shop = updated();
    shop.publish_in("beta", "3.0.0", &[], |_| {});
    shop.publisher.edit(&["retire", "--mode", "stable"]);
    let hint = hint_of(&shop.update(&[]), "mode_retired");
    run_hinted(&shop, &hint, &[("NAME", Path::new("beta"))]).done();
    shop.update(&[]).done();
    assert_eq!(shop.version(), "3.0.0");
}

#[test]
fn folder_with_files_is_taken_over_as_the_hint_says() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    write(&shop.game(), "notes.txt", b"notes");
    let hint = hint_of(&shop.update(&[]), "destination_not_ours");
    assert!(hint.contains("`install --adopt`"), "{hint}");
    shop.update(&["--adopt"]).done();
    assert_eq!(shop.launch(&[]).code, Some(0));
}

#[test]
fn clock_that_went_back_is_forgiven_as_the_hint_says() {
    let shop = updated();
    fs::write(shop.control("trust/latest_known_time.json"), b"\"2099-01-01T00:00:00Z\"").unwrap();
    let hint = hint_of(&shop.vsekai(&["check"]), "clock_went_back");
    assert!(hint.contains("--reset-clock-guard"), "{hint}");
    shop.vsekai(&["check", "--reset-clock-guard"]).done();
    shop.vsekai(&["check"]).done();
}

#[test]
fn trusted_root_that_is_lost_is_given_again_as_the_hint_says() {
    let shop = updated();
    fs::remove_dir_all(shop.control("trust")).unwrap();
    let hint = hint_of(&shop.vsekai(&["check"]), "trust_root_invalid");
    assert!(hint.contains("--trust-root"), "{hint}");
    shop.update(&[]).done();
    shop.vsekai(&["check"]).done();
}

/// A version that needs a chunk that the repository's store lacks, and a mirror that has it.
fn without_a_chunk(harm: impl Fn(&Path)) -> Shop {
    let shop = Shop::with(&["1.0.0"]);
    let has_before = trees::snapshot(&shop.publisher.repository().join("store"));
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "data/new", &noise(99, 30_000)));
    shop.publisher.keep_as("mirror");
    let has_now = trees::snapshot(&shop.publisher.repository().join("store"));
    let is_new = |path: &&std::path::PathBuf| path.extension().is_some() && !has_before.contains_key(*path);
    harm(&shop.publisher.repository().join("store").join(has_now.keys().find(is_new).unwrap()));
    shop
}

#[test]
fn chunk_that_is_missing_comes_from_another_mirror_as_the_hint_says() {
    let shop = without_a_chunk(|chunk| fs::remove_file(chunk).unwrap());
    let hint = hint_of(&shop.update(&[]), "chunk_missing");
    assert!(hint.contains("--repository"), "{hint}");
    let mut command = shop.command(&["update", "--repository"]);
    Run::of(command.arg(shop.path("mirror")).arg(shop.game())).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn chunk_that_is_corrupt_comes_from_another_mirror_or_is_found_as_the_hint_says() {
    let shop = without_a_chunk(|chunk| {
        fs::remove_file(chunk).unwrap();
        fs::write(chunk, b"not a chunk").unwrap();
    });
    let hint = hint_of(&shop.update(&[]), "chunk_corrupt");
    assert!(hint.contains("--repository"), "{hint}");
    let store = shop.publisher.repository().join("store");
    assert_eq!(run_hinted(&shop, &hint, &[("STORE", &store)]).code, Some(3), "it finds the chunk");
    let mut command = shop.command(&["update", "--repository"]);
    Run::of(command.arg(shop.path("mirror")).arg(shop.game())).done();
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn version_that_exists_is_published_under_another_number_as_the_hint_says() {
    let shop = Shop::with(&["1.0.0"]);
    let tree = shop.path("build-1.0.0");
    write(&tree, "data/map", b"another");
    let publish = |version: &str| {
        let mut command = shop.command(&["publish", "--mode", "stable", "--version", version, "--entry", "game"]);
        command.arg("--repository").arg(shop.publisher.repository()).arg("--keys").arg(shop.publisher.keys());
        Run::of(command.arg(&tree))
    };
    let hint = hint_of(&publish("1.0.0"), "version_exists");
    assert!(hint.contains("new version number"), "{hint}");
    publish("1.0.1").done();
}

#[test]
fn keys_that_are_elsewhere_are_named_as_the_hint_says() {
    let shop = Shop::with(&["1.0.0"]);
    let publish = |keys: &Path| {
        let mut command = shop.command(&["publish", "--mode", "stable", "--version", "1.0.1", "--entry", "game"]);
        command.arg("--repository").arg(shop.publisher.repository()).arg("--keys").arg(keys);
        Run::of(command.arg(shop.path("build-1.0.0")))
    };
    let others = shop.path("no-keys");
    trees::copy(shop.publisher.keys(), &others);
    for entry in fs::read_dir(&others).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|ending| ending == "pk8") {
            fs::remove_file(entry).unwrap();
        }
    }
    let hint = hint_of(&publish(&others), "key_missing");
    assert!(hint.contains("--keys"), "{hint}");
    publish(shop.publisher.keys()).done();
}

#[test]
fn findings_that_are_refused_are_allowed_as_the_hint_says() {
    let shop = Shop::with(&["1.0.0"]);
    write(&shop.path("build-1.0.0"), "server.key", b"the key to the next level");
    let publish = |words: &[&str]| {
        let mut command = shop.command(&["publish", "--mode", "stable", "--version", "1.0.1", "--entry", "game"]);
        command.arg("--repository").arg(shop.publisher.repository()).arg("--keys").arg(shop.publisher.keys());
        Run::of(command.args(words).arg(shop.path("build-1.0.0")))
    };
    let refused = publish(&[]);
    let hint = hint_of(&refused, "lint_failed");
    assert!(hint.starts_with("Mend what is listed above"), "{hint}");
    let (_, options) = hint.trim_end_matches('.').rsplit_once(", add ").unwrap();
    publish(&options.split(' ').collect::<Vec<_>>()).done();
}

#[test]
fn root_that_has_expired_is_renewed_as_the_hint_says() {
    let shop = Shop::new();
    let keys = shop.publisher.keys();
    let mut root: serde_json::Value = serde_json::from_slice(&fs::read(keys.join("root.json")).unwrap()).unwrap();
    root["signed"]["expires"] = "2020-01-01T00:00:00Z".into();
    let body: tough::schema::Root = serde_json::from_value(root["signed"].clone()).unwrap();
    let bytes = crate::support::forge::Forge::new(shop.publisher.repository(), keys).sign(body, "root");
    fs::write(keys.join("root.json"), &bytes).unwrap();
    fs::write(keys.join("1.root.json"), &bytes).unwrap();
    let tree = shop.build("1.0.0");
    let publish = || Run::of(shop.publisher.publishing(&tree, "stable", "1.0.0").arg("--json"));
    let hint = hint_of(&publish(), "signature_expired");
    let (of_root, of_targets) = hint.split_once("For targets").unwrap();
    run_hinted(&shop, of_root, &[("KEYS", keys)]).done();
    publish().done();
    let words = [("KEYS", keys), ("REPO", shop.publisher.repository())];
    run_hinted(&shop, of_targets, &words).done();
}

#[test]
fn configuration_that_is_damaged_is_mended_or_moved_away_as_the_hint_says() {
    let shop = updated();
    let file = shop.path("config.toml");
    fs::write(&file, b"nonsense = [").unwrap();
    let check = || Run::of(shop.command(&["check"]).env("VSEKAI_CONFIG", &file).arg(shop.game()));
    let hint = hint_of(&check(), "config_malformed");
    assert!(hint.contains("move the file away"), "{hint}");
    fs::remove_file(&file).unwrap();
    check().done();
    fs::write(&file, b"mode = 'Beta'\n").unwrap();
    let hint = hint_of(&check(), "config_malformed");
    let words: Vec<&str> =
        commands(&hint)[0].split(' ').skip(1).map(|it| if it == "KEY" { "mode" } else { it }).collect();
    Run::of(shop.command(&words).env("VSEKAI_CONFIG", &file)).done();
    check().done();
}

#[test]
fn start_that_cannot_go_back_names_what_helps() {
    let shop = updated();
    fs::remove_file(shop.tree_of("1.0.0").join("game")).unwrap();
    fs::remove_file(shop.tree_of("2.0.0").join("game")).unwrap();
    let mut last = Value::Null;
    for _ in 0..3 {
        let launched: Launched = shop.launch(&[]);
        last = launched.last;
    }
    assert_eq!(last["code"], "launch_failed", "{last}");
    run_hinted(&shop, &hint(&last), &[]).done();
    assert_eq!(shop.launch(&[]).code, Some(0));
}

/// Programs are not replaced by hints in tests: a copy is, by a script.
#[test]
fn program_that_is_too_old_is_updated_as_the_hint_says() {
    let shop = Shop::with(&["1.0.0"]);
    let program = shop.path("program");
    fs::copy(env!("CARGO_BIN_EXE_vsekai"), &program).unwrap();
    let new = shop.path("new");
    write(&new, "game", b"#!/bin/sh\n");
    chmod(&new, "game", 0o755);
    shop.publisher.publish_with(&new, "beta", "9.0.0", &[]);
    shop.publish_in("stable", "2.0.0", &["--min-launcher", "99.0.0"], |_| {});
    let hint_of_update = hint_of(&shop.update(&[]), "launcher_too_old");
    fs::write(shop.control("state.json"), br#"{"schema":99}"#).unwrap();
    let hint_of_status = hint_of(&shop.vsekai(&["status"]), "state_too_new");
    for hint in [hint_of_update, hint_of_status] {
        assert_eq!(commands(&hint), ["vsekai self-update"], "{hint}");
    }
    let mut command = std::process::Command::new(&program);
    command.args(["--json", "self-update", "--mode_name", "beta"]).env("XDG_DATA_HOME", shop.path("data"));
    command.env("VSEKAI_REPOSITORY", shop.publisher.repository()).env("VSEKAI_TRUST_ROOT", shop.publisher.root());
    Run::of(&mut command).done();
    assert_eq!(fs::read(&program).unwrap(), b"#!/bin/sh\n");
}
