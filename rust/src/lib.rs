//! The V-Sekai updater: casync/desync chunk stores, read, written and updated from.
//!
//! Data flows one way, and the module list shows it:
//!
//! - pure base, without file system, network or async: [`chunk`], [`chunker`], [`index`], [`archive`],
//!   [`path`], [`limits`], [`event`], [`error`]

pub mod archive;
pub mod chunk;
pub mod chunker;
pub mod error;
pub mod event;
pub mod index;
pub mod limits;
pub mod path;

pub use error::{Error, Result};
