//! Hashes the files of an archive as its bytes pass, and compares them with a file table.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::archive::{Layout, Passed, Segment};
use vsekai_updater::formats::release::FileTable;

/// What is hashed of an archive: the content of each file, and everything else.
#[derive(Debug, Default)]
pub(super) struct Files {
    headers: Sha256,
    /// Bytes of everything but the content of files.
    pub(super) header_bytes: u64,
    /// The file whose bytes pass now.
    file: Option<(usize, Sha256)>,
    digests: HashMap<usize, Digest>,
}

impl Files {
    /// Takes the next bytes of the archive.
    pub(super) fn pass(&mut self, passed: Passed<'_>) {
        match passed {
            Passed::Header(bytes) => {
                self.headers.update(bytes);
                self.header_bytes += bytes.len() as u64;
            }
            Passed::Payload { node, bytes } => {
                if self.file.as_ref().is_none_or(|(current, _)| *current != node) {
                    self.end_file();
                    self.file = Some((node, Sha256::new()));
                }
                if let Some((_, hash)) = &mut self.file {
                    hash.update(bytes);
                }
            }
        }
    }

    fn end_file(&mut self) {
        if let Some((node, hash)) = self.file.take() {
            self.digests.insert(node, Digest(hash.finalize().into()));
        }
    }

    /// Whether these are the files of the table, in an archive that it implies.
    pub(super) fn are(mut self, table: &FileTable) -> bool {
        self.end_file();
        let empty = Digest::of(b"");
        let mut files = table.files();
        files.all(|(node, _, size, digest)| {
            let found = if size == 0 { Some(&empty) } else { self.digests.get(&node) };
            found == Some(&digest)
        }) && self.headers.finalize() == headers_of(table.layout())
    }
}

/// The hash of everything in an archive but the content of files.
fn headers_of(layout: &Layout) -> sha2::digest::Output<Sha256> {
    let mut hash = Sha256::new();
    for segment in layout.segments(0..layout.stream_bytes()) {
        if let Segment::Header(bytes) = segment {
            hash.update(&bytes);
        }
    }
    hash.finalize()
}
