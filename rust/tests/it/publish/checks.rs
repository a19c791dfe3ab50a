//! What the checks refuse, before anything is stored, and how a publisher allows what is right.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::TestPublisher;
use crate::support::run::{Run, vsekai};
use crate::support::trees::write;

/// A program of another system and machine: just its headers.
fn pe(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes.extend_from_slice(b"PE\0\0");
    bytes.extend_from_slice(&machine.to_le_bytes());
    bytes.resize(0x80 + 20, 0);
    bytes.extend_from_slice(&240u16.to_le_bytes());
    bytes.extend_from_slice(&0x22u16.to_le_bytes());
    let optional = bytes.len();
    bytes.extend_from_slice(&0x20bu16.to_le_bytes());
    bytes.resize(optional + 108, 0);
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.resize(optional + 240, 0);
    bytes
}

/// The findings that a refused run reported: code, and whether they prevented it.
#[track_caller]
fn refused(run: &Run) -> Vec<(String, bool)> {
    let said = run.failed("lint_failed");
    let found = run.lines.iter().filter(|line| line["event"] == "found");
    let found: Vec<_> =
        found.map(|line| (line["code"].as_str().unwrap().to_owned(), line["prevents"].as_bool().unwrap())).collect();
    for (code, _) in found.iter().filter(|(_, prevents)| *prevents) {
        assert!(said.contains(code), "{said} does not name {code}");
    }
    found
}

#[track_caller]
fn codes(done: &Value) -> Vec<&str> {
    done["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The number of files in the repository, which may not exist yet.
fn stored(test: &TestPublisher) -> usize {
    if test.publisher.repository().exists() { super::files(test.publisher.repository()) } else { 0 }
}

#[track_caller]
fn assert_refused_always(test: &TestPublisher, tree: &Path, platform: &str, code: &str) {
    let before = stored(test);
    let entry = if platform == "windows-x86_64" { "game.exe" } else { "game" };
    for allowed in [&[][..], &["--allow", code]] {
        let options = [&["--platform", platform], allowed].concat();
        let found = refused(&test.publish_entry(tree, "1.0.0", entry, &options));
        assert!(found.contains(&(code.to_owned(), true)), "{found:?}");
        assert_eq!(stored(test), before, "nothing is stored");
    }
}

#[test]
fn secrets_are_refused_whatever_is_allowed() {
    let test = TestPublisher::new();
    let key = fs::read_dir(test.publisher.keys()).unwrap().flatten().map(|entry| entry.path());
    let key = key.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "pk8")).unwrap();
    let key = fs::read(key).unwrap();
    let token = format!("vsk_{}_{}\n", "0a".repeat(16), "1b".repeat(32));
    for (path, bytes) in [
        ("keys/stable.01234567.pk8", b"x".as_slice()),
        ("keys/stable.01234567.pk8.retired", b"x"),
        ("data/innocent.bin", &key),
        ("token", token.as_bytes()),
        ("ci/settings.ini", format!("[server]\ntoken = {token}").as_bytes()),
        (".env", b"A=1"),
        ("id_ed25519", b"x"),
        (".git/config", b"x"),
        (".npmrc", b"//r.example/:_authToken=0123456789"),
        (".netrc", b"machine a"),
    ] {
        let tree = test.tree("one", 1);
        write(&tree, path, bytes);
        assert_refused_always(&test, &tree, "linux-x86_64", "secret");
        fs::remove_dir_all(&tree).unwrap();
    }
    test.publish(&test.tree("one", 1), "1.0.0", &["--strict"]).done();
}

#[test]
fn secrets_in_what_is_published_besides_the_tree_are_refused() {
    let test = TestPublisher::new();
    let (tree, notes) = (test.tree("one", 1), test.path("notes.md"));
    let token = format!("vsk_{}_{}", "0a".repeat(16), "1b".repeat(32));
    fs::write(&notes, format!("# News\n\ncurl -H 'Authorization: Bearer {token}'\n")).unwrap();
    let secret = [("secret".to_owned(), true)];
    assert_eq!(refused(&test.publish(&tree, "1.0.0", &["--notes", notes.to_str().unwrap()])), secret);
    assert_eq!(refused(&test.publish(&tree, "1.0.0", &["--entry-arg", &format!("--token={token}")])), secret);
    assert_eq!(stored(&test), 0);
}

