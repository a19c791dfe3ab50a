//! Reads a layout from the front of an archive: every byte passes through, and no content is kept.
//!
//! For archives that arrive as a stream, and for tests of [`Walk`](super::Walk), which accepts the same archives: the
//! tables must match the nodes before them.

use super::build::{self, Kept};
use super::element::{GOODBYE, PREFIX, goodbye_bytes, u64_at};
use super::goodbye::{self, Item, name_hash};
use super::head::{self, Head};
use super::reader::Stop;
use super::{Layout, NewNode, malformed};
use crate::error::Result;
use crate::limits;
use crate::path::RelPath;

/// Bytes of an archive that [`Forward`] has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed<'a> {
    /// Bytes that the archive itself adds: a head, or a table.
    Header(&'a [u8]),
    /// Bytes of a file's content.
    Payload {
        /// Position of the file in [`Layout::nodes`].
        node: usize,
        /// The bytes, which follow those of the file that were passed before.
        bytes: &'a [u8],
    },
}

/// Reads a layout from an archive's bytes as they arrive; does no I/O.
#[derive(Debug, Default)]
pub struct Forward {
    // Unused bytes are those from `used` on; the first of them is at position `at` of the stream.
    buffer: Vec<u8>,
    used: usize,
    at: u64,
    // How many bytes the next step needs, and how many bytes of content follow.
    needed: usize,
    payload: u64,
    nodes: Vec<NewNode>,
    kept: Kept,
    open: Vec<Open>,
}

// A directory whose table has not arrived yet.
#[derive(Debug)]
struct Open {
    path: Option<RelPath>,
    start: u64,
    entry: u64,
    children: Vec<Item>,
}

/// The layout of a whole archive in memory.
pub fn read_forward(archive: &[u8]) -> Result<Layout> {
    let mut forward = Forward::new();
    // In pieces: the reader copies everything that is not content.
    archive.chunks(64 << 10).try_for_each(|piece| forward.feed(piece))?;
    forward.finish()
}

