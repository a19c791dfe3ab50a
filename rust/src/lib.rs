//! The V-Sekai updater: casync/desync chunk stores, read, written and updated from.
//!
//! Data flows one way, and the module list shows it:
//!
//! - shared by all: [`digest`], [`error`], [`event`], [`limits`], [`path`], [`state`], [`text`],
//!   [`version`]
//! - [`formats`]: bytes and types; no file, no network, no thread
//! - [`local`]: work on local files, feature `local`
//! - [`install`]: install roots, their versions and how those start, feature `local`
//! - [`net`]: HTTP, signed repositories, publishing, feature `net`
//! - [`app`]: the updater as its faces see it, feature `net`
//! - faces: [`cli`], the command line, feature `cli`; `gdext`, the Godot extension, feature `godot`
//!
//! Each layer imports only from layers above it in this list; a test checks that. Only the faces print, end the process
//! or read the environment; `app::host` reads the environment on their behalf.

// Lints also run without `test`, so this allows nothing outside of tests.
#![cfg_attr(test, allow(clippy::pedantic, reason = "tests may cast and repeat"))]

#[cfg(feature = "net")]
pub mod app;
#[cfg(feature = "cli")]
pub mod cli;
pub mod digest;
pub mod error;
pub mod event;
pub mod formats;
#[cfg(feature = "godot")]
mod gdext;
#[cfg(feature = "local")]
pub mod install;
pub mod limits;
#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "net")]
pub mod net;
pub mod path;
pub mod state;
pub mod text;
pub mod version;

pub use error::{Error, Result};
