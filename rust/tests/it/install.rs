//! Install roots through the real binary: what each command does to what players have, and what it never does.
//!
//! Publishers are the real commands too (`support/repository.rs`). The game is a shell script that does what
//! variables of the environment tell it.

mod adopt;
mod back;
mod bundles;
mod busy;
mod damage;
mod disks;
mod files;
mod modes;
mod moved;
mod offers;
mod offline;
mod output;
mod requests;
mod resume;
mod shop;
mod trial;

/// Says, past the test harness, what is not tested here.
fn skipped(why: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}
