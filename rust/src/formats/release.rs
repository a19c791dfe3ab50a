//! What a repository says about its versions, and which one to install: pure data and pure decisions.
//!
//! ```text
//! Catalog     per mode: active? successor? which versions are offered, where, to how many        release/catalog.rs
//!   choose    catalog + installed version -> stay, or take another version                       release/choice.rs
//! Statement   what a mode's own key says about the mode: its successor                           release/statement.rs
//! Release     one version for one platform: index, file table, entry program, notes              release/document.rs
//!   FileTable its files: a layout with the SHA-256 of each file                                  release/file_table.rs
//! ```
//!
//! All of it arrives as signed targets; [`trust`](crate::net::trust) verifies the signatures. Parsing checks the
//! content as strictly as if it were unsigned: a publisher's mistake must not become a player's damage. Nothing here
//! downloads or touches files.

mod catalog;
mod choice;
mod document;
mod file_table;
mod name;
mod statement;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Mode, Offer};
pub use choice::{Choice, Situation, Why, admits, choose, resolve_mode};
pub use document::{Chunking, Entry, Release, Sizes, TargetRef};
pub use file_table::FileTable;
pub use name::{ModeName, Platform, target_name};
pub use statement::{STATEMENT_FIELD, Statement, Statements, signed_oldest_allowed, signed_successor};

/// Whether clients use this address from a catalog. Other schemes are ignored, so that future versions can add some.
pub fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The catalog's target name.
pub const CATALOG_TARGET: &str = "catalog.json";

/// Where chunks are if a catalog names no store: relative to the repository.
pub const DEFAULT_STORE: &str = "store";
