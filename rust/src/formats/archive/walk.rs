//! Reads a layout from an archive's end: only heads and tables are read, never a file's content.
//!
//! Each round requests some ranges, and their bytes determine the next ones. A directory takes two rounds: its head,
//! then its table, which locates all its children at once. Every table must tile the space between the head and itself,
//! every node must end where its table entry says, and every name must hash to its entry. So this reader sees exactly
//! what a reader from the front would see.

use std::ops::Range;

use super::build::{self, Kept};
use super::element::{GOODBYE, GOODBYE_TAIL, ITEM, ITEM_BYTES, goodbye_bytes, u64_at};
use super::goodbye::{self, Item, name_hash};
use super::head;
use super::reader::Stop;
use super::{Layout, NewNode, malformed};
use crate::error::{Error, Result};
use crate::limits;

// First guesses: a head without long attributes; a table of 170 children.
const HEAD_GUESS_BYTES: u64 = 1 << 10;
const TABLE_GUESS_BYTES: u64 = 4 << 10;
// A FILENAME of one letter and an ENTRY.
const MIN_NODE_BYTES: u64 = 18 + 64;

/// Reads the layout of an archive by random access; does no I/O.
///
/// Until [`Walk::wants`] is empty, pass the requested bytes to [`Walk::advance`].
#[derive(Debug)]
pub struct Walk {
    found: Vec<Found>,
    kept: Kept,
    tasks: Vec<Task>,
    wants: Vec<Range<u64>>,
}

#[derive(Debug)]
struct Found {
    node: Option<NewNode>,
    item: Item,
    parent: usize,
    depth: usize,
}

#[derive(Debug)]
struct Task {
    node: usize,
    step: Step,
    want: Range<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Head,
    // Where the directory's ENTRY and first child begin.
    Table { entry: u64, first: u64 },
}

impl Walk {
    /// Starts a walk of an archive of this length, in bytes.
    pub fn new(stream_bytes: u64) -> Result<Self> {
        if stream_bytes == 0 {
            return Err(malformed(0, "the stream is empty"));
        }
        let item = Item { start: 0, end: stream_bytes, hash: 0 };
        let mut walk = Self { found: Vec::new(), kept: Kept::default(), tasks: Vec::new(), wants: Vec::new() };
        walk.expect(item, 0, 0);
        walk.refresh();
        Ok(walk)
    }

    /// Ranges of the stream that are needed next, sorted by start. They may overlap. Empty when finished.
    pub fn wants(&self) -> &[Range<u64>] {
        &self.wants
    }

    /// Calls `read` for each wanted range. `None` means not available yet: the range stays wanted.
    ///
    /// # Errors
    /// Those of `read`, after which the walk can continue; `Malformed` or `UnsafePath`, after which it cannot.
    pub fn advance(&mut self, read: &mut dyn FnMut(Range<u64>) -> Result<Option<Vec<u8>>>) -> Result<()> {
        let mut tasks = std::mem::take(&mut self.tasks).into_iter();
        let mut outcome = Ok(());
        for task in tasks.by_ref() {
            match read(task.want.clone()) {
                Ok(None) => self.tasks.push(task),
                Ok(Some(bytes)) if bytes.len() as u64 == task.want.end - task.want.start => {
                    self.step(&task, &bytes)?;
                }
                Ok(Some(bytes)) => {
                    let reason = format!("{} bytes for {:?}", bytes.len(), task.want);
                    outcome = Err(Error::invalid("answer to a walk", reason));
                    self.tasks.push(task);
                }
                Err(error) => {
                    outcome = Err(error);
                    self.tasks.push(task);
                }
            }
            if outcome.is_err() {
                break;
            }
        }
        self.tasks.extend(tasks);
        self.refresh();
        outcome
    }

    /// The layout of the whole archive.
    ///
    /// # Errors
    /// `Malformed` if a directory has a name twice; `Invalid` if the walk is not finished.
    pub fn finish(mut self) -> Result<Layout> {
        if self.found.iter().any(|found| found.node.is_none()) || !self.tasks.is_empty() {
            return Err(Error::invalid("walk", "it is not finished"));
        }
        let stream_bytes = self.found.first().map_or(0, |root| root.item.end);
        self.found.sort_unstable_by_key(|found| found.item.start);
        let count = self.found.len();
        let layout = build::in_order(count, self.found.into_iter().filter_map(|found| found.node), &malformed)?;
        if layout.stream_bytes() == stream_bytes {
            Ok(layout)
        } else {
            Err(malformed(layout.stream_bytes(), "the nodes do not add up to the archive"))
        }
    }

