//! Error messages say what happened and where, and nothing untrue.

use std::fs;
use std::process::Command;

use super::shop::Shop;
use crate::support::repository::Publisher;
use crate::support::run::{Run, vsekai};
use crate::support::server::{Fault, Pages, TestServer, nobody};

/// A shop whose repository is also on a web server, from which the first version is installed.
fn served() -> (Shop, TestServer) {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let server = TestServer::start(shop.publisher.repository());
    from(&shop, &server.url(), &[]).done();
    shop.publish("2.0.0");
    (shop, server)
}

fn from(shop: &Shop, repository: &str, words: &[&str]) -> Run {
    let mut command = shop.command(&["update", "--repository", repository]);
    command.arg(shop.game()).arg("--trust-root").arg(shop.publisher.root()).args(words);
    Run::of(&mut command)
}

/// Removes the pack, so that the repository is one of single files.
fn single_files(publisher: &Publisher) {
    let _ = fs::remove_file(publisher.repository().join("tuf/current.pack"));
}

#[test]
fn url_with_a_host_that_cannot_be_says_which_character_is_wrong() {
    let shop = Shop::with(&["1.0.0"]);
    for url in ["http://a`b:1/", "https://a'b/x", "http://a{b}"] {
        let mut command = shop.command(&["check"]);
        let said = Run::of(command.arg(shop.game()).args(["--repository", url])).failed("invalid_argument");
        assert!(said.contains("the name of a host cannot contain"), "{said}");
    }
}

#[test]
fn page_of_a_network_that_wants_a_login_is_no_forgery() {
    for is_packed in [true, false] {
        let (shop, server) = served();
        if !is_packed {
            single_files(&shop.publisher);
        }
        server.send_pages(Pages::ForAll);
        for command in ["check", "update"] {
            let said = shop.vsekai(&[command]).failed("http_failed");
            assert!(said.starts_with(&server.url()) && said.contains("web page") && said.contains("log in"), "{said}");
            assert!(!said.contains("trust") && !said.contains("line 1"), "{said}");
        }
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
        server.send_pages(Pages::Never);
        shop.vsekai(&["update"]).done();
        assert_eq!(shop.version(), "2.0.0");
    }
}

#[test]
fn page_in_place_of_any_one_file_names_that_file() {
    let (shop, server) = served();
    single_files(&shop.publisher);
    server.take_asked();
    Run::of(shop.command(&["check"]).arg(shop.game())).done();
    let asked: Vec<String> =
        server.take_asked().into_iter().filter(|(_, status)| *status == 200).map(|(path, _)| path).collect();
    assert!(asked.iter().any(|path| path.starts_with("targets/")), "{asked:?}");
    for path in asked {
        let (shop, server) = served();
        single_files(&shop.publisher);
        server.break_path(&path, Fault::Body(b"<!doctype html><html>".to_vec()));
        let run = shop.vsekai(&["check"]);
        let Some(last) = run.lines.last().filter(|last| last["event"] == "error") else { continue };
        let said = last["message"].as_str().unwrap();
        assert_eq!(last["code"], "http_failed", "{path}: {said}");
        // Versions and digests differ from one repository to the next.
        let name = path.rsplit('.').nth(1).unwrap();
        assert!(said.contains("web page") && said.contains(&server.url()) && said.contains(name), "{path}: {said}");
    }
}

#[test]
fn host_that_sends_its_start_page_for_missing_files_serves_a_repository() {
    for is_packed in [true, false] {
        let (shop, server) = served();
        if !is_packed {
            single_files(&shop.publisher);
        }
        server.send_pages(Pages::ForMissing);
        shop.vsekai(&["update"]).done();
        assert_eq!(shop.version(), "2.0.0");
    }
}

#[test]
fn answers_that_were_compressed_unasked_are_read() {
    for coding in ["gzip", "deflate", "zstd"] {
        for is_packed in [true, false] {
            let (shop, server) = served();
            if !is_packed {
                single_files(&shop.publisher);
            }
            server.encode_all(coding);
            shop.vsekai(&["update"]).done();
            assert_eq!(shop.version(), "2.0.0", "{coding}");
            shop.assert_whole();
        }
    }
}

