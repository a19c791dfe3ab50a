//! Reads the elements of a node's head one by one, from bytes that may be incomplete.

use super::element::{
    self, DEVICE, ENTRY, FILENAME, GOODBYE, PAYLOAD, PREFIX, PREFIX_BYTES, SYMLINK, check_metadata, device_bytes,
    entry_bytes, metadata_bounds, u64_at,
};
use super::{NodeMetadata, malformed};
use crate::error::{Error, Result};
use crate::formats::index::FeatureFlags;
use crate::limits;

/// The content of a node; a link's target is not checked yet.
#[derive(Debug)]
pub(super) enum NodeContent {
    Directory,
    File { size: u64 },
    Symlink { target: String },
    Device { major: u64, minor: u64 },
    Other,
}

/// Why a reader stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// It needs this many bytes, counted from the head's start.
    More(u64),
    /// The bytes are not a valid head.
    Bad(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Bad(error)
    }
}

/// Reads the elements of a head one by one.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    base: u64,
    at: usize,
    is_all: bool,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which begin at position `base` of the stream. `is_all`: the node ends with these bytes.
    pub(super) fn new(bytes: &'a [u8], base: u64, is_all: bool) -> Self {
        Self { bytes, base, at: 0, is_all }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// An error at the current position.
    pub(super) fn bad(&self, reason: impl Into<String>) -> Stop {
        Stop::Bad(malformed(self.base + self.at as u64, reason))
    }

    // The next `count` bytes, without taking them.
    fn peek(&self, count: usize) -> Result<&'a [u8], Stop> {
        match self.bytes[self.at..].get(..count) {
            Some(bytes) => Ok(bytes),
            None if self.is_all => Err(self.bad("an element is cut short")),
            None => Err(Stop::More((self.at + count) as u64)),
        }
    }

    fn prefix(&self) -> Result<(u64, u64), Stop> {
        let prefix = self.peek(PREFIX)?;
        Ok((u64_at(prefix, 0), u64_at(prefix, 8)))
    }

    // Reads an element whose size was checked against a cap, and returns its body.
    fn take(&mut self, size: u64) -> Result<&'a [u8], Stop> {
        let size = usize::try_from(size).map_err(|_| self.bad("an element is too large"))?;
        let element = self.peek(size)?;
        self.at += size;
        Ok(&element[PREFIX..])
    }

    // Reads an element that is one string of at most `max` bytes.
    fn text(&mut self, size: u64, max: usize) -> Result<String, Stop> {
        if size < PREFIX_BYTES + 2 || size > PREFIX_BYTES + max as u64 + 1 {
            return Err(self.bad(format!("a name or link target of {size} bytes")));
        }
        let at = self.at;
        let text = element::string(self.take(size)?).map_err(|reason| malformed(self.base + at as u64, reason))?;
        String::from_utf8(text.to_vec()).map_err(|_| {
            let name = String::from_utf8_lossy(text).into_owned();
            Stop::Bad(Error::UnsafePath { name, reason: "not UTF-8" })
        })
    }

    /// Reads a FILENAME.
    pub(super) fn name(&mut self) -> Result<String, Stop> {
        match self.prefix()? {
            (size, FILENAME) => self.text(size, limits::MAX_NAME_BYTES),
            _ => Err(self.bad("expected a name at the start of a node")),
        }
    }

    /// Reads an ENTRY.
    pub(super) fn entry(&mut self) -> Result<NodeMetadata, Stop> {
        if self.prefix()? != (entry_bytes(), ENTRY) {
            return Err(self.bad("expected an entry at the start of a node"));
        }
        let at = self.base + self.at as u64;
        let body = self.take(entry_bytes())?;
        let field = |number: usize| u64_at(body, number * 8);
        FeatureFlags::from_bits(field(0)).map_err(|e| malformed(at, "its feature flags").caused_by(e))?;
        let mode = u32::try_from(field(1)).map_err(|_| malformed(at, "the mode has unknown bits"))?;
        Ok(NodeMetadata {
            flags: field(0),
            mode,
            attributes: field(2),
            uid: field(3),
            gid: field(4),
            mtime_ns: field(5),
            elements: Vec::new(),
        })
    }

    /// Skips the next element if it is metadata; returns whether it was.
    pub(super) fn skip_metadata(&mut self) -> Result<bool, Stop> {
        if self.is_all && self.at == self.bytes.len() {
            return Ok(false);
        }
        let (size, kind) = self.prefix()?;
        let Some((least, most)) = metadata_bounds(kind) else { return Ok(false) };
        if size < PREFIX_BYTES + least || size > PREFIX_BYTES + most {
            return Err(self.bad(format!("an element of metadata of {size} bytes")));
        }
        let at = self.base + self.at as u64;
        check_metadata(kind, self.take(size)?).map_err(|reason| malformed(at, reason))?;
        Ok(true)
    }

    /// Reads the element that announces the content for this mode.
    pub(super) fn content(&mut self, mode: u32) -> Result<NodeContent, Stop> {
        let expected = FileType::of(mode).ok_or_else(|| self.bad(format!("the mode {mode:#o} is of no known type")))?;
        if expected == FileType::Other {
            return Ok(NodeContent::Other);
        }
        let (size, kind) = self.prefix()?;
        match (expected, kind) {
            (FileType::Directory, FILENAME | GOODBYE) => Ok(NodeContent::Directory),
            (FileType::File, PAYLOAD) if size >= PREFIX_BYTES => {
                self.at += PREFIX;
                Ok(NodeContent::File { size: size - PREFIX_BYTES })
            }
            (FileType::Symlink, SYMLINK) => {
                Ok(NodeContent::Symlink { target: self.text(size, limits::MAX_PATH_BYTES)? })
            }
            (FileType::Device, DEVICE) if size == device_bytes() => {
                let body = self.take(size)?;
                Ok(NodeContent::Device { major: u64_at(body, 0), minor: u64_at(body, 8) })
            }
            _ => Err(self.bad(format!("element {kind:#x} does not follow an entry of mode {mode:#o}"))),
        }
    }
}

/// The file type in a mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileType {
    Directory,
    File,
    Symlink,
    Device,
    Other,
}

impl FileType {
    /// `None` for modes with unknown bits or types.
    pub(super) fn of(mode: u32) -> Option<Self> {
        if mode & !0o177_777 != 0 {
            return None;
        }
        Some(match mode >> 12 {
            0o01 | 0o14 => Self::Other,
            0o02 | 0o06 => Self::Device,
            0o04 => Self::Directory,
            0o10 => Self::File,
            0o12 => Self::Symlink,
            _ => return None,
        })
    }
}
