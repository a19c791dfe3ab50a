//! Computes offsets from a list of nodes: one pass in archive order, with a stack of open directories.

use std::cmp::Ordering;

use super::element::goodbye_bytes;
use super::{Layout, NewContent, NewNode, Node, NodeKind, NodeMetadata, head, links};
use crate::error::{Error, Result};
use crate::limits;
use crate::path::{LinkTarget, RelPath};

/// Makes the error for the node that begins at this byte of the stream.
pub(super) type Blame<'a> = &'a dyn Fn(u64, String) -> Error;

/// The layout of nodes in any order; children are sorted by the bytes of their names.
pub(super) fn sorted(mut entries: Vec<NewNode>) -> Result<Layout> {
    entries.sort_by(|a, b| order(a.path.as_ref(), b.path.as_ref()));
    in_order(entries.len(), entries.into_iter(), &|_, reason| Error::invalid("tree", reason))
}

/// The layout of `count` nodes in archive order: directories before their children, whose order is preserved.
pub(super) fn in_order(count: usize, entries: impl Iterator<Item = NewNode>, blame: Blame<'_>) -> Result<Layout> {
    if count > limits::MAX_ARCHIVE_ENTRIES {
        return Err(blame(0, format!("more than {} nodes", limits::MAX_ARCHIVE_ENTRIES)));
    }
    let mut builder = Builder { nodes: Vec::with_capacity(count), open: Vec::new(), kept: Kept::default(), at: 0 };
    for entry in entries {
        let name = entry.path.clone();
        builder.add(entry).map_err(|flaw| match (flaw, name) {
            (Flaw::Reason(reason), None) => blame(builder.at, format!("the root: {reason}")),
            (Flaw::Reason(reason), Some(path)) => blame(builder.at, format!("{path}: {reason}")),
            (Flaw::Error(error), _) => error,
        })?;
    }
    if builder.nodes.is_empty() {
        return Err(blame(0, "the tree has no root".into()));
    }
    while builder.close().map_err(|reason| blame(0, reason))? {}
    let layout = Layout { nodes: builder.nodes };
    match duplicate(&layout.nodes) {
        Some((start, path)) => Err(blame(start, format!("{path} occurs twice"))),
        None => links::check(&layout).map(|()| layout),
    }
}

/// The one node of a blob.
pub(super) fn blob(len: u64) -> Node {
    Node {
        path: None,
        metadata: NodeMetadata::for_tree(0o100_644),
        kind: NodeKind::File { payload: 0..len },
        start: 0,
        end: len,
        parent: 0,
        next: 1,
        children: 0,
    }
}

enum Flaw {
    Reason(String),
    Error(Error),
}

impl From<String> for Flaw {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

/// Total size of the nodes' text: an archive that repeats a few chunks can name far more than its own size.
#[derive(Debug, Default)]
pub(super) struct Kept(u64);

impl Kept {
    /// Adds the text of this node.
    pub(super) fn add(&mut self, node: &NewNode) -> Result<(), String> {
        let target = if let NewContent::Symlink { target } = &node.content { target.as_str().len() } else { 0 };
        let path = node.path.as_ref().map_or(0, |path| path.as_str().len());
        self.0 += (path + target + node.metadata.elements.len()) as u64;
        match self.0 {
            0..=limits::MAX_ARCHIVE_TEXT_BYTES => Ok(()),
            _ => Err(format!("more than {} bytes of paths and metadata", limits::MAX_ARCHIVE_TEXT_BYTES)),
        }
    }
}

struct Builder {
    nodes: Vec<Node>,
    // Positions of the directories that enclose the next node, outermost first.
    open: Vec<u32>,
    kept: Kept,
    at: u64,
}

impl Builder {
    fn add(&mut self, entry: NewNode) -> Result<(), Flaw> {
        let parent = self.enter(entry.path.as_ref())?;
        head::check(&entry)?;
        self.kept.add(&entry)?;
        let position = self.position();
        let start = self.at;
        let head_end = self.skip(head::bytes_of(&entry))?;
        let kind = match entry.content {
            NewContent::Directory => {
                self.open.push(position);
                NodeKind::Directory
            }
            NewContent::File { size } => NodeKind::File { payload: head_end..self.skip(size)? },
            NewContent::Symlink { target } => {
                let link = entry.path.as_ref().ok_or_else(|| "the root cannot be a link".to_owned())?;
                NodeKind::Symlink { target: LinkTarget::new(link, target.as_str()).map_err(Flaw::Error)? }
            }
            NewContent::Device { major, minor } => NodeKind::Device { major, minor },
            NewContent::Other => NodeKind::Other,
        };
        let NewNode { path, metadata, .. } = entry;
        let next = position + 1;
        self.nodes.push(Node { path, metadata, kind, start, end: self.at, parent, next, children: 0 });
        if parent != position {
            self.nodes[parent as usize].children += 1;
        }
        Ok(())
    }

