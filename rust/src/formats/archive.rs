//! catar: a tree as one stream of bytes, and the position of everything in it.
//!
//! ```text
//! ENTRY owner.. ( FILENAME ENTRY .. PAYLOAD bytes )* GOODBYE        the root is a directory
//! \_ head ____/   \_ head ________________/\payload/ \_ table of the directory's children
//! ```
//!
//! A [`Layout`] is a tree's nodes with their offsets. All bytes other than payload follow from the nodes:
//! [`Layout::segments`] renders them exactly as casync and desync write them, so they are never stored. A layout is
//! made from a listing ([`Layout::build`]), from an archive's end backwards with few reads ([`Walk`]), from a whole
//! archive ([`Forward`]), or from its own serialized form. All four check everything, so every layout is valid: names
//! are safe, links stay inside (also when followed through each other), payloads tile the stream. No function here
//! touches files; the caller supplies the bytes.
//!
//! Source of the format: casync `caformat.h`, `caencoder.c`, `camakebst.c`; desync `format.go`.

mod build;
mod element;
mod forward;
mod goodbye;
mod head;
mod links;
mod reader;
mod segments;
mod stored;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use element::{device_bytes, entry_bytes, filename_bytes, goodbye_bytes, payload_header_bytes, symlink_bytes};
pub use forward::{Forward, Passed, read_forward};
pub use segments::{Segment, Segments};
pub use walk::Walk;

use crate::error::{Error, Format, Result};
use crate::formats::index::FeatureFlags;
use crate::path::{LinkTarget, RelPath};

/// What an archive records about a node in addition to its name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeMetadata {
    /// Which properties the archive records; see [`FeatureFlags`].
    pub flags: u64,
    /// `st_mode`: permissions, and the type, which must match the content.
    pub mode: u32,
    /// `chattr` and FAT attributes, as written by the encoder.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attributes: u64,
    /// Owner's user id.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// Owner's group id.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u64,
    /// Modification time in nanoseconds since 1970; 0 if not recorded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mtime_ns: u64,
    /// The raw elements between ENTRY and content: owner names, extended attributes, ACLs, labels. Empty in most trees.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "hex::serde")]
    pub elements: Vec<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(field: &u64) -> bool {
    *field == 0
}

impl NodeMetadata {
    /// Metadata of a published tree: type and permissions only, nothing about the machine that built it.
    pub fn for_tree(mode: u32) -> Self {
        let flags = FeatureFlags::TREE.bits();
        Self { flags, mode, attributes: 0, uid: 0, gid: 0, mtime_ns: 0, elements: Vec::new() }
    }

    /// The same metadata with a modification time, in nanoseconds since 1970.
    #[must_use]
    pub fn with_mtime_ns(self, mtime_ns: u64) -> Self {
        Self { mtime_ns, ..self }
    }
}

/// The type of a node, with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Its children follow it in the node list.
    Directory,
    /// A regular file.
    File {
        /// Range of its content in the stream, in bytes.
        payload: Range<u64>,
    },
    /// A symbolic link.
    Symlink {
        /// The link's target, checked to stay in the tree.
        target: LinkTarget,
    },
    /// A block or character device.
    Device {
        /// Major device number.
        major: u64,
        /// Minor device number.
        minor: u64,
    },
    /// A FIFO or a socket.
    Other,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Path in the tree; `None` for the root.
    pub path: Option<RelPath>,
    /// Mode, owner, time and other attributes.
    pub metadata: NodeMetadata,
    /// Type and content.
    pub kind: NodeKind,
    // Range in the stream: FILENAME to the last byte of the node, children included.
    start: u64,
    end: u64,
    // Positions in the node list: the parent directory (the root is its own), and the first node after its subtree.
    parent: u32,
    next: u32,
    children: u32,
}

impl Node {
    /// Its range in the stream: name, head, content, children and table.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// Bytes of content: 0 for everything but files.
    pub fn payload_bytes(&self) -> u64 {
        match &self.kind {
            NodeKind::File { payload } => payload.end - payload.start,
            _ => 0,
        }
    }
}

/// A node as given to [`Layout::build`], without offsets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNode {
    /// Path in the tree; `None` for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// Mode, owner, time and other attributes. The mode's type must match the content.
    pub metadata: NodeMetadata,
    /// Type and content.
    pub content: NewContent,
}

/// The type of a new node, with what its content needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewContent {
    /// Its children are the nodes whose paths are below its own.
    Directory,
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// The link's target. Checked again against the node's path.
        target: LinkTarget,
    },
    /// A block or character device.
    Device {
        /// Major device number.
        major: u64,
        /// Minor device number.
        minor: u64,
    },
    /// A FIFO or a socket.
    Other,
}

/// A tree's nodes in archive order (a directory before its children), each with its range in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    nodes: Vec<Node>,
}

impl Layout {
    /// The layout of a listing: the root first, then the other nodes in any order. Children are sorted by the bytes of
    /// their names, as casync does.
    ///
    /// # Errors
    /// `Invalid` for two nodes with the same path, a parent that is missing or not a directory, a mode that contradicts
    /// its content, and anything beyond the [`limits`](crate::limits); `UnsafePath` for links.
    pub fn build(entries: Vec<NewNode>) -> Result<Self> {
        build::sorted(entries)
    }

    /// The layout of a blob: one file without a path, whose payload is the whole stream of `len` bytes.
    pub fn blob(len: u64) -> Self {
        Self { nodes: vec![build::blob(len)] }
    }

    /// All nodes, the root first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Length of the stream, in bytes.
    pub fn stream_bytes(&self) -> u64 {
        self.nodes.first().map_or(0, |root| root.end)
    }

    /// The stream, or a range of it, as pieces in order. The range is cut at the end of the stream.
    pub fn segments(&self, range: Range<u64>) -> Segments<'_> {
        Segments::new(self, range)
    }

    /// Rejects two paths that a case-insensitive disk would treat as one.
    pub fn check_case_collisions(&self) -> Result<()> {
        let mut seen = HashSet::with_capacity(self.nodes.len());
        for path in self.nodes.iter().filter_map(|node| node.path.as_ref()) {
            if !seen.insert(path.folded()) {
                let reason = "differs only in case from another name in the same folder";
                return Err(Error::UnsafePath { name: path.as_str().to_owned(), reason });
            }
        }
        Ok(())
    }

    /// The node that each link leads to in the end, through other links; both as positions. Links that lead nowhere are
    /// not in it.
    pub fn link_ends(&self) -> HashMap<usize, usize> {
        links::targets(self)
    }

    /// The positions of all nodes below the one at this position.
    pub fn below(&self, node: usize) -> Range<usize> {
        node + 1..self.nodes[node].next as usize
    }

    // Children of the directory at this position, in archive order.
    fn children(&self, directory: usize) -> impl Iterator<Item = &Node> {
        let end = self.nodes[directory].next as usize;
        let mut at = directory + 1;
        std::iter::from_fn(move || {
            let node = self.nodes[..end].get(at)?;
            at = node.next as usize;
            Some(node)
        })
    }
}

fn malformed(offset: u64, reason: impl Into<String>) -> Error {
    Error::malformed(Format::Archive, offset, reason.into())
}
