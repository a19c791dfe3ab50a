//! Many small files of a repository in one file, so that a client needs one request: `tuf/current.pack`.
//!
//! One zstd frame that announces its content size. Its content, with all numbers little-endian:
//!
//! ```text
//! 8 bytes   "vsk-pack"
//! u32       version: 1
//! u32       number of entries, at most 1024
//! each:     u16 length of the path; the path; u32 length of the body; the body
//! ```
//!
//! Paths are relative to the repository's root, in strictly ascending byte order: `tuf/<name>.json`,
//! `targets/<folders>/<sha256>.<name>` or `bundles/<sha256>.json`. Nothing follows the last body, and nothing follows
//! the frame. The format is this project's own.
//!
//! No allocation follows a number that was not checked against a cap, and only paths of repository files are accepted.
//! Signatures are not verified here: a pack is trusted no more than its sender, and its files are checked against keys
//! and digests just like single files. No file or network access.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::{Error, Result, TrustKind};

mod name;
mod query;

#[cfg(test)]
mod tests;

pub use name::{check_role_name, check_target_name, target_path};
pub use query::PackQuery;

/// Its path below the repository's root.
pub const PATH: &str = "tuf/current.pack";

/// Largest pack as transferred, in bytes.
pub const MAX_PACKED_BYTES: u64 = 1 << 20;

/// Largest content of the frame, in bytes.
pub const MAX_PLAIN_BYTES: u64 = 8 << 20;

/// Most entries in a pack.
pub const MAX_ENTRIES: usize = 1024;

/// Longest path, in bytes: that of a target with the longest allowed name.
const MAX_PATH_BYTES: usize = 600;

const MAGIC: [u8; 8] = *b"vsk-pack";
const VERSION: u32 = 1;

/// zstd level: a pack is made once and fetched often.
const LEVEL: i32 = 15;

/// A parsed pack: files by their paths.
#[derive(Clone, PartialEq, Eq)]
pub struct MetadataPack {
    plain: Vec<u8>,
    /// Range of each body in `plain`.
    files: BTreeMap<String, Range<usize>>,
}

impl std::fmt::Debug for MetadataPack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MetadataPack({} files)", self.files.len())
    }
}

impl MetadataPack {
    /// Parses a pack.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Malformed`; [`Error::Unsupported`] for a newer version.
    pub fn parse(packed: &[u8]) -> Result<Self> {
        Self::parse_plain(unpack(packed)?)
    }

    /// Parses the content of a pack's frame.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_plain(plain: Vec<u8>) -> Result<Self> {
        let mut rest = Rest { plain: &plain, at: 0 };
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(malformed("it does not begin with the magic bytes"));
        }
        let version = rest.u32()?;
        if version != VERSION {
            return Err(Error::unsupported(format!("{PATH} of version {version}")));
        }
        let count = rest.u32()?;
        if count as usize > MAX_ENTRIES {
            return Err(malformed(format!("it has {count} entries, more than {MAX_ENTRIES}")));
        }
        let mut files: BTreeMap<String, Range<usize>> = BTreeMap::new();
        for _ in 0..count {
            let path = rest.path()?;
            if files.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(malformed(format!("{path} is out of order, or occurs twice")));
            }
            let length = rest.u32()? as usize;
            let start = rest.at;
            rest.take(length)?;
            files.insert(path, start..rest.at);
        }
        if rest.at != plain.len() {
            return Err(malformed("there are bytes after its last entry"));
        }
        Ok(Self { plain, files })
    }

    /// Makes a pack of files, keyed by their paths below the repository's root. The same files always produce the same
    /// bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for everything that [`Self::parse`] would reject.
    pub fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
        let too_much = || invalid("it has too many files, or is too large");
        if files.len() > MAX_ENTRIES {
            return Err(too_much());
        }
        let mut plain = MAGIC.to_vec();
        plain.extend(VERSION.to_le_bytes());
        plain.extend(u32::try_from(files.len()).map_err(|_| too_much())?.to_le_bytes());
        for (path, body) in files {
            if !may_have(path) {
                return Err(invalid(&format!("{path:?} is not a file that a pack may contain")));
            }
            plain.extend(u16::try_from(path.len()).map_err(|_| too_much())?.to_le_bytes());
            plain.extend(path.as_bytes());
            plain.extend(u32::try_from(body.len()).map_err(|_| too_much())?.to_le_bytes());
            plain.extend(body);
        }
        if plain.len() as u64 > MAX_PLAIN_BYTES {
            return Err(too_much());
        }
        let packed = compress(&plain)?;
        if packed.len() as u64 > MAX_PACKED_BYTES { Err(too_much()) } else { Ok(packed) }
    }

    /// The content of the file at this path below the repository's root.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.plain.get(self.files.get(path)?.clone())
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The highest version of `root.json` in the pack.
    pub fn newest_root(&self) -> Option<u64> {
        let roots = self.paths().filter_map(|path| match PackQuery::at(path) {
            Some(PackQuery::Root(version)) => Some(version),
            _ => None,
        });
        roots.max()
    }
}

/// Whether a pack may contain a file at this path.
pub(crate) fn may_have(path: &str) -> bool {
    if path.len() > MAX_PATH_BYTES {
        return false;
    }
    match path.strip_prefix("bundles/") {
        Some(name) => name.strip_suffix(".json").is_some_and(query::is_digest),
        None => PackQuery::at(path).is_some(),
    }
}

fn compress(plain: &[u8]) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Error::unsupported("compressing with zstd").caused_by(e);
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(failed)?;
    compressor.include_checksum(true).map_err(failed)?;
    compressor.compress(plain).map_err(failed)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    if packed.len() as u64 > MAX_PACKED_BYTES {
        return Err(malformed(format!("it has {} bytes, more than {MAX_PACKED_BYTES}", packed.len())));
    }
    if zstd::zstd_safe::find_frame_compressed_size(packed) != Ok(packed.len()) {
        return Err(malformed("it is not one zstd frame"));
    }
    let announced = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let Some(length) = announced.filter(|length| *length <= MAX_PLAIN_BYTES) else {
        return Err(malformed("its content is too large, or its size is not announced"));
    };
    let capacity = usize::try_from(length).map_err(|_| malformed("it is too large"))?;
    zstd::bulk::decompress(packed, capacity).map_err(|e| malformed("it does not decompress").caused_by(e))
}

/// The unread rest of the content.
struct Rest<'a> {
    plain: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.plain.get(self.at..end)).ok_or_else(|| malformed("it is cut short"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| malformed("it is cut short"))
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn path(&mut self) -> Result<String> {
        let length = self.array().map(u16::from_le_bytes)?;
        let path = std::str::from_utf8(self.take(length.into())?).ok().filter(|path| may_have(path));
        path.map(str::to_owned).ok_or_else(|| malformed("it contains a file that a pack may not contain"))
    }
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    Error::trust(TrustKind::Malformed, format!("{PATH}: {reason}"))
}

fn invalid(reason: &str) -> Error {
    Error::invalid("pack", reason.to_owned())
}
