//! Publishing to the server with `vsekai`, and installing from it: the way of every version, with kills on it.
//!
//! Both programs are real, and so are the kills. `vsekai` is the other program of the workspace: `./run test` builds it.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(unix)]

mod bundles;
#[path = "../db/databases.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "the suite of databases uses all of it")]
mod databases;
mod kills;
mod pack;
mod versions;
mod world;
