//! Finds unchanged files of the installed tree without reading them.
//!
//! A bare store has no digests of files, so chunks must show it: a file whose chunks have the same ids at the same
//! offsets is the same file. The first and last chunk of a file may differ only because they also contain the directory
//! entries of its neighbours; these ends are compared byte by byte. A file that changed on disk since it was installed
//! is never kept.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use super::{Inputs, Installed, Keep, Takeover};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::local::disk;

/// A part of a file that lies in one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    id: ChunkId,
    /// Start in the chunk, in bytes.
    chunk_offset: u64,
    /// Start in the file, in bytes.
    start: u64,
    end: u64,
}

/// A stream and its layout.
struct Side<'a> {
    index: &'a Index,
    layout: &'a Layout,
}

impl Side<'_> {
    fn pieces(&self, payload: &Range<u64>) -> impl Iterator<Item = Piece> {
        let positions = self.index.positions(payload.clone());
        positions.filter_map(|position| self.index.get(position)).map(|chunk| {
            let (start, end) = (chunk.start.max(payload.start), chunk.end.min(payload.end));
            let chunk_offset = start - chunk.start;
            Piece { id: chunk.id, chunk_offset, start: start - payload.start, end: end - payload.start }
        })
    }

    /// Used to find a moved file: its size and its first whole chunk.
    fn fingerprint(&self, payload: &Range<u64>) -> Option<(u64, Piece)> {
        let size = payload.end - payload.start;
        let inner = self.pieces(payload).find(|piece| piece.chunk_offset == 0 && piece.start > 0 && piece.end < size);
        inner.map(|piece| (size, piece))
    }
}

pub(super) fn unchanged(inputs: &Inputs<'_>, installed: &Installed<'_>, monitor: &Monitor) -> Result<Vec<Keep>> {
    let receipt = installed.receipt;
    let old = Side { index: &receipt.index, layout: &receipt.layout };
    let new = Side { index: inputs.index, layout: inputs.layout };
    if old.index.digest() != new.index.digest() {
        return Ok(Vec::new());
    }
    let by_path: HashMap<_, _> = files(old.layout).map(|(node, it, _)| (it.path.clone(), node)).collect();
    let mut by_content: HashMap<_, _> = HashMap::new();
    for (node, _, payload) in files(old.layout) {
        if let Some((size, piece)) = old.fingerprint(payload) {
            by_content.entry((size, piece.start, piece.id)).or_insert(node);
        }
    }
    let mut kept = Vec::new();
    for (node, it, payload) in files(new.layout) {
        monitor.cancel.check()?;
        let moved = new.fingerprint(payload).and_then(|(size, piece)| by_content.get(&(size, piece.start, piece.id)));
        for from in by_path.get(&it.path).into_iter().chain(moved).copied() {
            if same_content(inputs, installed, (&old, from), (&new, node)) && receipt.is_untouched(from, installed.root)
            {
                let is_same_mode = old.layout.nodes()[from].metadata.mode == it.metadata.mode;
                // The old tree is removed after the switch, so sharing does no harm.
                let how = if is_same_mode { Takeover::Share } else { Takeover::CopyWithMode };
                kept.push(Keep { node, from: path_of(installed, from), how });
                break;
            }
        }
    }
    Ok(kept)
}

fn files(layout: &Layout) -> impl Iterator<Item = (usize, &Node, &Range<u64>)> {
    layout.nodes().iter().enumerate().filter_map(|(at, node)| match &node.kind {
        NodeKind::File { payload } => Some((at, node, payload)),
        _ => None,
    })
}

fn path_of(installed: &Installed<'_>, node: usize) -> PathBuf {
    match &installed.receipt.layout.nodes()[node].path {
        Some(path) => path.below(installed.root),
        None => installed.root.to_owned(),
    }
}

fn same_content(
    inputs: &Inputs<'_>,
    installed: &Installed<'_>,
    (old, from): (&Side<'_>, usize),
    (new, to): (&Side<'_>, usize),
) -> bool {
    let (NodeKind::File { payload: old_payload }, NodeKind::File { payload }) =
        (&old.layout.nodes()[from].kind, &new.layout.nodes()[to].kind)
    else {
        return false;
    };
    if old_payload.end - old_payload.start != payload.end - payload.start {
        return false;
    }
    let mut before = old.pieces(old_payload).peekable();
    let mut unsure = Vec::new();
    for piece in new.pieces(payload) {
        while before.peek().is_some_and(|old| old.end <= piece.start) {
            before.next();
        }
        match before.peek() {
            Some(old) if *old == piece => {}
            _ if inputs.spool.has(&piece.id) => unsure.push(piece),
            _ => return false,
        }
    }
    // Only the two ends may be read; more would mean reading the file.
    unsure.len() <= 2 && unsure.iter().all(|piece| is_on_disk(inputs, installed, from, piece).unwrap_or(false))
}

/// Whether the installed file has the bytes of `piece` at the position where the new file needs them.
fn is_on_disk(inputs: &Inputs<'_>, installed: &Installed<'_>, from: usize, piece: &Piece) -> Result<bool> {
    let Some(chunk) = inputs.spool.get(&piece.id, inputs.index.digest(), Vec::new())? else { return Ok(false) };
    let begin = usize::try_from(piece.chunk_offset).unwrap_or(usize::MAX);
    let len = usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX);
    let Some(wanted) = chunk.as_bytes().get(begin..begin.saturating_add(len)) else { return Ok(false) };
    let path = path_of(installed, from);
    let mut found = vec![0; wanted.len()];
    disk::read_exact_at(&disk::open(&path)?, &path, piece.start, &mut found)?;
    Ok(found == wanted)
}
