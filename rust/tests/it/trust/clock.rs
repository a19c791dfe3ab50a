//! A clock that goes back, by mistake or to make expired metadata look fresh.

use std::fs;

use jiff::Timestamp;
use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET, ClockGuard};

use super::test_repository::TestRepository;

fn tomorrow() -> String {
    let time = Timestamp::from_second(Timestamp::now().as_second() + 86_400).unwrap();
    format!("\"{time}\"")
}

#[test]
fn clock_behind_the_last_check_is_refused_until_the_guard_is_reset() {
    let test = TestRepository::new();
    let mut install = test.install("a");
    install.check().unwrap();
    fs::write(install.memory().join("latest_known_time.json"), tomorrow()).unwrap();
    assert_eq!(install.refusal().code(), "clock_went_back");
    install.clock_guard = ClockGuard::Reset;
    install.check().unwrap();
    install.clock_guard = ClockGuard::Keep;
    install.check().unwrap();
}

#[test]
fn reset_of_the_clock_guard_lets_nothing_older_in() {
    let test = TestRepository::new();
    test.keep_as("old");
    test.publish(&[(CATALOG_ROLE, CATALOG_TARGET, b"catalog two")]);
    let mut install = test.install("a");
    install.check().unwrap();
    test.put_back("old");
    install.clock_guard = ClockGuard::Reset;
    assert_eq!(install.refusal().code(), "metadata_rollback");
}
