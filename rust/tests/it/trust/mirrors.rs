//! Several mirrors: a bad one costs time, but never the update.

use std::fs;

use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET};

use super::test_repository::{CAP, STABLE, TestRepository, files_of};
use crate::support::packing;
use crate::support::server::{Fault, TestServer, nobody};

#[test]
fn mirror_that_is_down_gives_way_to_the_next() {
    let test = TestRepository::new();
    let web = TestServer::start(&test.repository());
    let install = test.install("a").at(&[&nobody(), &web.url()]);
    let mut repository = install.check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable one");
}

#[test]
fn hostile_mirror_before_a_good_one_is_passed_over() {
    let (test, strangers) = (TestRepository::new(), TestRepository::new());
    test.keep_as("old");
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    test.install("a").check().unwrap();
    let garbage = test.keep_as("garbage");
    for (name, bytes) in files_of(&garbage) {
        fs::write(garbage.join(name), [&bytes[..bytes.len() - 1], b"?"].concat()).unwrap();
    }
    let good = test.repository().display().to_string();
    for bad in [strangers.repository(), test.path("old"), garbage] {
        let install = test.install("a").at(&[&bad.display().to_string(), &good]);
        let mut repository = install.check().unwrap();
        assert_eq!(repository.target(CATALOG_TARGET, CAP).unwrap(), b"catalog two", "{}", bad.display());
    }
}

#[test]
fn mirror_that_swaps_targets_before_a_good_one_is_passed_over() {
    let test = TestRepository::new();
    let bad = test.keep_as("bad");
    for name in files_of(&bad.join("targets")).into_keys() {
        fs::write(bad.join("targets").join(name), b"evil").unwrap();
    }
    let good = test.repository().display().to_string();
    let install = test.install("a").at(&[&bad.display().to_string(), &good]);
    assert_eq!(install.open().unwrap().target(STABLE, CAP).unwrap(), b"stable one");
}

#[test]
fn mirror_that_sends_without_end_before_a_good_one_is_passed_over() {
    let test = TestRepository::new();
    let (bad, good) = (TestServer::start(&test.repository()), TestServer::start(&test.repository()));
    bad.break_path("tuf/current.pack", Fault::Status(404));
    for path in ["tuf/2.root.json", "tuf/timestamp.json"] {
        bad.break_path(path, Fault::Endless);
        test.install("a").at(&[&bad.url(), &good.url()]).check().unwrap();
    }
}

#[test]
fn mirror_that_falls_silent_before_a_good_one_is_passed_over() {
    let test = TestRepository::new();
    let (bad, good) = (TestServer::start(&test.repository()), TestServer::start(&test.repository()));
    bad.break_path("tuf/current.pack", Fault::Stall);
    bad.break_path("tuf/timestamp.json", Fault::Stall);
    test.install("a").at(&[&bad.url(), &good.url()]).check().unwrap();
}

#[test]
fn half_copied_mirror_before_a_whole_one_is_passed_over() {
    let test = TestRepository::new();
    let half = test.keep_as("half");
    test.publish(&[("stable", STABLE, b"stable two")]);
    // Only the timestamp has been copied yet; a proper copying tool sends it last.
    fs::copy(test.repository().join("tuf/timestamp.json"), half.join("tuf/timestamp.json")).unwrap();
    let good = test.repository().display().to_string();
    let mut repository = test.install("a").at(&[&half.display().to_string(), &good]).check().unwrap();
    assert_eq!(repository.target(STABLE, CAP).unwrap(), b"stable two");
}

#[test]
fn mirror_that_lacks_a_target_gives_way_to_one_that_has_it() {
    let test = TestRepository::new();
    let lacking = test.keep_as("lacking");
    fs::remove_dir_all(lacking.join("targets")).unwrap();
    let good = test.repository().display().to_string();
    let install = test.install("a").at(&[&lacking.display().to_string(), &good]);
    assert_eq!(install.check().unwrap().target(STABLE, CAP).unwrap(), b"stable one");
}

#[test]
fn with_bad_mirrors_only_the_gravest_failure_is_told() {
    let (test, strangers) = (TestRepository::new(), TestRepository::new());
    let bad = strangers.repository().display().to_string();
    for locations in [[nobody(), bad.clone()], [bad.clone(), nobody()]] {
        let install = test.install("a").at(&[&locations[0], &locations[1]]);
        assert_eq!(install.refusal().code(), "signature_invalid");
    }
    let install = test.install("a").at(&[&nobody(), &nobody()]);
    assert_eq!(install.refusal().code(), "offline");
}

#[test]
fn validators_of_single_files_go_only_to_the_mirror_that_gave_them() {
    let test = TestRepository::new();
    packing::remove(&test.repository());
    let (one, two) = (TestServer::start(&test.repository()), TestServer::start(&test.repository()));
    test.install("a").at(&[&one.url()]).check().unwrap();
    test.install("a").at(&[&two.url()]).check().unwrap();
    let mut statuses: Vec<u16> = two.take_asked().into_iter().map(|(_, status)| status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404], "the second mirror was not asked for changes to what the first one gave");
}

#[test]
fn validators_go_only_to_the_mirror_that_gave_them() {
    let test = TestRepository::new();
    let (one, two) = (TestServer::start(&test.repository()), TestServer::start(&test.repository()));
    test.install("a").at(&[&one.url()]).check().unwrap();
    test.install("a").at(&[&two.url()]).check().unwrap();
    let statuses: Vec<u16> = two.take_asked().into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [200], "the second mirror was not asked for changes to what the first one gave");
}
