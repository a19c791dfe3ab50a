//! Commands that change the disk, stopped at every change that they make.
//!
//! Apart from the other tests, since they take the processor for minutes: `cargo test --test kills`.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
// Builds without debug assertions have no points to stop at.
#![cfg(all(unix, debug_assertions))]

mod extract;
mod points;
mod root;
#[allow(dead_code, reason = "the other programs use the rest")]
#[path = "../support/mod.rs"]
mod support;
