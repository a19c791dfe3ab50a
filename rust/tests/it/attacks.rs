//! What a hostile repository can do to an install, done to the real binary: each attack ends with its code, the
//! install is untouched, still starts, and still takes an update from the honest repository.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(all(feature = "cli", unix))]

#[path = "attacks/bombs.rs"]
mod bombs;
#[path = "attacks/catalog.rs"]
mod catalog;
#[path = "attacks/chunks.rs"]
mod chunks;
#[path = "attacks/documents.rs"]
mod documents;
#[path = "attacks/forge.rs"]
mod forge;
#[path = "attacks/ground.rs"]
mod ground;
#[path = "attacks/metadata.rs"]
mod metadata;
#[path = "attacks/mirrors.rs"]
mod mirrors;
#[path = "attacks/network.rs"]
mod network;
#[path = "support/packs.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod packing;
#[path = "attacks/paths.rs"]
mod paths;
#[path = "support/run.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod run;
#[path = "support/serve.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod serve;
mod support;
#[path = "support/trees.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod trees;
