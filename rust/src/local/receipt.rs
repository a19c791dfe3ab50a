//! The record that an extract leaves next to its destination, so that the next one need not read the installed files.
//!
//! For a destination `games/v-sekai`, the folder `games/.v-sekai.vsekai/` contains
//!
//! ```text
//! receipt        zstd( one line of JSON: layout, times of the files; then the index as published )
//! receipt.new    the same for a tree that is about to become current
//! staging-<8 hex of the index>/   the tree being built, its layout, and the chunks that the layout was read from
//! lock           held while an extract runs
//! ```
//!
//! A receipt belongs to a tree if it names the identity (device and inode) of the tree's top folder. This distinguishes
//! a kill before the switch from one between the switch and the renaming of `receipt.new`. A lost receipt costs only
//! time: the tree is then read again.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Format, Result};
use crate::formats::archive::{Layout, NodeKind};
use crate::formats::index::Index;
use crate::limits;
use crate::local::disk::{self, Durability};

const SCHEMA: u32 = 1;

/// Size, time and mode of a file when it was installed; if they are the same now, it was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    mtime_ns: u64,
    mode: u32,
}

impl Stamp {
    /// The current stamp of the file at `path`; `None` if it is not a regular file.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self { size: found.len(), mtime_ns: disk::mtime_ns(&found), mode: disk::mode(&found) })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    schema: u32,
    root: Option<(u64, u64)>,
    /// Set if the tree was not synced: the receipt is then trusted only until the next boot.
    unsynced_boot: Option<String>,
    /// One entry for each node of the layout; `None` unless it is a file.
    stamps: Vec<Option<Stamp>>,
    layout: Layout,
}

/// A tree or file that we installed: its intended content, and the stamps of its files.
#[derive(Debug)]
pub struct Receipt {
    /// The index as published.
    pub index: Index,
    /// The tree's layout.
    pub layout: Layout,
    stamps: Vec<Option<Stamp>>,
    trusted: bool,
}

impl Receipt {
    /// Writes the receipt of the current tree at `root` to `path`.
    pub fn write(path: &Path, root: &Path, index: &Index, layout: &Layout, durability: Durability) -> Result<()> {
        let metadata = fs::symlink_metadata(root).map_err(Error::io("read", root))?;
        let stamps = stamps(root, layout);
        let unsynced_boot = match durability {
            Durability::Kill => Some(disk::boot_id().unwrap_or_default()),
            Durability::PowerCut => None,
        };
        let header = Header {
            schema: SCHEMA,
            root: disk::identity(root, &metadata),
            unsynced_boot,
            stamps,
            layout: layout.clone(),
        };
        let mut plain =
            serde_json::to_vec(&header).map_err(|e| malformed("it cannot be written as JSON").caused_by(e))?;
        plain.push(b'\n');
        plain.extend_from_slice(&index.to_bytes());
        let packed = zstd::bulk::compress(&plain, 1).map_err(Error::io("pack", path))?;
        disk::write_atomic(path, &packed, durability)
    }

    /// Reads the receipt at `path`; `None` if there is none, or if it belongs to another tree than `root`.
    pub fn read(path: &Path, root: &Path) -> Result<Option<Self>> {
        let Some(packed) = disk::read_if_exists(path, limits::MAX_RECEIPT_BYTES)? else { return Ok(None) };
        let (header, index) = parse(&packed)?;
        let identity = fs::symlink_metadata(root).ok().and_then(|found| disk::identity(root, &found));
        if header.root != identity || header.stamps.len() != header.layout.nodes().len() {
            return Ok(None);
        }
        let trusted = header.unsynced_boot.is_none() || header.unsynced_boot == disk::boot_id();
        Ok(Some(Self { index, layout: header.layout, stamps: header.stamps, trusted }))
    }

    /// Whether file `node` is unchanged since it was installed, judged by its stamp without reading it.
    pub fn is_untouched(&self, node: usize, root: &Path) -> bool {
        let Some(Some(stamp)) = self.stamps.get(node) else { return false };
        let path = self.layout.nodes()[node].path.as_ref().map_or(root.to_owned(), |path| path.below(root));
        self.trusted && Stamp::of(&path) == Some(*stamp)
    }
}

fn stamps(root: &Path, layout: &Layout) -> Vec<Option<Stamp>> {
    let of = |node: &crate::formats::archive::Node| match (&node.kind, &node.path) {
        (NodeKind::File { .. }, Some(path)) => Stamp::of(&path.below(root)),
        (NodeKind::File { .. }, None) => Stamp::of(root),
        _ => None,
    };
    layout.nodes().iter().map(of).collect()
}

fn parse(packed: &[u8]) -> Result<(Header, Index)> {
    let mut plain = Vec::new();
    let reader = zstd::stream::Decoder::new(packed).map_err(|e| malformed("it does not decompress").caused_by(e))?;
    let mut reader = reader.take(limits::MAX_RECEIPT_BYTES * 4);
    reader.read_to_end(&mut plain).map_err(|e| malformed("it does not decompress").caused_by(e))?;
    let end = plain.iter().position(|byte| *byte == b'\n').ok_or_else(|| malformed("its first line does not end"))?;
    let header: Header =
        serde_json::from_slice(&plain[..end]).map_err(|e| malformed("it does not parse").caused_by(e))?;
    if header.schema != SCHEMA {
        return Err(malformed(format!("unknown schema {}", header.schema)));
    }
    Ok((header, Index::parse(&plain[end + 1..])?))
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::Receipt, 0, reason)
}

/// The working folder next to a destination; see the module's documentation.
#[derive(Debug, Clone)]
pub struct Workplace {
    root: PathBuf,
    folder: PathBuf,
}

impl Workplace {
    /// The workplace of the destination `root`, whose parent must exist. Creates nothing.
    pub fn of(root: &Path) -> Result<Self> {
        let absolute = std::path::absolute(root).map_err(Error::io("find", root))?;
        // A destination may be a link to a folder elsewhere; the workplace is next to that folder.
        let absolute = match disk::canonicalize(&absolute) {
            Ok(real) => real,
            Err(e) if e.kind() == io::ErrorKind::NotFound => absolute,
            Err(e) => return Err(Error::io("find", root)(e)),
        };
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(Error::invalid("destination", format!("{} is a whole disk", root.display())));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".vsekai");
        let folder = parent.join(hidden);
        Ok(Self { root: absolute.clone(), folder })
    }

    /// The destination, with links resolved.
    pub fn destination(&self) -> &Path {
        &self.root
    }

    /// The working folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The receipt of the tree at the destination. An unreadable one counts as missing.
    pub fn receipt(&self) -> Option<Receipt> {
        let read = |name: &str| Receipt::read(&self.join(name), &self.root).ok().flatten();
        read("receipt.new").or_else(|| read("receipt"))
    }
}
