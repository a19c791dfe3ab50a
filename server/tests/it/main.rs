//! Tests of the update server from outside: its databases, its stores, its API, and publishing to it with `vsekai`.
//!
//! One program, so that it is linked only once: `cargo test -p vsekai-server --test it api::` runs the tests of one
//! folder. Tests that kill the server are in the other program, `kills`.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod api;
#[path = "../support/client.rs"]
mod client;
mod databases;
mod db;
mod files;
#[cfg(unix)]
mod folders;
#[cfg(unix)]
mod formats;
#[cfg(unix)]
mod publishing;
#[cfg(unix)]
mod reference;
#[cfg(unix)]
#[path = "../support/mod.rs"]
mod support;
