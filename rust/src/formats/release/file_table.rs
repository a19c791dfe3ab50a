//! The file table: a version's files, with enough data to plan an update and to render the stream's headers.
//!
//! zstd( one JSON object ):
//!
//! ```text
//! {"schema":1, "stream_bytes":N, "flags":F, "entries":[
//!    {"kind":"directory","mode":16877},                                           the root, without a path
//!    {"path":"bin/game","kind":"file","mode":33261,"size":7,"sha256":"…","start":160},
//!    {"path":"latest","kind":"symlink","mode":41471,"target":"bin/game"} ]}
//! ```
//!
//! `mode` is `st_mode`; `start` is the position of the content in the stream; `flags` are the archive's feature flags.
//! An entry with other flags has its own `flags`; `uid`, `gid`, `mtime_ns`, `attributes` and the `elements` of its head
//! appear in trees made by casync or desync. Entries are in archive order.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::archive::{Layout, NewContent, NewNode, Node, NodeKind, NodeMetadata};
use crate::formats::index::Index;
use crate::limits;
use crate::path::{LinkTarget, RelPath};

mod guard;

use guard::Guard;

const SCHEMA: u32 = 1;

/// zstd level: the table is made once and fetched often.
const LEVEL: i32 = 15;
const KEPT_LEVEL: i32 = 1;

/// A version's tree with the digest of every file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTable {
    layout: Layout,
    /// One for each node of the layout; `None` unless it is a file.
    digests: Vec<Option<Digest>>,
}

#[derive(Serialize, Deserialize)]
struct Table {
    schema: u32,
    stream_bytes: u64,
    flags: u64,
    entries: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Directory,
    File,
    Symlink,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(field: &u64) -> bool {
    *field == 0
}

#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<RelPath>,
    kind: Kind,
    mode: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flags: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    attributes: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    uid: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    gid: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    mtime_ns: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "hex::serde")]
    elements: Vec<u8>,
}

impl FileTable {
    /// The table of a tree. `digest_of` returns the SHA-256 of the file at a position in the layout.
    ///
    /// # Errors
    /// `unsupported` for nodes other than files, folders and links: a game has no use for them.
    pub fn new(layout: Layout, digest_of: &dyn Fn(usize) -> Option<Digest>) -> Result<Self> {
        let mut digests = Vec::with_capacity(layout.nodes().len());
        for (at, node) in layout.nodes().iter().enumerate() {
            let name = || node.path.as_ref().map_or_else(|| "the tree".to_owned(), ToString::to_string);
            digests.push(match &node.kind {
                NodeKind::File { .. } if node.path.is_some() => {
                    Some(digest_of(at).ok_or_else(|| malformed(format!("{} has no digest", name())))?)
                }
                NodeKind::Directory | NodeKind::Symlink { .. } => None,
                _ => return Err(Error::unsupported(format!("{} is not a file, folder or link", name()))),
            });
        }
        Ok(Self { layout, digests })
    }

    /// Parses a published table and checks it against the index of the same version.
    pub fn parse(packed: &[u8], index: &Index) -> Result<Self> {
        if packed.len() as u64 > limits::MAX_FILE_TABLE_BYTES {
            return Err(malformed(format!("it has {} bytes", packed.len())));
        }
        let decoder =
            zstd::stream::Decoder::new(packed).map_err(|e| malformed("it does not decompress").caused_by(e))?;
        let decoder = decoder.take(limits::MAX_FILE_TABLE_PLAIN_BYTES);
        let reader = BufReader::new(Guard::new(decoder, index.stream_bytes()));
        let table: Table = serde_json::from_reader(reader).map_err(|e| malformed("it does not parse").caused_by(e))?;
        let found = Self::from_table(table)?;
        if found.layout.stream_bytes() != index.stream_bytes() {
            let (table, index) = (found.layout.stream_bytes(), index.stream_bytes());
            return Err(malformed(format!("its stream has {table} bytes, that of the index {index}")));
        }
        Ok(found)
    }

    fn from_table(table: Table) -> Result<Self> {
        if table.schema != SCHEMA {
            let needed = format!("file table schema {}", table.schema);
            return Err(Error::LauncherTooOld { what: "This version".to_owned(), needed });
        }
        let mut expected: HashMap<RelPath, (Option<Digest>, Option<u64>)> = HashMap::new();
        let mut nodes = Vec::with_capacity(table.entries.len().min(limits::MAX_ARCHIVE_ENTRIES));
        for row in table.entries {
            if let (Kind::File, Some(path)) = (row.kind, &row.path) {
                expected.insert(path.clone(), (row.sha256, row.start));
            }
            nodes.push(row.into_node(table.flags)?);
        }
        let layout = Layout::build(nodes).map_err(|e| malformed("its entries make no archive").caused_by(e))?;
        if layout.stream_bytes() != table.stream_bytes {
            return Err(malformed(format!("its entries make {} bytes", layout.stream_bytes())));
        }
        let mut digests = Vec::with_capacity(layout.nodes().len());
        for node in layout.nodes() {
            digests.push(match (&node.kind, &node.path) {
                (NodeKind::File { payload }, Some(path)) => match expected.get(path) {
                    Some((Some(digest), Some(start))) if *start == payload.start => Some(*digest),
                    _ => return Err(malformed(format!("{path} has no digest, or is elsewhere in the stream"))),
                },
                _ => None,
            });
        }
        Ok(Self { layout, digests })
    }

