//! Bundles: chunks of one version compressed together, optionally against bytes that the player already has. The
//! format, its writer and its reader; no network, and no files except those that the caller opens.
//!
//! ```text
//! table     what a bundle holds, section by section                  bundle/table.rs   docs/bundle-format.md
//! codec     compresses and decompresses one section                bundle/codec.rs, bundle/x86.rs
//! document  an index in the form that compresses best              bundle/document.rs
//! list      which bundles exist for a version                      bundle/list.rs
//! stream    ranges of a version's stream, from a source of chunks  bundle/stream.rs
//! ```
//!
//! A bundle is never trusted: its output is cut at the boundaries in the signed index, and each chunk must hash to its
//! id. A bad bundle costs a fetch of the same chunks from the store.

use serde::{Deserialize, Serialize};

mod codec;
mod document;
mod list;
mod stream;
mod table;
pub mod x86;

pub use codec::{compress, decompress};
pub use document::{index_document, parse_index_document};
pub use list::{BundleInfo, BundleList, list_name, name_of};
pub use stream::{ChunkSource, Piece, read_ranges};
pub use table::{Filter, HEADER_BYTES, Header, Section, SectionContent, Table};

/// Prefix and output of a section together, in bytes: the limit of zstd's window and, with the packed bytes, the memory
/// that a client needs at once. Every zstd decoder accepts a window of 2^27.
pub const MAX_SECTION_BYTES: u64 = 128 << 20;

/// Largest table, in bytes, both packed and plain. A bundle of 4 GiB has a few kilobytes.
pub const MAX_TABLE_BYTES: u64 = 16 << 20;

/// Most sections in one bundle.
pub const MAX_SECTIONS: usize = 1 << 16;

/// Most prefix ranges, and most runs of chunks, in one section.
pub const MAX_RANGES: usize = 1 << 16;

/// How hard a bundle is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// For the moment of a release: takes seconds.
    Fast,
    /// Takes the time between two builds.
    #[default]
    Normal,
    /// Smallest result, for when time does not matter.
    Best,
}

impl Effort {
    /// All levels of effort, lowest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Normal, Self::Best];

    /// Its name, as used in a list of bundles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Normal => "normal",
            Self::Best => "best",
        }
    }

    /// Parses a name; `None` if it is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == text)
    }
}
