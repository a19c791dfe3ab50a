//! Chunks of one version, compressed together and against what the player already has. The format, its writer and its
//! reader; no network, and no file but those that a caller opens.
//!
//! ```text
//! table     what a bundle holds, section by section                  bundle/table.rs   docs/bundle-format.md
//! codec     one section, packed and unpacked                         bundle/codec.rs, bundle/x86.rs
//! document  index and file table in the form that compresses best    bundle/document.rs
//! list      which bundles there are of a version                     bundle/list.rs
//! stream    ranges of a version's stream, from whatever has its chunks  bundle/stream.rs
//! ```
//!
//! A bundle is trusted in nothing: what comes out of it is cut at the borders that the signed index gives, and each
//! chunk must hash to its id. A bad one costs a fetch of the same chunks from the store.

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

/// Prefix and output of a section together, in bytes: what zstd's window may be, and with the packed bytes what a
/// client has to hold at once. 2^27 is what every decoder of zstd accepts.
pub const MAX_SECTION_BYTES: u64 = 128 << 20;

/// Largest table, in bytes, packed and plain. A bundle of 4 GiB has some kilobytes.
pub const MAX_TABLE_BYTES: u64 = 16 << 20;

/// Sections of one bundle.
pub const MAX_SECTIONS: usize = 1 << 16;

/// Prefix ranges and runs of chunks of one section.
pub const MAX_RANGES: usize = 1 << 16;

/// How hard a bundle was compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// For the moment of a release: seconds.
    Fast,
    /// What fits between two builds.
    #[default]
    Normal,
    /// For later.
    Best,
}

impl Effort {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Normal, Self::Best];

    /// Its name, as in a list of bundles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Normal => "normal",
            Self::Best => "best",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == text)
    }
}