    /// Serializes the table for publication.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.packed(LEVEL)
    }

    /// Serializes the table for local use: larger, but fast.
    pub fn to_kept_bytes(&self) -> Result<Vec<u8>> {
        self.packed(KEPT_LEVEL)
    }

    fn packed(&self, level: i32) -> Result<Vec<u8>> {
        let plain =
            serde_json::to_vec(&self.to_table()).map_err(|e| malformed("it cannot be written as JSON").caused_by(e))?;
        zstd::bulk::compress(&plain, level).map_err(|e| malformed("it cannot be compressed").caused_by(e))
    }

    /// Serializes the table for a [bundle](crate::formats::bundle), without redundant fields, so that the tables of two
    /// versions differ only where files changed.
    pub fn to_document(&self) -> Result<Vec<u8>> {
        let mut table = self.to_table();
        table.entries.iter_mut().for_each(|row| row.start = None);
        serde_json::to_vec(&table).map_err(|e| malformed("it cannot be written as JSON").caused_by(e))
    }

    /// Parses the result of [`FileTable::to_document`].
    pub fn of_document(plain: &[u8], index: &Index) -> Result<Self> {
        let looked = std::io::copy(&mut Guard::new(plain, index.stream_bytes()), &mut std::io::sink());
        looked.map_err(|e| malformed("it is larger than it may be").caused_by(e))?;
        let table: Table = serde_json::from_slice(plain).map_err(|e| malformed("it does not parse").caused_by(e))?;
        let mut rows: HashMap<RelPath, Digest> = HashMap::new();
        for row in &table.entries {
            if let (Kind::File, Some(path), Some(digest)) = (row.kind, &row.path, row.sha256) {
                rows.insert(path.clone(), digest);
            }
        }
        let nodes = table.entries.into_iter().map(|row| row.into_node(table.flags)).collect::<Result<_>>()?;
        let layout = Layout::build(nodes).map_err(|e| malformed("its entries make no archive").caused_by(e))?;
        let digests = layout.nodes().iter().map(|node| node.path.as_ref().and_then(|path| rows.get(path)).copied());
        let digests: Vec<Option<Digest>> = digests.collect();
        if layout.stream_bytes() != index.stream_bytes() {
            return Err(malformed("its stream does not have the length of the index's stream"));
        }
        Self::new(layout, &|node| digests.get(node).copied().flatten())
    }

    fn to_table(&self) -> Table {
        let flags = self.layout.nodes().first().map_or(0, |root| root.metadata.flags);
        let rows = self.layout.nodes().iter().zip(&self.digests);
        let entries = rows.map(|(node, digest)| Row::of(node, *digest, flags)).collect();
        Table { schema: SCHEMA, stream_bytes: self.layout.stream_bytes(), flags, entries }
    }

    /// The tree's layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The digest of the file at this position of the layout; `None` if the node is not a file.
    pub fn digest(&self, node: usize) -> Option<Digest> {
        self.digests.get(node).copied().flatten()
    }

    /// All files: position in the layout, path, size in bytes and digest.
    pub fn files(&self) -> impl Iterator<Item = (usize, &RelPath, u64, Digest)> {
        let rows = self.layout.nodes().iter().zip(&self.digests).enumerate();
        rows.filter_map(|(at, (node, digest))| Some((at, node.path.as_ref()?, node.payload_bytes(), (*digest)?)))
    }

    /// The layout position of the file at this path.
    pub fn find(&self, path: &RelPath) -> Option<usize> {
        self.files().find(|(_, found, ..)| *found == path).map(|(at, ..)| at)
    }
}

impl Row {
    fn of(node: &Node, digest: Option<Digest>, flags: u64) -> Self {
        let (kind, size, start, target) = match &node.kind {
            NodeKind::File { payload } => (Kind::File, Some(node.payload_bytes()), Some(payload.start), None),
            NodeKind::Symlink { target } => (Kind::Symlink, None, None, Some(target.as_str().to_owned())),
            _ => (Kind::Directory, None, None, None),
        };
        let metadata = &node.metadata;
        Self {
            path: node.path.clone(),
            kind,
            mode: metadata.mode,
            size,
            sha256: digest,
            start,
            target,
            flags: (metadata.flags != flags).then_some(metadata.flags),
            attributes: metadata.attributes,
            uid: metadata.uid,
            gid: metadata.gid,
            mtime_ns: metadata.mtime_ns,
            elements: metadata.elements.clone(),
        }
    }

    fn into_node(self, flags: u64) -> Result<NewNode> {
        let content = match (self.kind, self.size, self.target, &self.path) {
            (Kind::Directory, None, None, _) => NewContent::Directory,
            (Kind::File, Some(size), None, Some(_)) => NewContent::File { size },
            (Kind::Symlink, None, Some(target), Some(path)) => {
                NewContent::Symlink { target: LinkTarget::new(path, &target)? }
            }
            _ => return Err(malformed("an entry has the fields of another kind")),
        };
        let metadata = NodeMetadata {
            flags: self.flags.unwrap_or(flags),
            mode: self.mode,
            attributes: self.attributes,
            uid: self.uid,
            gid: self.gid,
            mtime_ns: self.mtime_ns,
            elements: self.elements,
        };
        Ok(NewNode { path: self.path, metadata, content })
    }
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::FileTable, 0, reason)
}