#[test]
fn compression_that_is_not_known_is_refused_by_name() {
    let (shop, server) = served();
    server.encode_all("br");
    let said = shop.vsekai(&["check"]).failed("http_failed");
    assert!(said.contains("with br "), "{said}");
}

#[test]
fn file_that_differs_is_named_as_it_was_asked_for() {
    let (shop, server) = served();
    single_files(&shop.publisher);
    server.take_asked();
    shop.vsekai(&["update", "--dry-run"]).done();
    let asked = server.take_asked();
    let target = asked.iter().map(|(path, _)| path).find(|path| path.ends_with("release.json")).unwrap();
    for body in [b"{}".to_vec(), vec![b'x'; 100_000]] {
        let (shop, server) = (&shop, &server);
        server.break_path(target, Fault::Body(body));
        let said = shop.vsekai(&["update", "--dry-run"]).failed("target_mismatch");
        assert!(said.contains(target.as_str()), "{target}: {said}");
    }
}

#[test]
fn page_in_place_of_a_chunk_says_so() {
    let (shop, server) = served();
    for entry in fs::read_dir(shop.publisher.repository().join("store")).unwrap().flatten() {
        for chunk in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            let path = format!("store/{}/{}", entry.file_name().display(), chunk.file_name().display());
            server.break_path(&path, Fault::Body(b"<html>".to_vec()));
        }
    }
    let said = shop.vsekai(&["update"]).failed("chunk_corrupt");
    assert!(said.contains("web page"), "{said}");
}

fn clock_was(shop: &Shop, seconds_ahead: i64) {
    let time = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + seconds_ahead).unwrap();
    fs::write(shop.control("trust/latest_known_time.json"), format!("\"{time}\"")).unwrap();
}

#[test]
fn clock_may_be_corrected_by_some_minutes() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for seconds in [5, 240] {
        clock_was(&shop, seconds);
        let before = fs::read(shop.control("trust/latest_known_time.json")).unwrap();
        shop.vsekai(&["check"]).done();
        // The time is not updated, so that small steps do not add up.
        assert_eq!(fs::read(shop.control("trust/latest_known_time.json")).unwrap(), before);
    }
    clock_was(&shop, 3600);
    let said = shop.vsekai(&["check"]).failed("clock_went_back");
    assert!(said.contains("clock") && !said.contains("trust") && !said.contains("stepped"), "{said}");
    shop.update(&["--reset-clock-guard"]).done();
    assert_eq!(shop.offered(&[]), None);
}

