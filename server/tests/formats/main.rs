//! Databases and keys of released servers, opened by this one: `tests/fixtures/`, and its README files.
//!
//! Fixtures are never edited: when a test here fails, the code is wrong.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(unix)]

mod frozen;
mod migrations;
mod served;
