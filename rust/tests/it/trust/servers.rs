//! What a server, or an attacker in the network, can do without any key.

use std::time::{Duration, Instant};

use vsekai_updater::net::trust::CATALOG_TARGET;

use super::test_repository::{CAP, Install, NIGHTLY, STABLE, TestRepository, files_of};
use crate::support::packing;
use crate::support::server::{Fault, TestServer, nobody};

/// A repository without a pack: attacks on single files. `packs` has the rest.
struct Served {
    test: TestRepository,
    web: TestServer,
}

impl Served {
    fn new() -> Self {
        let test = TestRepository::new();
        packing::remove(&test.repository());
        let web = TestServer::start(&test.repository());
        Self { test, web }
    }

    fn install(&self) -> Install {
        self.test.install("a").at(&[&self.web.url()])
    }

    /// The path of the only file in `folder` whose name ends with this text.
    fn file(&self, folder: &str, end: &str) -> String {
        let files = files_of(&self.test.repository().join(folder));
        let mut names = files.into_keys().filter(|name| name.ends_with(end));
        format!("{folder}/{}", names.next().unwrap())
    }

    fn newest(&self, role: &str) -> String {
        let files = files_of(&self.test.repository().join("tuf"));
        let end = format!(".{role}.json");
        let versions = files.into_keys().filter_map(|name| name.strip_suffix(&end)?.parse::<u64>().ok());
        format!("tuf/{}.{role}.json", versions.max().unwrap())
    }
}

#[test]
fn repository_over_http_gives_its_targets() {
    let served = Served::new();
    let mut repository = served.install().check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
    let asked = served.web.take_asked();
    assert_eq!(repository.transfer().requests, asked.len() as u64);
    assert!(asked.iter().any(|(path, _)| path.starts_with("targets/stable/1.0.0/linux-x86_64/")), "{asked:?}");
}

#[test]
fn version_with_a_plus_is_found() {
    let served = Served::new();
    let name = "stable/1.0.1+b2/linux-x86_64/release.json";
    served.test.publish(&[("stable", name, b"with a plus")]);
    assert_eq!(served.install().check().unwrap().target(name, CAP).unwrap(), b"with a plus");
}

#[test]
fn metadata_without_end_is_cut_off() {
    let served = Served::new();
    let all = [
        ("tuf/2.root.json".to_owned(), "http_failed"),
        ("tuf/timestamp.json".to_owned(), "http_failed"),
        (served.newest("snapshot"), "target_mismatch"),
        (served.newest("targets"), "target_mismatch"),
    ];
    let of_a_mode = served.newest("nightly");
    for (path, code) in all {
        for fault in [Fault::Endless, Fault::Announce(1 << 40, vec![b' '; 1 << 16])] {
            let served = Served::new();
            served.web.break_path(&path, fault.clone());
            let begun = Instant::now();
            assert_eq!(served.install().refusal().code(), code, "{path} {fault:?}");
            assert!(begun.elapsed() < Duration::from_secs(20), "{path} {fault:?}");
        }
    }
    for fault in [Fault::Endless, Fault::Announce(1 << 40, vec![b' '; 1 << 16])] {
        let served = Served::new();
        served.web.break_path(&of_a_mode, fault.clone());
        let begun = Instant::now();
        assert_eq!(served.install().target_refusal(NIGHTLY).code(), "target_mismatch", "{fault:?}");
        served.install().check().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?}");
    }
}

#[test]
fn target_without_end_is_cut_off() {
    for fault in [Fault::Endless, Fault::Announce(1 << 40, vec![0; 1 << 16])] {
        let served = Served::new();
        served.web.break_path(&served.file("targets/stable/1.0.0/linux-x86_64", ".release.json"), fault);
        assert_eq!(served.install().target_refusal(STABLE).code(), "target_mismatch");
    }
}

#[test]
fn body_shorter_than_announced_is_a_failure_of_the_server() {
    let served = Served::new();
    served.web.break_path("tuf/timestamp.json", Fault::Announce(900, b"{".to_vec()));
    assert_eq!(served.install().refusal().code(), "http_failed");
}

#[test]
fn retrieval_that_is_too_slow_ends() {
    for fault in [Fault::Stall, Fault::Drip] {
        for path in ["tuf/2.root.json", "tuf/timestamp.json"] {
            let served = Served::new();
            served.web.break_path(path, fault.clone());
            let begun = Instant::now();
            assert_eq!(served.install().refusal().code(), "timed_out", "{path} {fault:?}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{path} {fault:?}");
        }
    }
}

#[test]
fn server_that_cannot_be_reached_is_no_missing_root() {
    let served = Served::new();
    assert_eq!(served.install().at(&[&nobody()]).refusal().code(), "offline");
    served.web.break_path("tuf/2.root.json", Fault::Status(500));
    assert_eq!(served.install().refusal().code(), "http_failed");
}

#[test]
fn missing_root_may_be_told_in_three_ways() {
    for status in [403, 404, 410] {
        let served = Served::new();
        served.web.break_path("tuf/2.root.json", Fault::Status(status));
        served.install().check().unwrap();
    }
}

#[test]
fn repository_that_is_not_there_is_not_found() {
    let test = TestRepository::new();
    let empty = test.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let web = TestServer::start(&empty);
    let install = test.install("a");
    assert_eq!(install.clone().at(&[&web.url()]).refusal().code(), "not_found");
    assert_eq!(install.at(&[&empty.display().to_string()]).refusal().code(), "not_found");
}

#[test]
fn redirect_to_another_scheme_is_not_followed() {
    let served = Served::new();
    let timestamp = served.test.repository().join("tuf/timestamp.json");
    for to in [format!("file://{}", timestamp.display()), "ftp://127.0.0.1/timestamp.json".to_owned()] {
        served.web.break_path("tuf/timestamp.json", Fault::Redirect(to));
        assert_eq!(served.install().refusal().code(), "http_failed");
    }
}

#[test]
fn not_modified_without_being_asked_is_a_failure_of_the_server() {
    let served = Served::new();
    served.web.break_path("tuf/timestamp.json", Fault::Status(304));
    assert_eq!(served.install().refusal().code(), "http_failed");
}

#[test]
fn sign_in_page_of_a_network_is_no_metadata() {
    let served = Served::new();
    served.web.break_path("tuf/timestamp.json", Fault::Body(b"<html>Sign in</html>".to_vec()));
    let error = served.install().refusal();
    assert_eq!(error.code(), "http_failed");
    assert!(error.to_string().contains("web page") && !error.to_string().contains("trust"), "{error}");
}

#[test]
fn server_that_lacks_one_target_says_so() {
    let served = Served::new();
    served.web.break_path(&served.file("targets", ".catalog.json"), Fault::Status(404));
    assert_eq!(served.install().target_refusal(CATALOG_TARGET).code(), "not_found");
}