/// The text for people.
fn told(shop: &Shop, words: &[&str]) -> String {
    let mut command = vsekai();
    command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config")).args(words);
    let output = command.current_dir(shop.bench.root()).output().unwrap();
    assert!(!output.status.success(), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn errors_of_the_system_are_told_in_words() {
    let shop = Shop::with(&["1.0.0"]);
    fs::write(shop.path("file"), b"x").unwrap();
    let game = shop.game();
    let game = game.to_str().unwrap();
    for words in [
        &["keys", "show", "nowhere"][..],
        &["update", "new", "--repository", "nowhere", "--trust-root", "nowhere.json"],
        &["update", "new", "--repository", "repository", "--trust-root", "file"],
        &["store", "info", "nowhere.caidx"],
        &["store", "make", "--store", "file", "x.caidx", "GAME"],
        &["store", "make", "--store", "s", "no/x.caidx", "GAME"],
        &["store", "extract", "--store", "nowhere", "x.caidx", "out"],
        &["store", "chunk", "nowhere"],
        &[
            "publish",
            "nowhere",
            "--mode",
            "stable",
            "--version",
            "1.0.0",
            "--entry",
            "g",
            "--repository",
            "r",
            "--keys",
            "keys",
        ],
        &["status", "file"],
        &["launch", "file"],
        &["update", game, "--http-auth-file", "nowhere"],
        &["update", game, "--ca-cert", "nowhere"],
        &["store", "info", "https://127.0.0.1:1/x.caidx", "--ca-cert", "file"],
    ] {
        let said = told(&shop, words);
        for rust in ["entity", "os error", "Os {", "kind:", "Error(", "unwrap"] {
            assert!(!said.contains(rust), "{words:?}: {said}");
        }
        assert!(said.starts_with("error: "), "{words:?}: {said}");
    }
}

#[test]
fn errors_of_the_network_are_told_in_words() {
    let shop = Shop::with(&["1.0.0"]);
    for (url, words) in
        [(nobody(), "nothing listens there"), ("http://no-such-host.invalid/".to_owned(), "name was not found")]
    {
        let said = from(&shop, &url, &[]).failed("offline");
        assert!(said.contains(words) && !said.contains("os error"), "{said}");
        assert!(
            said.starts_with(&format!("{}: ", url.trim_end_matches('/'))),
            "no file that nobody has asked for: {said}"
        );
    }
    let server = TestServer::start(shop.publisher.repository());
    let said = from(&shop, &server.url().replace("http:", "https:"), &[]);
    let said = said.lines.last().unwrap()["message"].as_str().unwrap();
    assert!(said.contains("http:// address") && !said.contains("client error"), "{said}");
}

#[test]
fn scheme_may_have_any_case_and_a_missing_one_is_named() {
    let (shop, server) = served();
    from(&shop, &server.url().replace("http:", "HTTP:"), &[]).done();
    from(&shop, &server.url().replace("http:", "Http:"), &["--version", "1.0.0"]).done();
    let bare = server.url().replace("http://", "");
    let said = from(&shop, &format!("{bare}/x"), &[]).failed("invalid_argument");
    assert!(said.contains(&format!("https://{bare}/x")), "{said}");
    let said = Run::of(shop.command(&["store", "info"]).arg(format!("{bare}/x.caidx"))).failed("invalid_argument");
    assert!(said.contains(&format!("https://{bare}/x.caidx")), "{said}");
    for words in [
        &["store", "verify", "http://h/s"][..],
        &["store", "prune", "http://h/s", "x.caidx"],
        &["status", "http://h/g"],
        &["launch", "http://h/g"],
    ] {
        let said = Run::of(&mut shop.command(words)).failed("invalid_argument");
        assert!(said.contains("is a URL"), "{said}");
    }
    let upper = format!("{}/x.caidx", server.url().replace("http:", "HTTP:"));
    Run::of(shop.command(&["store", "info"]).arg(&upper)).failed("not_found");
}

#[test]
fn certificate_that_is_its_own_authority_is_explained() {
    if !crate::support::nginx::is_installed() {
        return;
    }
    let shop = Shop::with(&["1.0.0"]);
    for (extra, is_fine) in [(&[][..], false), (&["-addext", "basicConstraints=critical,CA:FALSE"][..], true)] {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                "k",
                "-out",
                "c",
                "-subj",
                "/CN=localhost",
            ])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(extra)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let certificate = shop.path("certificate.pem");
        fs::copy(folder.path().join("c"), &certificate).unwrap();
        let nginx = crate::support::nginx::Nginx::start(folder, Some("ssl_certificate c; ssl_certificate_key k;"));
        fs::remove_dir(nginx.www()).unwrap();
        std::os::unix::fs::symlink(shop.publisher.repository(), nginx.www()).unwrap();
        let url = format!("https://{}/", nginx.address());
        let run = from(&shop, &url, &["--ca-cert", certificate.to_str().unwrap()]);
        if is_fine {
            run.done();
        } else {
            let said = run.failed("tls_failed");
            assert!(said.contains("openssl") && said.contains("CA:FALSE") && !said.contains("Other("), "{said}");
        }
    }
}

