//! Signed repositories from outside: the outcome of each attack on updates, and the promises of publishing.
//!
//! Every repository here is created by the publisher's side of this crate and read from a folder or over HTTP.
//! Attackers have the keys that the test says they stole, and sign with `tough` like anyone else.

mod attacks;
mod clock;
mod keys;
mod memory;
mod mirrors;
mod packs;
mod publishing;
mod servers;
mod service;
mod test_repository;
mod test_service;
