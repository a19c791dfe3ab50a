//! Install roots through the real binary: what each command does to what players have, and what it never does.
//!
//! Publishers are the real commands too (`support/repository.rs`). The game is a shell script that does what
//! variables of the environment tell it.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(all(feature = "cli", unix))]

#[path = "install/adopt.rs"]
mod adopt;
#[path = "install/back.rs"]
mod back;
#[path = "install/bundles.rs"]
mod bundles;
#[path = "install/busy.rs"]
mod busy;
#[path = "install/damage.rs"]
mod damage;
#[path = "install/disks.rs"]
mod disks;
#[path = "install/files.rs"]
mod files;
#[path = "trust/forge.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod forge;
#[path = "install/heal.rs"]
mod heal;
#[path = "install/hints.rs"]
mod hints;
#[path = "install/modes.rs"]
mod modes;
#[path = "install/moved.rs"]
mod moved;
#[path = "install/offers.rs"]
mod offers;
#[path = "install/offline.rs"]
mod offline;
#[path = "install/output.rs"]
mod output;
#[path = "support/repository.rs"]
mod repository;
#[path = "install/requests.rs"]
mod requests;
#[path = "install/resume.rs"]
mod resume;
#[path = "support/run.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod run;
#[path = "support/serve.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod serve;
#[path = "install/shop.rs"]
mod shop;
#[path = "support/stores.rs"]
mod stores;
#[path = "support/trees.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod trees;
#[path = "install/trial.rs"]
mod trial;
#[path = "trust/web.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod web;

/// Says, past the test harness, what is not tested here.
fn skipped(why: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}