#[test]
fn what_was_misspelt_is_named() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let install = |repository: &std::path::Path, root: &std::path::Path, code: &str| {
        let mut command = shop.command(&["install"]);
        command.arg(shop.game()).arg("--repository").arg(repository).arg("--trust-root").arg(root);
        Run::of(&mut command).failed(code)
    };
    let gone = shop.path("repo-typo");
    let said = install(&gone, shop.publisher.root(), "not_found");
    assert_eq!(said, format!("Could not find the repository {}", gone.display()));
    let keys = shop.publisher.root().parent().unwrap();
    let said = install(shop.publisher.repository(), keys, "invalid_argument");
    assert!(said.contains("is a folder; give the file root.json in it"), "{said}");
    assert!(!shop.game().exists());
}

#[test]
fn folder_without_an_install_is_named() {
    let shop = Shop::new();
    let nowhere = shop.path("nowhere");
    let said = Run::of(shop.command(&["check"]).arg(&nowhere)).failed("not_installed");
    assert!(said.contains(nowhere.to_str().unwrap()), "{said}");
}

#[test]
fn check_of_a_repository_in_a_folder_downloads_nothing() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish("2.0.0");
    let output = vsekai().arg("check").arg(shop.game()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("1.0.0 -> 2.0.0 (stable), nothing to download ("), "{said}");
}

#[test]
fn wrong_address_is_no_repository() {
    let (shop, server) = served();
    for is_new in [true, false] {
        let mut command = shop.command(&["check", "--repository", &format!("{}/nowhere", server.url())]);
        command.arg(if is_new { shop.path("new") } else { shop.game() });
        let said = Run::of(command.arg("--trust-root").arg(shop.publisher.root())).failed("not_found");
        assert!(said.starts_with(&format!("{}/nowhere: there is no repository here (", server.url())), "{said}");
    }
}

#[test]
fn root_of_another_publisher_says_whose_keys_are_wanted() {
    let (shop, other) = (Shop::with(&["1.0.0"]), Shop::with(&["1.0.0"]));
    let mut command = shop.command(&["install", "--repository"]);
    command.arg(shop.publisher.repository()).arg(shop.path("new")).arg("--trust-root").arg(other.publisher.root());
    let run = Run::of(&mut command);
    let said = run.failed("signature_invalid");
    let place = shop.publisher.repository().display();
    assert!(said.ends_with(&format!("{place} is signed by other keys than the trusted root names")), "{said}");
    assert!(!said.contains("hreshold"), "{said}");
    let hint = run.lines.last().unwrap()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(&format!("Check that {} is the root.json", other.publisher.root().display())), "{hint}");
}

#[test]
fn file_that_is_no_root_says_what_it_is_not() {
    let shop = Shop::with(&["1.0.0"]);
    let file = shop.path("file");
    let timestamp = fs::read(shop.publisher.repository().join("tuf/timestamp.json")).unwrap();
    for (content, what) in [
        (&b"not json"[..], "it is not JSON"),
        (b"{}", "it is JSON, but no signed metadata"),
        (&timestamp, "it is the timestamp of a repository"),
    ] {
        fs::write(&file, content).unwrap();
        let mut command = shop.command(&["check", "--trust-root"]);
        let said = Run::of(command.arg(&file).arg(shop.game())).failed("trust_root_invalid");
        assert!(said.ends_with(&format!("{} is no root.json: {what}", file.display())), "{said}");
    }
}