#[test]
fn own_keys_repository_token_and_settings_in_the_tree_are_refused() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let publish = |keys: &Path, repository: &Path, config: &Path| {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game"]);
        command.arg("--keys").arg(keys).arg("--repository").arg(repository).arg(&tree);
        Run::of(command.env("VSEKAI_CONFIG", config).args(["--allow", "publisher_file"]))
    };
    let (keys, repository, none) = (test.publisher.keys(), test.publisher.repository(), Path::new("/nonexistent"));
    let is_refused = |run: Run| assert_eq!(refused(&run).first(), Some(&("publisher_file".to_owned(), true)));
    is_refused(publish(keys, &tree, none));
    is_refused(publish(keys, &tree.join("repository/of/mine"), none));
    is_refused(publish(keys, &tree.join("data/../repository"), none));
    assert!(!tree.join("repository").exists() && !tree.join("tuf").exists(), "nothing is begun");
    symlink(&tree, test.path("alias")).unwrap();
    is_refused(publish(keys, &test.path("alias/repository"), none));
    write(&tree, "settings.toml", b"");
    is_refused(publish(keys, repository, &tree.join("settings.toml")));
    fs::remove_file(tree.join("settings.toml")).unwrap();
    // With only public files in it, the folder can be recognized only by its place.
    for name in ["root.json", "1.root.json", "keys.json"] {
        write(&tree, &format!("KEYS/{name}"), &fs::read(keys.join(name)).unwrap());
    }
    is_refused(publish(&tree.join("KEYS"), repository, none));
    is_refused(publish(&test.path("alias/KEYS"), repository, none));
    fs::remove_dir_all(tree.join("KEYS")).unwrap();
    publish(keys, repository, none).done();
}

#[test]
fn own_token_in_the_tree_is_refused_before_the_server_is_asked() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    for name in ["token", "login", "cookie"] {
        write(&tree, name, b"not of a known form\n");
    }
    let publish = |option: &str, name: &str| {
        let mut command = vsekai();
        command.args(["--json", "publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game"]);
        command.args(["--server", "http://127.0.0.1:1", option]).arg(tree.join(name));
        Run::of(command.arg("--keys").arg(test.publisher.keys()).arg(&tree))
    };
    for (option, name) in [("--token-file", "token"), ("--http-auth-file", "login"), ("--http-cookie-file", "cookie")] {
        assert_eq!(refused(&publish(option, name)), [("publisher_file".to_owned(), true)], "{option}");
    }
    write(&tree, ".env", b"A=1");
    assert!(refused(&publish("--ca-cert", "token")).contains(&("secret".to_owned(), true)));
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_platform_cannot_hold_is_refused_for_it() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, "game.exe", &pe(0x8664));
    let (windows, mac, linux) = ("windows-x86_64", "macos-universal", ["--platform", "linux-x86_64"]);
    let harm = |twin: &str, other: &str| {
        write(&tree, twin, b"1");
        write(&tree, other, b"2");
    };
    for (twin, other) in [("Foo", "foo"), ("Maps/a", "maps/b"), ("caf\u{e9}", "cafe\u{301}")] {
        harm(twin, other);
        assert_refused_always(&test, &tree, windows, "case_collision");
        assert_refused_always(&test, &tree, mac, "case_collision");
        let run = test.publish(&tree, "1.0.0", &[&linux[..], &["--strict"]].concat());
        assert_eq!(refused(&run).iter().filter(|(code, _)| code == "case_collision").count(), 1);
        for path in [twin, other] {
            let top = path.split('/').next().unwrap();
            fs::remove_dir_all(tree.join(top)).or_else(|_| fs::remove_file(tree.join(top))).unwrap();
        }
    }
    symlink("game", tree.join("link")).unwrap();
    assert_refused_always(&test, &tree, windows, "link_unsupported");
    fs::remove_file(tree.join("link")).unwrap();
    write(&tree, &format!("{}/{}/x", "d".repeat(120), "e".repeat(120)), b"x");
    assert_refused_always(&test, &tree, windows, "path_too_long");
    harm("A", "a");
    let published = test.publish(&tree, "1.0.0", &linux);
    assert_eq!(codes(published.done()), ["wrong_platform", "case_collision"]);
}

