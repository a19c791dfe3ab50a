//! Stops commands at every change of the disk that they make.
//!
//! Separate from the other tests, because they use the processor for minutes: `cargo test --test kills`.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
// Builds without debug assertions have no fault injection.
#![cfg(all(unix, debug_assertions))]

mod extract;
mod points;
mod root;
#[allow(dead_code, reason = "the other programs use the rest")]
#[path = "../support/mod.rs"]
mod support;
