//! Renders the stream of a layout, piece by piece.

use std::borrow::Cow;
use std::ops::Range;

use super::element::{filename_bytes, goodbye_bytes};
use super::goodbye::{self, Item, name_hash};
use super::{Layout, Node, NodeKind, head};

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Bytes that the archive itself adds: heads and tables.
    Header(Cow<'a, [u8]>),
    /// Bytes of a file's content.
    Payload {
        /// Position of the file in [`Layout::nodes`].
        node: usize,
        /// Where the piece begins in the file, in bytes.
        offset: u64,
        /// Length in bytes; never 0.
        len: u64,
    },
}

impl Segment<'_> {
    /// Length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Header(bytes) => bytes.len() as u64,
            Self::Payload { len, .. } => *len,
        }
    }
}

/// Iterator over the pieces of a range; see [`Layout::segments`].
///
/// A directory's table is one piece. An iterator renders it once, but every iterator that begins inside it renders it
/// again.
#[derive(Debug)]
pub struct Segments<'a> {
    layout: &'a Layout,
    at: u64,
    end: u64,
}

impl<'a> Segments<'a> {
    pub(super) fn new(layout: &'a Layout, range: Range<u64>) -> Self {
        Self { layout, at: range.start, end: range.end.min(layout.stream_bytes()) }
    }

    // The part of `whole` from the current position to the end of the range.
    #[expect(clippy::cast_possible_truncation, reason = "offsets into a buffer")]
    fn header(&mut self, mut whole: Vec<u8>, start: u64) -> Segment<'a> {
        let wanted = (self.end.min(start + whole.len() as u64) - start) as usize;
        let skipped = (self.at - start) as usize;
        whole.truncate(wanted);
        whole.drain(..skipped);
        self.at = start + wanted as u64;
        Segment::Header(Cow::Owned(whole))
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if self.at >= self.end {
            return None;
        }
        let position = self.layout.node_at(self.at);
        let node = &self.layout.nodes[position];
        if self.at < node.head_end() {
            return Some(self.header(head::render(node), node.start));
        }
        if let NodeKind::File { payload } = &node.kind {
            let (offset, end) = (self.at - payload.start, payload.end.min(self.end));
            let len = end - self.at;
            self.at = end;
            return Some(Segment::Payload { node: position, offset, len });
        }
        let start = node.end - goodbye_bytes(node.children);
        Some(self.header(self.layout.goodbye(position, start), start))
    }
}

impl Layout {
    // The innermost node whose range contains this byte of the stream.
    fn node_at(&self, at: u64) -> usize {
        let mut position = self.nodes.partition_point(|node| node.start <= at).saturating_sub(1);
        while at >= self.nodes[position].end && position > 0 {
            position = self.nodes[position].parent as usize;
        }
        position
    }

    fn goodbye(&self, directory: usize, start: u64) -> Vec<u8> {
        let items = self.children(directory).map(|child| Item {
            start: child.start,
            end: child.end,
            hash: child.path.as_ref().map_or(0, |path| name_hash(path.file_name())),
        });
        goodbye::render(items.collect(), self.nodes[directory].entry_start(), start)
    }
}

impl Node {
    fn entry_start(&self) -> u64 {
        self.start + self.path.as_ref().map_or(0, |path| filename_bytes(path.file_name()))
    }

    // End of the head: start of the content, the first child or the table.
    fn head_end(&self) -> u64 {
        match &self.kind {
            NodeKind::File { payload } => payload.start,
            NodeKind::Directory => self.entry_start() + super::entry_bytes() + self.metadata.elements.len() as u64,
            _ => self.end,
        }
    }
}