#[test]
fn names_that_no_platform_may_have_are_refused_with_their_folder() {
    let test = TestPublisher::new();
    for name in ["aux.txt", "CON", "lpt1", "trailing.", "trailing ", "a:b", "what?", "a|b", "a\\b", "<x>", "a\"b", "a*"]
    {
        let tree = test.tree("one", 1);
        write(&tree, &format!("sub/folder/{name}"), b"x");
        let run = test.publish(&tree, "1.0.0", &[]);
        let said = refused_for(&run, "unsafe_path");
        let shown = format!("{:?}", format!("sub/folder/{name}"));
        assert!(said.contains(&shown), "{said} does not name {shown}");
        fs::remove_dir_all(&tree).unwrap();
    }
    assert_eq!(stored(&test), 0);
}

/// What is said of the finding with this code, which prevents a publication.
fn refused_for(run: &Run, code: &str) -> String {
    run.failed("lint_failed");
    let found = run.lines.iter().find(|line| line["event"] == "found" && line["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {:?}", run.lines))["message"].as_str().unwrap().to_owned()
}

#[test]
fn everything_that_is_refused_is_told_at_once() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    for (target, name) in [("/etc/passwd", "a"), ("../../outside", "b")] {
        symlink(target, tree.join(name)).unwrap();
    }
    fs::create_dir_all(tree.join("d/e")).unwrap();
    // Each leaves the tree only through the other link.
    symlink("d/e", tree.join("up")).unwrap();
    symlink("up/../../../x", tree.join("c")).unwrap();
    write(&tree, "aux.txt", b"x");
    write(&tree, "key.pem", b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
    let run = test.publish(&tree, "1.0.0", &[]);
    run.failed("lint_failed");
    let found = run.lines.iter().filter(|line| line["event"] == "found");
    let said: Vec<&str> = found.map(|line| line["message"].as_str().unwrap()).collect();
    for name in ["a -> /etc/passwd", "b -> ../../outside", "c -> up/../../../x", "aux.txt", "key.pem"] {
        assert_eq!(said.iter().filter(|one| one.contains(name)).count(), 1, "{name}: {said:?}");
    }
    assert_eq!(stored(&test), 0);
}

#[test]
fn a_key_folder_in_the_tree_is_one_finding() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let keys = tree.join("K");
    fs::create_dir(&keys).unwrap();
    for file in fs::read_dir(test.publisher.keys()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), keys.join(file.file_name())).unwrap();
    }
    let mut command = vsekai();
    command.args(["publish", "--json", "--mode", "stable", "--version", "1.0.0", "--entry", "game", "--keys"]);
    command.arg(&keys).arg("--repository").arg(test.path("other")).arg(&tree);
    let run = Run::of(&mut command);
    run.failed("lint_failed");
    let codes: Vec<&str> = run.lines.iter().filter_map(|line| line["code"].as_str()).collect();
    assert_eq!(codes, ["publisher_file", "lint_failed"]);
    let hint = run.lines.last().unwrap()["hint"].as_str().unwrap();
    assert!(hint.ends_with("publisher_file cannot be allowed."), "{hint}");
}

