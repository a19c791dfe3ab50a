//! A current client with the frozen repository.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::frozen::{Copy, NEW_PCK, STABLE};
use crate::support::run::{Run, vsekai};
use crate::support::server::TestServer;

/// `vsekai --json WORDS`, in an environment where only the copy exists.
pub(crate) fn run(copy: &Copy, words: &[&str], paths: &[(&str, &Path)]) -> Run {
    let mut command = vsekai();
    command.env("HOME", copy.path("home")).env("XDG_CONFIG_HOME", copy.path("home/config"));
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
    command.arg("--json").args(words);
    for (option, path) in paths {
        if !option.is_empty() {
            command.arg(option);
        }
        command.arg(path);
    }
    Run::of(&mut command)
}

/// `vsekai update` from the repository of the copy, to the newest or a given version.
#[track_caller]
fn update(copy: &Copy, repository: &Path, version: Option<&str>) -> Value {
    let (game, root) = (copy.path("game"), copy.path("keys/root.json"));
    let mut words = vec!["update", "--platform", "linux-x86_64", "--no-shared-cache"];
    words.extend(version.iter().flat_map(|version| ["--version", version]));
    let paths: [(&str, &Path); 3] = [("", &game), ("--repository", repository), ("--trust-root", &root)];
    run(copy, &words, &paths).done().clone()
}

/// Checks that this version is current, and whole.
#[track_caller]
pub(crate) fn assert_has(copy: &Copy, game: &str, version: &str) {
    let game = copy.path(game);
    let at = STABLE.iter().position(|known| *known == version).unwrap();
    let bytes = fs::read(game.join("current/data/new.pck")).unwrap();
    assert_eq!(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes)), NEW_PCK[at]);
    assert_eq!(fs::read_link(game.join("current/latest")).unwrap(), PathBuf::from("data/new.pck"));
    let verified = run(copy, &["verify"], &[("", &game)]);
    assert_eq!((&verified.done()["files"], &verified.done()["damage"]), (&7.into(), &Value::Array(Vec::new())));
}

#[test]
fn each_version_can_be_installed_anew() {
    for version in STABLE {
        let copy = Copy::of(&["keys", "repository"]);
        let done = update(&copy, &copy.path("repository"), Some(version));
        assert_eq!((&done["current"]["version"], &done["from"]), (&version.into(), &Value::Null));
        assert_has(&copy, "game", version);
    }
}

#[test]
fn an_update_takes_its_bundle() {
    let copy = Copy::of(&["keys", "repository"]);
    update(&copy, &copy.path("repository"), Some("1.0.0"));
    // Without chunks, only the bundle can supply the new version.
    fs::remove_dir_all(copy.path("repository/store")).unwrap();
    let server = TestServer::start(&copy.path("repository"));
    let url = PathBuf::from(server.url());
    let done = update(&copy, &url, Some("1.1.0"));
    assert_eq!((&done["current"]["version"], &done["from"]), (&"1.1.0".into(), &"1.0.0".into()));
    assert_has(&copy, "game", "1.1.0");
    assert!(!server.take_asked().iter().any(|(name, _)| name.starts_with("store/")));
}

#[test]
fn a_first_install_takes_its_bundle() {
    let copy = Copy::of(&["keys", "repository"]);
    fs::remove_dir_all(copy.path("repository/store")).unwrap();
    let server = TestServer::start(&copy.path("repository"));
    update(&copy, &PathBuf::from(server.url()), None);
    assert_has(&copy, "game", "1.2.0");
}

#[test]
fn single_files_do_without_the_pack() {
    let copy = Copy::of(&["keys", "repository"]);
    fs::remove_file(copy.path("repository/tuf/current.pack")).unwrap();
    update(&copy, &copy.path("repository"), None);
    assert_has(&copy, "game", "1.2.0");
}

#[test]
fn the_first_root_leads_to_the_newest() {
    let copy = Copy::of(&["keys", "repository"]);
    fs::copy(copy.path("keys/1.root.json"), copy.path("keys/root.json")).unwrap();
    update(&copy, &copy.path("repository"), None);
    assert_has(&copy, "game", "1.2.0");
}

#[test]
fn modes_are_listed() {
    let copy = Copy::of(&["keys", "repository"]);
    let (repository, root) = (copy.path("repository"), copy.path("keys/root.json"));
    let listed = run(&copy, &["mode", "list"], &[("--repository", &repository), ("--trust-root", &root)]);
    let modes = listed.done()["modes"].as_array().unwrap();
    let rows: Vec<_> =
        modes.iter().map(|mode| (mode["name"].as_str(), mode["newest"].as_str(), mode["update_to"].as_str())).collect();
    assert_eq!(rows[0], (Some("beta"), Some("2.0.0-beta.2+build.5"), None));
    assert_eq!(rows[1], (Some("old"), Some("0.9.0"), Some("stable")));
    assert_eq!(rows[2], (Some("stable"), Some("1.2.0"), None));
}
