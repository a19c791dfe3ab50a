//! Signed repositories from outside: what each attack on updates comes to, and what publishing promises.
//!
//! Every repository here is made by the publisher's side of this crate and read as a folder or over HTTP;
//! attackers have the keys that their test says they stole, and sign with `tough` like anybody.

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
