//! What a repository says of versions, and what follows from it: pure data and pure decisions.
//!
//! ```text
//! Catalog     per mode: active? successor? which versions are offered, where, to how many        release/catalog.rs
//!   choose    catalog + what is installed -> stay, or take this version                          release/choice.rs
//! Release     one version for one platform: index, file table, entry program, notes              release/document.rs
//!   FileTable its files: a layout with the SHA-256 of each file                                  release/file_table.rs
//! ```
//!
//! All of it arrives as signed targets; [`trust`](crate::net::trust) says whether they are to be believed. What is
//! parsed here is checked again as if they were not: a publisher's mistake must not become a player's damage.
//! Nothing here fetches, and nothing here touches files.

mod catalog;
mod choice;
mod document;
mod file_table;
mod name;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Mode, Offer};
pub use choice::{Choice, Situation, Why, admits, choose, resolve_mode};
pub use document::{Chunking, Entry, Release, Sizes, TargetRef};
pub use file_table::FileTable;
pub use name::{ModeName, Platform, target_name};

/// Whether a catalog's address is one that clients follow. Other kinds are passed over, so that there may be some.
pub fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// The name of the catalog among the targets.
pub const CATALOG_TARGET: &str = "catalog.json";

/// Where chunks are when a catalog names no store: relative to the repository.
pub const DEFAULT_STORE: &str = "store";