#[test]
fn versions_that_are_none_are_wrong_usage_and_unknown_ones_are_failures() {
    let shop = Shop::with(&["1.0.0"]);
    let (repository, keys) = (shop.publisher.repository().to_str().unwrap(), shop.publisher.keys().to_str().unwrap());
    let (game, build) = (shop.game(), shop.path("build-1.0.0"));
    let (game, build) = (game.to_str().unwrap(), build.to_str().unwrap());
    let publisher = ["--mode", "stable", "--repository", repository, "--keys", keys];
    let publish = [&["publish", build, "--entry", "game"][..], &publisher].concat();
    let code = |words: &[&str], version: &str| {
        shop.command(words).args(["--version", version]).output().unwrap().status.code()
    };
    let recall = [&["repository", "recall"][..], &publisher].concat();
    let rollout = [&["repository", "rollout", "--percent", "5"][..], &publisher].concat();
    for words in [&["update", game][..], &["install", game], &recall, &rollout, &publish] {
        assert_eq!(code(words, "one"), Some(2), "{words:?}");
    }
    for words in [&["update", game][..], &["install", game], &recall, &rollout] {
        assert_eq!(code(words, "9.9.9"), Some(1), "{words:?}");
    }
    for (mode, wanted) in [("No Mode", 2), ("nightly", 1)] {
        for words in [&["update", game, "--mode"][..], &["check", game, "--mode"], &["mode", "switch", game, "--mode"]]
        {
            assert_eq!(shop.command(words).arg(mode).output().unwrap().status.code(), Some(wanted), "{words:?} {mode}");
        }
        assert_eq!(
            shop.command(&["mode", "switch", mode, game]).output().unwrap().status.code(),
            Some(wanted),
            "{mode}"
        );
    }
}

#[test]
fn settings_that_cannot_be_used_keep_nobody_from_the_game() {
    let shop = Shop::with(&["1.0.0"]);
    let file = shop.path("config.toml");
    for (text, variable, value) in [
        ("conections = 5\n", "VSEKAI_LIMIT_RATE", ""),
        ("mode 5\n", "VSEKAI_LIMIT_RATE", ""),
        ("", "VSEKAI_CONNECTIONS", "many"),
        ("grace_seconds = \"x\"\n", "VSEKAI_PROXY", "nonsense"),
        ("", "VSEKAI_TRUST_ROOT", "/no/such/root.json"),
    ] {
        fs::write(&file, text).unwrap();
        let with = |words: &[&str]| {
            let mut command = shop.command(words);
            command.env("VSEKAI_CONFIG", &file).env(variable, value).arg(shop.game());
            command
        };
        let run = |words: &[&str]| Run::of(&mut with(words));
        assert_eq!(run(&["status"]).done()["current"]["version"], "1.0.0", "{text}{variable}");
        run(&["history"]).done();
        let launched = with(&["launch"]).output().unwrap();
        assert!(launched.status.success(), "{text}{variable}: {launched:?}");
        if variable == "VSEKAI_TRUST_ROOT" {
            continue;
        }
        // What needs a network needs its settings.
        assert!(run(&["check"]).code != Some(0), "{text}{variable}");
        let mut plain = Command::new(env!("CARGO_BIN_EXE_vsekai"));
        plain.env("VSEKAI_CONFIG", &file).env(variable, value).arg("status").arg(shop.game());
        let said = String::from_utf8(plain.output().unwrap().stderr).unwrap();
        assert!(said.starts_with("warning: ") && said.contains("It does not count for this command."), "{said}");
    }
}

#[test]
fn command_without_a_folder_is_named_as_it_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["launch", "history", "verify --repair"] {
        let mut run = vsekai();
        let said = run.current_dir(folder.path()).args(command.split(' ')).output().unwrap().stderr;
        let said = String::from_utf8(said).unwrap();
        let command = command.split(' ').next().unwrap();
        assert!(said.contains(&format!("`vsekai {command} GAME`")) && !said.contains("vsekai status"), "{said}");
    }
}

#[test]
fn words_that_are_no_address_or_time_are_refused_with_an_example() {
    for (line, said) in [
        ("repository show --server x.invalid", "write its whole address, as in https://updates.example.org"),
        ("repository show --server ftp://x", "it must begin with https:// or http://"),
        (
            "news add x --mode m --title en=a --text en=b --repository R --keys K --date tomorrow",
            "write day and time, as in 2026-11-27T10:00:00Z",
        ),
    ] {
        let output = vsekai().args(line.split(' ')).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains(said), "{line}: {text}");
    }
}
