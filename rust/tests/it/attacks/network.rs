//! Servers that never end, never begin, or redirect elsewhere.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use vsekai_updater::app::updater::{Settings, Updater};
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::release::Platform;
use vsekai_updater::net::http::{HttpOptions, Network};
use vsekai_updater::net::trust::ClockGuard;

use super::attacker::{Attacker, name_of};
use super::test_install::TestInstall;
use crate::support::nginx::{self, Nginx};
use crate::support::packing;
use crate::support::toxic::{Reply, Toxic};

/// A server of a repository with 2.0.0, which is made to misbehave.
struct Hostile {
    runtime: Runtime,
    toxic: Toxic,
    attacker: Attacker,
}

impl Hostile {
    fn start(test: &TestInstall) -> Self {
        let folder = test.stolen("hostile");
        test.publish(&folder, &test.keys(), "stable", "2.0.0");
        // A pack would avoid most of the requests that are to be attacked.
        packing::remove(&folder);
        let runtime = Runtime::new().unwrap();
        let toxic = runtime.block_on(Toxic::start());
        serve(&toxic, &folder, &folder);
        Self { runtime, toxic, attacker: Attacker::new(&folder, &test.keys()) }
    }

    fn url(&self) -> String {
        self.toxic.url("")
    }

    /// The path of a target of 2.0.0.
    fn target(&self, file: &str) -> String {
        let name = name_of("stable", "2.0.0", file);
        let listed = self.attacker.read("stable");
        let sha256 = listed["signed"]["targets"][&name]["hashes"]["sha256"].as_str().unwrap().to_owned();
        let (folders, last) = name.rsplit_once('/').unwrap();
        format!("/targets/{folders}/{sha256}.{last}")
    }

    /// The next request of a client: the newest metadata of a role.
    fn role(&self, role: &str) -> String {
        format!("/tuf/{}.{role}.json", self.attacker.read(role)["signed"]["version"])
    }
}

fn serve(toxic: &Toxic, root: &Path, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            serve(toxic, root, &path);
        } else {
            let name = format!("/{}", path.strip_prefix(root).unwrap().display());
            toxic.on(&name, [Reply::Good(fs::read(&path).unwrap())]);
        }
    }
}

fn endless(path: impl Fn(&Hostile) -> String, code: &str) {
    let test = TestInstall::new();
    let hostile = Hostile::start(&test);
    hostile.toxic.on(&path(&hostile), [Reply::Endless]);
    let begun = Instant::now();
    test.attack_from(&[&hostile.url()], code);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(hostile.runtime);
    test.assert_survived();
}

#[test]
fn endless_timestamp() {
    endless(|_| "/tuf/timestamp.json".to_owned(), "http_failed");
}

#[test]
fn endless_root() {
    endless(|_| "/tuf/2.root.json".to_owned(), "http_failed");
}

#[test]
fn endless_roles() {
    endless(|hostile| hostile.role("snapshot"), "target_mismatch");
    endless(|hostile| hostile.role("stable"), "target_mismatch");
}

#[test]
fn endless_release_document_index_and_file_table() {
    endless(|hostile| hostile.target("release.json"), "target_mismatch");
    endless(|hostile| hostile.target("index.caidx"), "target_mismatch");
    endless(|hostile| hostile.target("files.json.zst"), "target_mismatch");
}

#[test]
fn endless_chunks() {
    let test = TestInstall::new();
    let hostile = Hostile::start(&test);
    let tree = test.path("hostile/store");
    for folder in fs::read_dir(&tree).unwrap() {
        let folder = folder.unwrap().path();
        for file in fs::read_dir(&folder).into_iter().flatten() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(test.path("hostile")).unwrap();
            hostile.toxic.on(&format!("/{}", name.display()), [Reply::Endless]);
        }
    }
    let begun = Instant::now();
    test.attack_from(&[&hostile.url()], "http_failed");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    test.assert_survived();
}

/// An updater with a timeout of 300 ms; the binary's is half a minute.
fn impatient(test: &TestInstall, url: &str) -> Updater {
    let options = HttpOptions {
        connect_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(300),
        attempts: 2,
        backoff: Duration::from_millis(10),
        ..HttpOptions::default()
    };
    let settings = Settings {
        defaults: vsekai_updater::app::updater::Defaults::default(),
        repository: vec![url.to_owned()],
        trust_root: None,
        mode: None,
        platform: Platform::current(),
        version: None,
        at_once: false,
        adopt: false,
        discard: false,
        clock_guard: ClockGuard::Keep,
        network: Network::new(&options).unwrap(),
        caches: Vec::new(),
        write_cache: None,
        scratch: test.path("scratch"),
        protected: Vec::new(),
        trusted_owner: None,
    };
    Updater::new(&test.install(), settings).unwrap()
}

