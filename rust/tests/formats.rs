//! What each release wrote, read by this one: `tests/fixtures/`, and its README files.
//!
//! Each file there has a test here or, below `server/`, in `server/tests/formats/`. When one fails, the code is wrong:
//! fixtures are never edited. Writers whose output depends on the release of zstd are compared by what they packed.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(all(feature = "cli", unix))]

#[path = "formats/bundles.rs"]
mod bundles;
#[path = "formats/documents.rs"]
mod documents;
#[path = "formats/frozen.rs"]
mod frozen;
#[path = "formats/install.rs"]
mod install;
#[path = "formats/list.rs"]
mod list;
#[path = "formats/player.rs"]
mod player;
#[path = "formats/publisher.rs"]
mod publisher;
#[path = "formats/stamps.rs"]
mod stamps;
#[path = "formats/writers.rs"]
mod writers;

#[path = "support/run.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod run;
#[path = "support/serve.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod serve;
