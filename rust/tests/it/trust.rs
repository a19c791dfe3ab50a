//! Signed repositories from outside: what each attack on updates comes to, and what publishing promises.
//!
//! Every repository here is made by the publisher's side of this crate and read as a folder or over HTTP;
//! attackers have the keys that their test says they stole, and sign with `tough` like anybody.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(feature = "net")]

#[path = "trust/attacks.rs"]
mod attacks;
#[path = "trust/clock.rs"]
mod clock;
#[path = "trust/forge.rs"]
mod forge;
#[path = "trust/keys.rs"]
mod keys;
#[path = "trust/memory.rs"]
mod memory;
#[path = "trust/mirrors.rs"]
mod mirrors;
#[path = "trust/office.rs"]
mod office;
#[path = "support/packs.rs"]
mod packing;
#[path = "trust/packs.rs"]
mod packs;
#[path = "trust/publishing.rs"]
mod publishing;
#[path = "trust/servers.rs"]
mod servers;
#[path = "trust/service.rs"]
mod service;
mod support;
#[path = "trust/web.rs"]
mod web;
#[path = "trust/workshop.rs"]
mod workshop;