#[test]
fn slow_retrieval_of_metadata_and_documents() {
    let paths: [&dyn Fn(&Hostile) -> String; 4] = [
        &|_| "/tuf/timestamp.json".to_owned(),
        &|hostile| hostile.role("snapshot"),
        &|hostile| hostile.target("release.json"),
        &|hostile| hostile.target("files.json.zst"),
    ];
    for path in paths {
        for silent in [false, true] {
            let test = TestInstall::new();
            let hostile = Hostile::start(&test);
            let path = path(&hostile);
            let body = fs::read(test.path("hostile").join(&path[1..])).unwrap();
            let reply = if silent { Reply::Silence } else { Reply::Drip(Duration::from_millis(20), body) };
            hostile.toxic.on(&path, [reply]);
            let before = test.before();
            let begun = Instant::now();
            let error = impatient(&test, &hostile.url()).update(&Monitor::default()).unwrap_err();
            assert_eq!(error.code(), "timed_out", "{error}");
            assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
            test.assert_untouched(&before);
            test.assert_survived();
        }
    }
}

#[test]
fn whatever_a_server_does_in_place_of_a_pack_the_update_comes_by_single_files() {
    let redirect = |to: &str| Reply::Status(302, vec![("location", to.to_owned())]);
    let replies = [
        Reply::Endless,
        Reply::Silence,
        Reply::Drip(Duration::from_millis(20), vec![0; 4000]),
        redirect("file:///etc/passwd"),
        redirect("/tuf/current.pack"),
        Reply::Status(503, vec![("retry-after", "3600".to_owned())]),
        Reply::Good(b"<html>Sign in</html>".to_vec()),
    ];
    for reply in replies {
        let test = TestInstall::new();
        let hostile = Hostile::start(&test);
        hostile.toxic.on("/tuf/current.pack", [reply]);
        let begun = Instant::now();
        let done = impatient(&test, &hostile.url()).update(&Monitor::default()).unwrap();
        assert_eq!(done.current.version.to_string(), "2.0.0");
        assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
        assert_eq!(test.launch(), "this is 2.0.0");
    }
}

#[test]
fn redirect_to_another_scheme_is_not_followed() {
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/timestamp.json", "gopher://127.0.0.1/"] {
        let test = TestInstall::new();
        let hostile = Hostile::start(&test);
        hostile.toxic.on("/tuf/timestamp.json", [Reply::Status(302, vec![("location", to.to_owned())])]);
        test.attack_from(&[&hostile.url()], "http_failed");
        test.assert_survived();
    }
}

#[test]
fn redirect_without_end_is_not_followed_for_ever() {
    let test = TestInstall::new();
    let hostile = Hostile::start(&test);
    let to = "/tuf/timestamp.json".to_owned();
    hostile.toxic.on("/tuf/timestamp.json", [Reply::Status(302, vec![("location", to)])]);
    test.attack_from(&[&hostile.url()], "http_failed");
    assert!(hostile.toxic.count("/tuf/timestamp.json") < 40);
    test.assert_survived();
}

#[test]
fn redirect_from_https_to_http_is_not_followed() {
    if !nginx::is_installed() {
        return;
    }
    let test = TestInstall::new();
    let hostile = Hostile::start(&test);
    let folder = tempfile::tempdir().unwrap();
    nginx::make_certificates(folder.path());
    let tls = format!(
        "ssl_certificate server.pem; ssl_certificate_key server.key; location / {{ return 302 {}$request_uri; }}",
        hostile.toxic.url("")
    );
    let nginx = Nginx::start(folder, Some(&tls));
    let authority = test.path("ca.pem");
    fs::write(&authority, nginx.read("ca.pem")).unwrap();
    let url = format!("https://127.0.0.1:{}", nginx.address().port());
    let before = test.before();
    test.update_with(&url, &["--ca-cert", authority.to_str().unwrap()]).failed("http_failed");
    test.assert_untouched(&before);
    assert!(hostile.toxic.seen().is_empty(), "{:?}", hostile.toxic.seen());
    test.assert_survived();
}