#[test]
fn a_refused_version_leaves_no_chunks() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    test.publish(&tree, "1.0.0", &[]).done();
    let before = stored(&test);
    let other = test.tree("two", 2);
    test.publish(&other, "1.0.0", &[]).failed("version_exists");
    assert_eq!(stored(&test), before, "chunks of a build that was refused");
    // The same build brings back what is gone.
    fs::remove_dir_all(test.publisher.repository().join("store")).unwrap();
    test.publish(&tree, "1.0.0", &[]).done();
    assert_eq!(stored(&test), before);
    let role = |name: &str| {
        let mut files = fs::read_dir(test.publisher.keys()).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name)).unwrap()
    };
    fs::remove_file(role("timestamp.")).unwrap();
    test.publish(&other, "2.0.0", &[]).failed("key_missing");
    assert_eq!(stored(&test), before, "chunks of a version that nobody can sign");
}

#[test]
fn a_file_in_place_of_the_build_is_wrong_usage() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let said = test.publish(&tree.join("game"), "1.0.0", &[]).failed("invalid_argument");
    assert!(said.contains("give the folder of the build"), "{said}");
}

#[test]
fn allowed_secrets_that_are_none_are_told() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, "key.pem", b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
    let mut command = vsekai();
    command.args(["publish", "--mode", "stable", "--version", "1.0.0", "--entry", "game", "--keys"]);
    command.arg(test.publisher.keys()).arg("--repository").arg(test.publisher.repository()).arg(&tree);
    let output = command.args(["--allow-secret", "key.pem", "--allow-secret", "kye.pem"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let warning = "--allow-secret kye.pem allows nothing: no secret was found there; did you mean key.pem?";
    assert!(said.contains(warning) && !said.contains("--allow-secret key.pem allows"), "{said}");
}

#[test]
fn pipes_and_sockets_are_named() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    fs::create_dir(tree.join("run")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(tree.join("run/pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap();
    let published = test.publish(&tree, "1.0.0", &[]);
    let findings = published.done()["findings"].as_array().unwrap();
    let paths: Vec<_> = findings.iter().map(|it| (&it["code"], &it["path"])).collect();
    let code = &Value::from("special_file");
    assert_eq!(paths, [(code, &"run/pipe".into()), (code, &"socket".into())]);
    test.publish(&tree, "1.0.1", &["--strict"]).failed("lint_failed");
    test.publish(&tree, "1.0.1", &["--strict", "--allow", "special_file"]).done();
    let mut make = vsekai();
    make.args(["--json", "store", "make", "--store"]).arg(test.path("store")).arg(test.path("a.caidx")).arg(&tree);
    let made = Run::of(&mut make);
    made.done();
    let warned: Vec<_> = made.lines.iter().filter(|line| line["event"] == "warned").collect();
    assert!(warned.iter().any(|line| line["message"].as_str().unwrap().contains("run/pipe")), "{warned:?}");
    assert_eq!(warned.len(), 2);
}

#[test]
fn version_that_no_player_would_get_needs_to_be_allowed() {
    let test = TestPublisher::new();
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    let (two, lower) = (test.tree("two", 2), [("version_lower".to_owned(), true)]);
    let before = stored(&test);
    assert_eq!(refused(&test.publish(&two, "0.9.0", &[])), lower);
    assert_eq!(refused(&test.publish(&two, "1.0.0-rc.1", &[])), lower);
    assert_eq!(stored(&test), before, "no chunk is stored");
    // Versions that are already published, for another platform, never offered, or of another mode: no player is
    // affected.
    test.publish(&test.tree("one", 1), "1.0.0", &[]).done();
    test.publish(&two, "0.8.0", &["--platform", "linux-aarch64"]).done();
    test.publish(&two, "0.7.0", &["--skip-update"]).done();
    Run::of(test.publisher.publishing(&two, "beta", "0.5.0").arg("--json")).done();
    assert_eq!(codes(test.publish(&two, "0.9.0", &["--allow", "version_lower"]).done()), ["version_lower"]);
    test.edit(&["recall", "--mode", "stable", "--version", "1.0.0"]).done();
    test.publish(&two, "0.9.1", &[]).done();
}

#[test]
fn version_that_nothing_can_follow_needs_to_be_allowed() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let extreme = "18446744073709551615.0.0";
    assert_eq!(refused(&test.publish(&tree, extreme, &[])), [("version_extreme".to_owned(), true)]);
    test.publish(&tree, extreme, &["--allow", "version_extreme"]).done();
}

#[test]
fn entry_of_another_platform_needs_to_be_allowed() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, "game.exe", &pe(0x8664));
    write(&tree, "notes.txt", b"hello");
    for entry in ["game.exe", "notes.txt", "data/world.pck"] {
        let publish = |options: &[&str]| test.publish_entry(&tree, "1.0.0", entry, options);
        let found = refused(&publish(&["--platform", "linux-x86_64"]));
        assert!(found.contains(&("entry_not_program".to_owned(), true)), "{entry} {found:?}");
        let done = publish(&["--platform", "linux-x86_64", "--allow", "entry_not_program"]);
        assert!(codes(done.done()).contains(&"entry_not_program"));
        fs::remove_dir_all(test.publisher.repository()).unwrap();
    }
}

