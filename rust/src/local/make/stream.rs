//! Reads the bytes of a layout from disk, block by block.
//!
//! A layout records the length of each file. A file that has another length when its turn comes, or that changes while
//! it is read, is an error: the stream would no longer match the archive's headers.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::formats::archive::{Layout, Node, NodeKind, Segment, Segments};
use crate::local::disk;

/// Reads a layout's stream from front to back.
pub(super) struct Stream<'a> {
    root: &'a Path,
    layout: &'a Layout,
    segments: Segments<'a>,
    rest: Rest<'a>,
    /// The digests of the files so far, by node, if they are wanted.
    digests: Option<Vec<Option<Digest>>>,
}

/// The unread rest of the current piece.
enum Rest<'a> {
    Nothing,
    Header { bytes: Cow<'a, [u8]>, at: usize },
    Payload { file: OpenFile, at: u64, end: u64 },
}

struct OpenFile {
    file: File,
    path: PathBuf,
    size: u64,
    mtime_ns: u64,
    node: usize,
    /// Of the bytes so far, if it is wanted.
    hash: Option<Sha256>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(root: &'a Path, layout: &'a Layout, hashes_files: bool) -> Self {
        let empty = Digest::of(&[]);
        let is_empty = |node: &Node| matches!(node.kind, NodeKind::File { .. }) && node.payload_bytes() == 0;
        let digests = || layout.nodes().iter().map(|node| is_empty(node).then_some(empty)).collect();
        let segments = layout.segments(0..u64::MAX);
        Self { root, layout, segments, rest: Rest::Nothing, digests: hashes_files.then(digests) }
    }

    /// The digests of the files by node; empty if they were not wanted.
    pub(super) fn into_digests(self) -> Vec<Option<Digest>> {
        self.digests.unwrap_or_default()
    }

    /// Fills the buffer. Returns the number of bytes, which is less than its length only at the end of the stream.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let free = &mut buffer[filled..];
            match &mut self.rest {
                Rest::Header { bytes, at } if *at < bytes.len() => {
                    let take = free.len().min(bytes.len() - *at);
                    free[..take].copy_from_slice(&bytes[*at..*at + take]);
                    *at += take;
                    filled += take;
                }
                Rest::Payload { file, at, end } if *at < *end => {
                    let take = usize::try_from(*end - *at).map_or(free.len(), |left| left.min(free.len()));
                    file.read(*at, &mut free[..take])?;
                    *at += take as u64;
                    filled += take;
                    if at == end {
                        file.check()?;
                        if let (Some(digests), Some(hash)) = (&mut self.digests, file.hash.take()) {
                            digests[file.node] = Some(Digest(hash.finalize().into()));
                        }
                    }
                }
                _ => match self.segments.next() {
                    Some(segment) => self.rest = self.begin(segment)?,
                    None => break,
                },
            }
        }
        Ok(filled)
    }

    fn begin(&self, segment: Segment<'a>) -> Result<Rest<'a>> {
        Ok(match segment {
            Segment::Header(bytes) => Rest::Header { bytes, at: 0 },
            Segment::Payload { node, offset, len } => {
                let number = node;
                let node = &self.layout.nodes()[number];
                let path = node.path.as_ref().map_or_else(|| self.root.to_owned(), |path| path.below(self.root));
                let mut file = OpenFile::open(path, node.payload_bytes(), number)?;
                file.hash = self.digests.is_some().then(Sha256::new);
                Rest::Payload { file, at: offset, end: offset + len }
            }
        })
    }
}

impl OpenFile {
    fn open(path: PathBuf, size: u64, node: usize) -> Result<Self> {
        // Anything but a regular file (a pipe, for example) must not even be opened.
        if !fs::symlink_metadata(&path).map_err(Error::io("read", &path))?.is_file() {
            return Err(changed(&path, "is no longer a regular file"));
        }
        let file = disk::open(&path)?;
        let mtime_ns = disk::mtime_ns(&file.metadata().map_err(Error::io("read", &path))?);
        let open = Self { file, path, size, mtime_ns, node, hash: None };
        open.check()?;
        Ok(open)
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        match disk::read_exact_at(&self.file, &self.path, offset, buffer) {
            Ok(()) => {
                if let Some(hash) = &mut self.hash {
                    hash.update(buffer);
                }
                Ok(())
            }
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Err(changed(&self.path, "became shorter while it was read"))
            }
            other => other,
        }
    }

    fn check(&self) -> Result<()> {
        let found = self.file.metadata().map_err(Error::io("read", &self.path))?;
        if found.len() != self.size {
            let how = format!("has {} bytes now, but had {} when the tree was listed", found.len(), self.size);
            return Err(changed(&self.path, &how));
        }
        if disk::mtime_ns(&found) != self.mtime_ns {
            return Err(changed(&self.path, "was written to while it was read"));
        }
        Ok(())
    }
}

fn changed(path: &Path, how: &str) -> Error {
    Error::invalid("tree", format!("{} {how}", path.display()))
}
