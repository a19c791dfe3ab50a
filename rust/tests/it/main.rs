//! Tests of the crate from outside: the library, and the real `vsekai` binary.
//!
//! One program, so that it is linked only once: `cargo test --test it install::` runs the tests of one folder. Tests
//! that kill the binary at every disk operation are a separate program, `kills`; `model` starts games within its own
//! process.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(unix)]

mod attacks;
mod casync_archive;
mod corpus;
mod extract;
mod faults;
mod formats;
mod install;
mod interop;
mod layers;
mod lint;
mod make;
mod publish;
mod quickstart;
mod real_archive;
mod real_chunker;
mod reference;
mod self_update;
mod store_care;
#[path = "../support/mod.rs"]
mod support;
mod thieves;
mod trust;