    fn refresh(&mut self) {
        self.tasks.sort_by_key(|task| task.want.start);
        self.wants = self.tasks.iter().map(|task| task.want.clone()).collect();
    }

    fn expect(&mut self, item: Item, parent: usize, depth: usize) {
        let want = item.start..item.end.min(item.start.saturating_add(HEAD_GUESS_BYTES));
        self.tasks.push(Task { node: self.found.len(), step: Step::Head, want });
        self.found.push(Found { node: None, item, parent, depth });
    }

    fn step(&mut self, task: &Task, bytes: &[u8]) -> Result<()> {
        match task.step {
            Step::Head => self.head(task.node, bytes),
            Step::Table { entry, first } => self.table(task.node, entry, first, bytes),
        }
    }

    fn head(&mut self, node: usize, bytes: &[u8]) -> Result<()> {
        let Item { start, end, hash } = self.found[node].item;
        let have = bytes.len() as u64;
        let head = match head::parse(bytes, start, node == 0, have == end - start) {
            Ok(head) => head,
            Err(Stop::Bad(error)) => return Err(error),
            Err(Stop::More(needed)) => {
                // At least doubled, so that many small attributes do not cost many rounds.
                let want = start..end.min(start.saturating_add(needed.max(2 * have)));
                self.tasks.push(Task { node, step: Step::Head, want });
                return Ok(());
            }
        };
        let (entry, first) = (start + head.name_bytes, start + head.bytes);
        let (is_directory, payload) = (head.is_directory(), head.payload_bytes());
        let parent = self.found[self.found[node].parent].node.as_ref().and_then(|parent| parent.path.as_ref());
        let new = head.into_node(parent)?;
        if new.path.as_ref().is_some_and(|path| name_hash(path.file_name()) != hash) {
            return Err(malformed(start, "the name does not hash to what its directory's table says"));
        }
        self.kept.add(&new).map_err(|reason| malformed(start, reason))?;
        self.found[node].node = Some(new);
        if !is_directory {
            let matches = first.checked_add(payload) == Some(end);
            return if matches { Ok(()) } else { Err(malformed(first, "the node does not end where its table says")) };
        }
        if end - first < goodbye_bytes(0) {
            return Err(malformed(first, "no room for the directory's table"));
        }
        if have == end - start {
            return self.table(node, entry, first, bytes);
        }
        let want = first.max(end.saturating_sub(TABLE_GUESS_BYTES))..end;
        self.tasks.push(Task { node, step: Step::Table { entry, first }, want });
        Ok(())
    }

    // `bytes` ends with the table and may begin before it.
    fn table(&mut self, node: usize, entry: u64, first: u64, bytes: &[u8]) -> Result<()> {
        let end = self.found[node].item.end;
        let tail = bytes.len() - ITEM;
        let (back, size, marker) = (u64_at(bytes, tail), u64_at(bytes, tail + 8), u64_at(bytes, tail + 16));
        if marker != GOODBYE_TAIL {
            return Err(malformed(end - 8, "the directory does not end with a table"));
        }
        if size < goodbye_bytes(0) || size > end - first || !(size - goodbye_bytes(0)).is_multiple_of(ITEM_BYTES) {
            return Err(malformed(end - 16, format!("a directory's table of {size} bytes")));
        }
        let start = end - size;
        if back != start - entry {
            return Err(malformed(end - 24, "the table does not point to its directory's entry"));
        }
        let depth = self.found[node].depth + 1;
        let count = (size - goodbye_bytes(0)) / ITEM_BYTES;
        if count > (start - first) / MIN_NODE_BYTES {
            return Err(malformed(start, format!("{count} children do not fit in the directory")));
        }
        if self.found.len() as u64 + count > limits::MAX_ARCHIVE_ENTRIES as u64 {
            return Err(malformed(start, format!("more than {} nodes", limits::MAX_ARCHIVE_ENTRIES)));
        }
        if count > 0 && depth > limits::MAX_ARCHIVE_DEPTH {
            return Err(malformed(start, format!("more than {} directories deep", limits::MAX_ARCHIVE_DEPTH)));
        }
        let skipped = usize::try_from(size).ok().and_then(|size| bytes.len().checked_sub(size));
        let Some(table) = skipped.map(|skipped| &bytes[skipped..]) else {
            self.tasks.push(Task { node, step: Step::Table { entry, first }, want: start..end });
            return Ok(());
        };
        if (u64_at(table, 0), u64_at(table, 8)) != (size, GOODBYE) {
            return Err(malformed(start, "the directory's end does not point to a table"));
        }
        for item in goodbye::parse(table, entry, first, start)? {
            self.expect(item, node, depth);
        }
        Ok(())
    }
}