#[test]
fn code_that_no_finding_has_is_wrong_usage() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let said = test.publish(&tree, "1.0.0", &["--allow", "wrong_platform", "--allow", "nonsense"]);
    let said = said.failed("invalid_argument");
    for code in ["nonsense", "entry_not_program", "secret", "litter"] {
        assert!(said.contains(code), "{said}");
    }
    assert_eq!(stored(&test), 0);
    test.publish(&tree, "1.0.0", &["--allow", "entry_not_executable,litter", "--allow", "secret"]).done();
}

#[test]
fn strict_refuses_warnings_unless_they_are_allowed() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, "lib/other.dll", &pe(0x8664));
    write(&tree, "sub/Thumbs.db", b"x");
    let both = [("wrong_platform".to_owned(), true), ("litter".to_owned(), true)];
    let publish = |options: &[&str]| test.publish(&tree, "1.0.0", &[&["--platform", "linux-x86_64"], options].concat());
    assert_eq!(refused(&publish(&["--strict"])), both);
    let one = [("wrong_platform".to_owned(), false), ("litter".to_owned(), true)];
    assert_eq!(refused(&publish(&["--strict", "--allow", "wrong_platform"])), one);
    let options = ["--strict", "--allow", "wrong_platform", "--allow", "litter"];
    assert_eq!(codes(publish(&options).done()), ["wrong_platform", "litter"]);
}

#[test]
fn refusal_tells_people_the_code_and_what_to_do() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    write(&tree, ".env", b"A=1");
    write(&tree, "a.key", b"x");
    let output = test.publisher.publishing(&tree, "stable", "1.0.0").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error: .env is a file of passwords for a development machine. [secret]"), "{said}");
    assert!(said.contains("Or give --allow possible_secret."), "{said}");
    assert!(!said.contains("--allow secret."), "{said}");
    assert!(said.contains("hint: "), "{said}");
}

#[test]
fn secret_is_published_only_if_its_file_is_named() {
    let test = TestPublisher::new();
    let tree = test.tree("one", 1);
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKn6f9S0rO8E4Zp6rWBc3yq4Gq0bL1p6\n-----END PRIVATE KEY-----\n";
    fs::write(tree.join("data/deploy_key"), key).unwrap();
    fs::write(tree.join(".env"), "API_TOKEN=0123456789abcdef\n").unwrap();
    fs::create_dir(tree.join(".godot")).unwrap();
    fs::write(tree.join(".godot/export_credentials.cfg"), "[preset.0]\n").unwrap();
    let named = ["--allow-secret", "data/deploy_key", "--allow-secret", ".env"];
    for options in [&[][..], &["--allow", "secret"], &named] {
        test.publish(&tree, "1.0.0", options).failed("lint_failed");
        assert!(!test.publisher.repository().join("tuf").exists());
    }
    let all = [&named[..], &["--allow-secret", ".godot/export_credentials.cfg"]].concat();
    assert_eq!(test.publish(&tree, "1.0.0", &all).done()["was_there"], false);
    test.publish(&tree, "1.1.0", &["--allow-secret", "../.env"]).failed("invalid_argument");
}
