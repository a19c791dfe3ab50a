//! catar: a tree as one stream, and where in that stream everything stands.
//!
//! ```text
//! ENTRY owner.. ( FILENAME ENTRY .. PAYLOAD bytes )* GOODBYE        the root is a directory
//! \_ head ____/   \_ head ________________/\payload/ \_ table of the directory's children
//! ```
//!
//! A [`Layout`] is a tree's nodes with their offsets. All bytes that are not payload follow from the
//! nodes: [`Layout::segments`] renders them, equal to what casync and desync wrote, and nothing stores
//! them. A layout comes from a listing ([`Layout::build`]), from an archive's end backwards with few
//! reads ([`Walk`]), from a whole archive ([`Forward`]), or from its own serialized form; all four check
//! everything, so a layout that exists is sound: names are safe, links stay inside, payloads tile the
//! stream. No function here touches files; who holds the bytes is the caller's business.
//!
//! Source of the format: casync `caformat.h`, `caencoder.c`, `camakebst.c`; desync `format.go`.

mod build;
mod element;
mod forward;
mod goodbye;
mod head;
mod reader;
mod segments;
mod stored;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use element::{device_bytes, entry_bytes, filename_bytes, goodbye_bytes, payload_header_bytes, symlink_bytes};
pub use forward::{Forward, read_forward};
pub use segments::{Segment, Segments};
pub use walk::Walk;

use crate::error::{Error, Format, Result};
use crate::formats::index::FeatureFlags;
use crate::path::{LinkTarget, RelPath};

/// What an archive says of a node besides its name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeMetadata {
    /// What the archive records; see [`FeatureFlags`].
    pub flags: u64,
    /// `st_mode`: permissions, and the type, which agrees with the content.
    pub mode: u32,
    /// `chattr` and FAT attributes, as the encoder wrote them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attributes: u64,
    /// Owner.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// Group.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u64,
    /// Modification time in nanoseconds since 1970; 0 = not recorded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mtime_ns: u64,
    /// The elements between ENTRY and content as they stand in the archive: owner names, extended
    /// attributes, ACLs, labels. Empty in most trees.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "hex::serde")]
    pub elements: Vec<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(field: &u64) -> bool {
    *field == 0
}

impl NodeMetadata {
    /// What a published tree records: type and permissions, nothing of the machine it was built on.
    pub fn for_tree(mode: u32) -> Self {
        let flags = FeatureFlags::TREE.bits();
        Self { flags, mode, attributes: 0, uid: 0, gid: 0, mtime_ns: 0, elements: Vec::new() }
    }

    /// The same with a modification time, in nanoseconds since 1970.
    #[must_use]
    pub fn with_mtime_ns(self, mtime_ns: u64) -> Self {
        Self { mtime_ns, ..self }
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Its children follow it.
    Directory,
    /// A regular file.
    File {
        /// Where its bytes stand in the stream.
        payload: Range<u64>,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: LinkTarget,
    },
    /// A block or character device.
    Device {
        /// Its driver.
        major: u64,
        /// Its number there.
        minor: u64,
    },
    /// A FIFO or a socket.
    Other,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands in the tree; nothing for the root.
    pub path: Option<RelPath>,
    /// Mode, owner, time.
    pub metadata: NodeMetadata,
    /// Type and content.
    pub kind: NodeKind,
    // In the stream: FILENAME to the last byte that belongs to the node, children included.
    start: u64,
    end: u64,
    // Positions among the nodes: the directory it is in (its own for the root), and the first node behind its subtree.
    parent: u32,
    next: u32,
    children: u32,
}

impl Node {
    /// Its place in the stream: name, head, content, children and table.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// Bytes of content: 0 for all but files.
    pub fn payload_bytes(&self) -> u64 {
        match &self.kind {
            NodeKind::File { payload } => payload.end - payload.start,
            _ => 0,
        }
    }
}

/// What [`Layout::build`] makes a [`Node`] of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNode {
    /// Where it stands in the tree; nothing for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// Mode, owner, time. The mode's type must agree with the content.
    pub metadata: NodeMetadata,
    /// Type and content.
    pub content: NewContent,
}

/// What a new node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewContent {
    /// Its children are the nodes with its path before theirs.
    Directory,
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points. Checked again against the node's path.
        target: LinkTarget,
    },
    /// A block or character device.
    Device {
        /// Its driver.
        major: u64,
        /// Its number there.
        minor: u64,
    },
    /// A FIFO or a socket.
    Other,
}

/// A tree's nodes in archive order (a directory before its children), each with its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    nodes: Vec<Node>,
}

impl Layout {
    /// The layout of a listing: the root first, then its nodes in any order. Children are put in byte
    /// order of their names, as casync does.
    ///
    /// # Errors
    /// `Invalid` for two nodes of one path, a node whose parent is missing or no directory, a mode that
    /// contradicts its content, and more than [`limits`](crate::limits) allow; `UnsafePath` for links.
    pub fn build(entries: Vec<NewNode>) -> Result<Self> {
        build::sorted(entries)
    }

    /// A blob as a layout: one file without a path, whose payload is the whole stream of `len` bytes.
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

    /// The stream, or a part of it, as pieces in order. A range beyond the end is cut there.
    pub fn segments(&self, range: Range<u64>) -> Segments<'_> {
        Segments::new(self, range)
    }

    /// Refuses two paths that are one on a disk which folds case.
    pub fn check_case_collisions(&self) -> Result<()> {
        let mut seen = HashSet::with_capacity(self.nodes.len());
        for path in self.nodes.iter().filter_map(|node| node.path.as_ref()) {
            if !seen.insert(path.folded()) {
                let reason = "differs only in case from another name beside it";
                return Err(Error::UnsafePath { name: path.as_str().to_owned(), reason });
            }
        }
        Ok(())
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
    Error::Malformed { format: Format::Archive, offset, reason: reason.into() }
}