    // Closes directories until the innermost open one is the parent of this path; returns its position.
    fn enter(&mut self, path: Option<&RelPath>) -> Result<u32, String> {
        let Some(path) = path else {
            return if self.nodes.is_empty() { Ok(0) } else { Err("the tree has a second root".into()) };
        };
        while let Some(&last) = self.open.last() {
            if is_parent(self.nodes[last as usize].path.as_ref(), path) {
                return match self.open.len() {
                    0..=limits::MAX_ARCHIVE_DEPTH => Ok(last),
                    _ => Err(format!("more than {} directories deep", limits::MAX_ARCHIVE_DEPTH)),
                };
            }
            self.close()?;
        }
        Err("its parent directory is not listed before it".into())
    }

    // Closes the innermost open directory; false if there is none.
    fn close(&mut self) -> Result<bool, String> {
        let Some(last) = self.open.pop() else { return Ok(false) };
        let end = self.skip(goodbye_bytes(self.nodes[last as usize].children))?;
        let next = self.position();
        let node = &mut self.nodes[last as usize];
        (node.end, node.next) = (end, next);
        Ok(true)
    }

    fn skip(&mut self, bytes: u64) -> Result<u64, String> {
        self.at = self.at.checked_add(bytes).ok_or("the tree has more than 2^64 bytes")?;
        Ok(self.at)
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_ARCHIVE_ENTRIES")]
    fn position(&self) -> u32 {
        self.nodes.len() as u32
    }
}

fn is_parent(directory: Option<&RelPath>, path: &RelPath) -> bool {
    directory.map(RelPath::as_str) == path.as_str().rsplit_once('/').map(|(parent, _)| parent)
}

/// Byte order of names, directory by directory. `/` becomes a byte that is lower than any in a name.
fn order(a: Option<&RelPath>, b: Option<&RelPath>) -> Ordering {
    fn key(path: &RelPath) -> impl Iterator<Item = u8> {
        path.as_str().bytes().map(|b| if b == b'/' { 0 } else { b })
    }
    match (a, b) {
        (Some(a), Some(b)) => key(a).cmp(key(b)),
        _ => a.cmp(&b),
    }
}

fn duplicate(nodes: &[Node]) -> Option<(u64, &RelPath)> {
    let less = |a: &Node, b: &Node| order(a.path.as_ref(), b.path.as_ref()) == Ordering::Less;
    if nodes.is_sorted_by(less) {
        return None;
    }
    let mut positions: Vec<usize> = (0..nodes.len()).collect();
    positions.sort_by(|&a, &b| nodes[a].path.cmp(&nodes[b].path));
    let twice = positions.windows(2).find(|pair| nodes[pair[0]].path == nodes[pair[1]].path)?;
    let again = &nodes[twice[1]];
    again.path.as_ref().map(|path| (again.start, path))
}
