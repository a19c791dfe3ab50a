//! Reads the directory of a Godot pack (`GDPC`), alone or at the end of a program: enough to tell whether two packs
//! contain the same files.
//!
//! Source of the format: Godot `core/io/file_access_pack.cpp` and `pck_packer.cpp`, format versions 1 to 4.
//!
//! ```text
//! "GDPC"  u32 format  u32 major, minor, patch of the engine
//! from 2: u32 flags (1: the directory is encrypted)  u64 where the files begin
//! from 3: u64 where the directory begins, from "GDPC"      up to 2: it follows 16 reserved words
//! directory: u32 count, then for each file: u32 length, path, u64 offset, u64 size, MD5, from 2: u32 flags
//! a pack in a program ends with: u64 its length  "GDPC"
//! ```
//!
//! Godot fills the gaps between files with random bytes, so two exports of one project differ in almost every chunk
//! even if every file in them is the same.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::error::Result;

/// Reads bytes of a file. Never asked for more than the largest directory.
pub(super) type Read<'a> = &'a dyn Fn(Range<u64>) -> Result<Vec<u8>>;

const MAGIC: [u8; 4] = *b"GDPC";
const DIRECTORY_ENCRYPTED: u32 = 1;
// The largest header: format 3 and later reserve more space than they use.
const HEADER_BYTES: u64 = 96;
const TRAILER_BYTES: u64 = 12;
// Enough for a hundred thousand files with long paths; V-Sekai's pack has 3,006 files in 300 KB.
const MAX_DIRECTORY_BYTES: u64 = 32 << 20;
const MAX_PATH_BYTES: usize = 4096;

/// A pack's position in its file, and a digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pack {
    /// Where it begins: 0, or after the program that contains it.
    pub(super) start: u64,
    /// Equal for two packs of the same engine version with the same files.
    pub(super) contents: [u8; 32],
}

/// Finds the pack in a file of `size` bytes. `None` if there is none, if its directory is encrypted or lacks digests,
/// or if it is damaged: then there is nothing to compare.
pub(super) fn read(size: u64, read: Read<'_>) -> Result<Option<Pack>> {
    let Some(start) = find(size, read)? else { return Ok(None) };
    let header = read(start..size.min(start + HEADER_BYTES))?;
    let Some(header) = Header::parse(&header) else { return Ok(None) };
    let Some(begin) = start.checked_add(header.directory).filter(|begin| *begin < size) else { return Ok(None) };
    let directory = read(begin..size.min(begin + MAX_DIRECTORY_BYTES))?;
    Ok(digest(&header, &directory).map(|contents| Pack { start, contents }))
}

fn find(size: u64, read: Read<'_>) -> Result<Option<u64>> {
    if size < HEADER_BYTES {
        return Ok(None);
    }
    if read(0..4)? == MAGIC {
        return Ok(Some(0));
    }
    let trailer = read(size - TRAILER_BYTES..size)?;
    let mut fields = Fields(&trailer);
    let (Some(length), true) = (fields.u64(), fields.0 == MAGIC) else { return Ok(None) };
    let Some(start) = (size - TRAILER_BYTES).checked_sub(length) else { return Ok(None) };
    if length < HEADER_BYTES || read(start..start + 4)? != MAGIC {
        return Ok(None);
    }
    Ok(Some(start))
}

struct Header {
    format: u32,
    engine: [u32; 3],
    flags: u32,
    // Relative to the beginning of the pack.
    directory: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.get(4..)?);
        let format = fields.u32()?;
        let engine = [fields.u32()?, fields.u32()?, fields.u32()?];
        let (flags, directory) = match format {
            1 => (0, 84),
            2 => (fields.u32()?, 96),
            3 | 4 => {
                let flags = fields.u32()?;
                fields.u64()?;
                (flags, fields.u64()?)
            }
            _ => return None,
        };
        (flags & DIRECTORY_ENCRYPTED == 0).then_some(Self { format, engine, flags, directory })
    }
}

fn digest(header: &Header, directory: &[u8]) -> Option<[u8; 32]> {
    let mut fields = Fields(directory);
    let count = fields.u32()?;
    let mut files = Vec::new();
    let mut has_digests = false;
    for _ in 0..count {
        let length = usize::try_from(fields.u32()?).ok().filter(|length| *length <= MAX_PATH_BYTES)?;
        let path = fields.take(length)?;
        fields.u64()?;
        let size = fields.u64()?;
        let md5 = fields.take(16)?;
        let flags = if header.format >= 2 { fields.u32()? } else { 0 };
        has_digests |= md5.iter().any(|byte| *byte != 0);
        files.push((path, size, md5, flags));
    }
    files.sort_unstable();
    let mut hasher = Sha256::new();
    for number in [header.format, header.flags, header.engine[0], header.engine[1], header.engine[2]] {
        hasher.update(number.to_le_bytes());
    }
    for (path, size, md5, flags) in files {
        hasher.update((path.len() as u64).to_le_bytes());
        hasher.update(path);
        hasher.update(size.to_le_bytes());
        hasher.update(md5);
        hasher.update(flags.to_le_bytes());
    }
    has_digests.then(|| hasher.finalize().into())
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}
