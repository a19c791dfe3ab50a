//! The V-Sekai updater: casync/desync chunk stores, read, written and updated from.
//!
//! Data flows one way, and the module list shows it:
//!
//! - pure base, without file system, network or async: [`chunk`], [`chunker`], [`index`], [`archive`],
//!   [`path`], [`version`], [`release`], [`bundle`], [`pack`], [`state`], [`limits`], [`event`], [`error`]
//! - local work, feature `local`: `disk`, `store`, `tree`, `seed`, `spool`, `receipt`, `plan`, `route`, `fetch`,
//!   `assemble`, `extract`, `make`, `install`, `launch`, `integrate`, `lint`, `config`
//! - network, feature `net`: `api`, `source`, `trust`, `publish`, `updater`, `notes`, `worker`
//! - faces: `cli` (feature `cli`), the command line, and `gdext` (feature `godot`), the Godot extension
//!
//! The command line calls `updater`, `launch`, `publish` and `trust`, and for `vsekai store` what is below them; it adds
//! only words. The Godot node calls `worker`. Nothing but the faces prints, or ends the process; they and `host` alone
//! read the environment.

// Checked without `test` too: what is allowed here is allowed in tests alone.
#![cfg_attr(test, allow(clippy::pedantic, reason = "tests may cast and repeat"))]

#[cfg(feature = "net")]
pub mod api;
pub mod archive;
pub mod bundle;
pub mod chunk;
pub mod chunker;
#[cfg(feature = "cli")]
pub mod cli;
pub mod error;
pub mod event;
#[cfg(feature = "godot")]
mod gdext;
pub mod index;
pub mod limits;
pub mod pack;
pub mod path;
pub mod release;
#[cfg(feature = "net")]
pub mod source;
pub mod state;
pub mod version;

#[cfg(feature = "local")]
pub mod assemble;
#[cfg(feature = "local")]
pub mod config;
#[cfg(feature = "local")]
pub mod disk;
#[cfg(feature = "local")]
pub mod extract;
#[cfg(feature = "local")]
pub mod fetch;
#[cfg(feature = "net")]
pub mod host;
#[cfg(feature = "local")]
pub mod install;
#[cfg(feature = "local")]
pub mod integrate;
#[cfg(feature = "local")]
pub mod launch;
#[cfg(feature = "local")]
pub mod lint;
#[cfg(feature = "local")]
pub mod lock;
#[cfg(feature = "local")]
pub mod make;
#[cfg(feature = "net")]
pub mod notes;
#[cfg(feature = "local")]
pub mod plan;
#[cfg(feature = "net")]
pub mod publish;
#[cfg(feature = "local")]
pub mod receipt;
#[cfg(feature = "local")]
pub mod route;
#[cfg(feature = "local")]
pub mod seed;
#[cfg(feature = "local")]
pub mod spool;
#[cfg(feature = "local")]
pub mod store;
#[cfg(feature = "local")]
pub mod tree;
#[cfg(feature = "net")]
pub mod trust;
#[cfg(feature = "net")]
pub mod updater;
#[cfg(feature = "net")]
pub mod worker;

pub use error::{Error, Result};