impl Forward {
    /// A reader at the start of an archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts the next bytes of the archive, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.feed_to(bytes, &mut |_| {})
    }

    /// [`feed`](Self::feed) that also shows what it passes, in order and without gaps.
    pub fn feed_to(&mut self, mut bytes: &[u8], show: &mut dyn FnMut(Passed<'_>)) -> Result<()> {
        if self.used == self.buffer.len() {
            let (content, rest) = bytes.split_at(usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len()));
            self.show_payload(content, show);
            self.payload -= content.len() as u64;
            self.at += content.len() as u64;
            bytes = rest;
        }
        self.buffer.extend_from_slice(bytes);
        while self.step(false, show)? {}
        self.buffer.drain(..self.used);
        self.used = 0;
        Ok(())
    }

    /// The layout, once the last byte was fed.
    pub fn finish(self) -> Result<Layout> {
        self.finish_to(&mut |_| {})
    }

    /// [`finish`](Self::finish) that also shows what it passes.
    pub fn finish_to(mut self, show: &mut dyn FnMut(Passed<'_>)) -> Result<Layout> {
        while self.step(true, show)? {}
        if !self.is_done() || self.payload > 0 {
            return Err(malformed(self.at, "the archive is cut short"));
        }
        let layout = build::in_order(self.nodes.len(), self.nodes.into_iter(), &malformed)?;
        if layout.stream_bytes() == self.at {
            Ok(layout)
        } else {
            Err(malformed(layout.stream_bytes(), "the nodes do not add up to the archive"))
        }
    }

    fn show_payload(&self, bytes: &[u8], show: &mut dyn FnMut(Passed<'_>)) {
        if let (Some(node), false) = (self.nodes.len().checked_sub(1), bytes.is_empty()) {
            show(Passed::Payload { node, bytes });
        }
    }

    fn is_done(&self) -> bool {
        !self.nodes.is_empty() && self.open.is_empty()
    }

    fn take(&mut self, count: usize) {
        self.used += count;
        self.at += count as u64;
        self.needed = 0;
    }

    // Consumes one head, one table or some content; false if more bytes must come first.
    fn step(&mut self, is_all: bool, show: &mut dyn FnMut(Passed<'_>)) -> Result<bool> {
        let have = self.buffer.len() - self.used;
        if have == 0 || (have < self.needed && !is_all) {
            return Ok(false);
        }
        if self.payload > 0 {
            let content = usize::try_from(self.payload).unwrap_or(usize::MAX).min(have);
            self.show_payload(&self.buffer[self.used..self.used + content], show);
            self.payload -= content as u64;
            self.take(content);
            return Ok(true);
        }
        if self.is_done() {
            return Err(malformed(self.at, "bytes after the archive's end"));
        }
        let bytes = &self.buffer[self.used..];
        let begin = self.used;
        if !self.open.is_empty() && have >= PREFIX && u64_at(bytes, 8) == GOODBYE {
            let passed = self.table(is_all)?;
            show(Passed::Header(&self.buffer[begin..self.used]));
            return Ok(passed);
        }
        match head::parse(bytes, self.at, self.nodes.is_empty(), is_all) {
            Ok(head) => {
                self.node(head)?;
                show(Passed::Header(&self.buffer[begin..self.used]));
                Ok(true)
            }
            Err(Stop::Bad(error)) => Err(error),
            Err(Stop::More(needed)) => {
                // At least doubled, so that many small attributes are not parsed again one by one.
                self.needed = usize::try_from(needed).unwrap_or(usize::MAX).max(2 * have);
                Ok(false)
            }
        }
    }

    fn node(&mut self, head: Head) -> Result<()> {
        if self.nodes.len() == limits::MAX_ARCHIVE_ENTRIES || self.open.len() > limits::MAX_ARCHIVE_DEPTH {
            return Err(malformed(self.at, "more nodes, or deeper directories, than an archive may have"));
        }
        let start = self.at;
        let entry = start + head.name_bytes;
        let (is_directory, payload) = (head.is_directory(), head.payload_bytes());
        let end = (start + head.bytes).checked_add(payload);
        let end = end.ok_or_else(|| malformed(start, "a file ends past 2^64 bytes"))?;
        self.take(usize::try_from(head.bytes).unwrap_or(usize::MAX));
        let node = head.into_node(self.open.last().and_then(|open| open.path.as_ref()))?;
        self.kept.add(&node).map_err(|reason| malformed(start, reason))?;
        if is_directory {
            self.open.push(Open { path: node.path.clone(), start, entry, children: Vec::new() });
        } else {
            self.payload = payload;
            self.add_child(node.path.as_ref(), start, end);
        }
        self.nodes.push(node);
        Ok(())
    }

    fn table(&mut self, is_all: bool) -> Result<bool> {
        let Some(open) = self.open.last() else { return Ok(false) };
        let bytes = &self.buffer[self.used..];
        let count = u32::try_from(open.children.len()).unwrap_or(u32::MAX);
        let size = goodbye_bytes(count);
        if u64_at(bytes, 0) != size {
            return Err(malformed(self.at, format!("the directory's table has the wrong size for {count} children")));
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some(table) = bytes.get(..size) else {
            self.needed = size;
            return if is_all { Err(malformed(self.at, "the archive is cut short")) } else { Ok(false) };
        };
        if goodbye::render(open.children.clone(), open.entry, self.at) != table {
            return Err(malformed(self.at, "the directory's table does not match its children"));
        }
        self.take(size);
        if let Some(Open { path, start, .. }) = self.open.pop() {
            let end = self.at;
            self.add_child(path.as_ref(), start, end);
        }
        Ok(true)
    }

    fn add_child(&mut self, path: Option<&RelPath>, start: u64, end: u64) {
        if let (Some(open), Some(path)) = (self.open.last_mut(), path) {
            open.children.push(Item { start, end, hash: name_hash(path.file_name()) });
        }
    }
}
