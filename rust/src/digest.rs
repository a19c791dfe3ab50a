//! Digests that serve as names: of chunks, files, indexes, bundles and signed targets.
//!
//! casync and desync name chunks by [`ChunkId`]. Everything else is named by a [`Digest`], which is SHA-256.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::error::{Error, Result};

/// A SHA-256 digest of a file, an index file (which identifies a version's content), a bundle or a signed target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(#[serde(with = "hex::serde")] pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_hex(text, "digest").map(Self)
    }
}

/// Parses 64 lower-case hexadecimal digits.
fn parse_hex(text: &str, what: &'static str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.bytes().any(|b| b.is_ascii_uppercase()) || hex::decode_to_slice(text, &mut bytes).is_err() {
        let reason = format!("{text:?} is not 64 lower-case hexadecimal digits");
        return Err(Error::invalid(what, reason));
    }
    Ok(bytes)
}

/// The digest of a chunk's plain bytes: its name in every store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkId(#[serde(with = "hex::serde")] [u8; 32]);

impl ChunkId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Where a store keeps this chunk: `<first 4 hex>/<64 hex>.cacnk`, always with `/`.
    pub fn store_path(&self) -> String {
        let hex = self.to_string();
        format!("{}/{hex}.cacnk", &hex[..4])
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkId({self})")
    }
}

impl FromStr for ChunkId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_hex(text, "chunk id").map(Self)
    }
}

/// The hash that turns plain bytes into a [`ChunkId`]; an index says which one it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestAlgorithm {
    /// SHA-512/256, the default of casync and desync.
    #[serde(rename = "sha512-256")]
    Sha512_256,
    /// SHA-256.
    Sha256,
}

impl DigestAlgorithm {
    /// Computes the id of these plain bytes.
    pub fn id_of(self, plain: &[u8]) -> ChunkId {
        ChunkId(match self {
            Self::Sha512_256 => sha2::Sha512_256::digest(plain).into(),
            Self::Sha256 => sha2::Sha256::digest(plain).into(),
        })
    }

    /// The other algorithm, for indexes with a wrong flag (written by desync 1.0.4 and older with `--digest sha256`).
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sha512_256 => Self::Sha256,
            Self::Sha256 => Self::Sha512_256,
        }
    }
}
