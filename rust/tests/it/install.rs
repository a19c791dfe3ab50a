//! Install roots through the real binary: what each command does to players' files, and what it never does.
//!
//! Publishers use the real commands, too (`support/repository.rs`). The game is a shell script, controlled by
//! environment variables.

mod adopt;
mod away;
mod back;
mod bundles;
mod busy;
mod changes;
mod comfort;
mod damage;
mod disks;
mod files;
mod gone;
mod heal;
mod hints;
mod line;
mod menu;
mod modes;
mod moved;
mod news;
mod offers;
mod offline;
mod origins;
mod output;
mod passed_on;
mod plain_disks;
mod requests;
mod resume;
mod safety;
mod secrets;
mod shop;
mod signals;
mod signed;
mod trial;
mod words;

/// Prints, past the test harness, that something was not tested.
fn skipped(why: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("SKIPPED: {why}\n").as_bytes()).unwrap();
}
