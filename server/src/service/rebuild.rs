//! Checks a file table against the chunks: the tree is rebuilt from the stored chunks, in memory and piece by piece,
//! and every byte is compared with the table.
//!
//! Bytes of files go into the SHA-256 of their file; all others must be exactly those of the layout that the table
//! implies. So a table that passes describes the stream of the index completely, and nothing in it was taken on trust.
//! Memory is bounded by a few chunks, whatever the size of the tree, because their buffers are reused. What has just
//! been checked on its arrival is not hashed to its id again: a byte that has changed since would not match the table.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use vsekai_updater::formats::archive::Segment;
use vsekai_updater::formats::chunk::{Chunk, ChunkId, CompressedChunk, Decompressor, DigestAlgorithm};
use vsekai_updater::formats::index::{Index, IndexChunk};
use vsekai_updater::formats::release::FileTable;

use crate::chunks::Chunks;
use crate::error::{Error, Result};
use crate::shares::Turn;

/// Groups of chunks that are read and unpacked ahead of the hashing.
const AHEAD: usize = 3;

/// Most chunks of a group, and its size in bytes unless a single chunk is larger.
const GROUP: usize = 32;
const GROUP_BYTES: u64 = 1 << 20;

/// Fails unless the chunks of `index` make exactly the tree that `table` describes. The turn ends with the work.
///
/// # Errors
/// [`Error::ChunksMissing`], [`Error::Mismatch`] (`document_mismatch`).
pub(super) async fn check(
    chunks: &Arc<Chunks>,
    index: Arc<Index>,
    table: Arc<FileTable>,
    turn: Arc<Turn>,
) -> Result<()> {
    let digest = index.digest();
    let buffers = Buffers::default();
    let mut plain = stream::iter(groups(&index))
        .map(|group| {
            let (chunks, buffers) = (Arc::clone(chunks), Arc::clone(&buffers));
            async move { unpack(&chunks, group, digest, buffers).await }
        })
        .buffered(AHEAD);
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<Vec<u8>>>(1);
    let emptied = Arc::clone(&buffers);
    let hashing = tokio::task::spawn_blocking(move || {
        // The turn lasts as long as the work, even if nobody waits for it any more.
        let _turn = turn;
        let mut pieces = Pieces::new(&table);
        while let Some(group) = receiver.blocking_recv() {
            group.iter().try_for_each(|bytes| pieces.take(bytes))?;
            emptied.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
        }
        pieces.finish()
    });
    while let Some(group) = plain.try_next().await? {
        if sender.send(group).await.is_err() {
            break;
        }
    }
    drop(sender);
    hashing.await.map_err(Error::internal_by("rebuilding a tree"))?
}

/// Buffers not in use. Reusing them is faster than allocating on one thread and freeing on another.
type Buffers = Arc<Mutex<Vec<Vec<u8>>>>;

/// The chunks of the index in groups that are read and unpacked together.
fn groups(index: &Index) -> impl Iterator<Item = Vec<IndexChunk>> + '_ {
    let mut chunks = (0..index.len()).filter_map(|at| index.get(at)).peekable();
    std::iter::from_fn(move || {
        let mut group = vec![chunks.next()?];
        let mut bytes = group[0].size();
        while let Some(next) = chunks.next_if(|next| group.len() < GROUP && bytes + next.size() <= GROUP_BYTES) {
            bytes += next.size();
            group.push(next);
        }
        Some(group)
    })
}

async fn unpack(
    chunks: &Arc<Chunks>,
    group: Vec<IndexChunk>,
    digest: DigestAlgorithm,
    buffers: Buffers,
) -> Result<Vec<Vec<u8>>> {
    let ids: Vec<ChunkId> = group.iter().map(|chunk| chunk.id).collect();
    let mut stored = Vec::new();
    for (id, bytes) in ids.iter().zip(chunks.read_many(&ids).await?) {
        stored.push(bytes.ok_or_else(|| Error::ChunksMissing(vec![*id]))?);
    }
    let chunks = Arc::clone(chunks);
    let work = move || -> Result<Vec<Vec<u8>>> {
        let unpacked = group.into_iter().zip(stored).map(|(chunk, stored)| {
            let buffer = buffers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let is_known = chunks.knows(&chunk.id, digest);
            unpack_one(chunk, stored.into(), (!is_known).then_some(digest), buffer)
        });
        unpacked.collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal_by("unpacking"))?
}

/// The plain bytes of a chunk, hashed if `digest` is given.
fn unpack_one(chunk: IndexChunk, stored: Vec<u8>, digest: Option<DigestAlgorithm>, buffer: Vec<u8>) -> Result<Vec<u8>> {
    let (id, size) = (chunk.id, chunk.size());
    let plain = decompress(&CompressedChunk::new(id, stored), size, buffer)?;
    let wrong = |_| mismatch(format!("chunk {id} does not match its id in the digest of this index"));
    let bytes = match digest {
        Some(digest) => plain.verify(digest).map_err(wrong)?.into_bytes(),
        None => plain.into_unverified(),
    };
    if bytes.len() as u64 == size {
        return Ok(bytes);
    }
    Err(mismatch(format!("chunk {id} has {} bytes, but the index says {size}", bytes.len())))
}

/// The content of a chunk, not hashed yet, in this buffer.
pub(super) fn decompress(stored: &CompressedChunk, max_bytes: u64, buffer: Vec<u8>) -> Result<Chunk> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<Decompressor>> = const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        Ok(decompressor.decompress(stored, max_bytes, buffer)?)
    })
}

/// Compares the stream with the table as it arrives.
struct Pieces<'a> {
    table: &'a FileTable,
    at: u64,
    /// The file whose bytes arrive now.
    file: Option<(usize, Sha256)>,
}

impl<'a> Pieces<'a> {
    fn new(table: &'a FileTable) -> Self {
        Self { table, at: 0, file: None }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.at + bytes.len() as u64;
        let mut rest = bytes;
        for segment in self.table.layout().segments(self.at..end) {
            let size = usize::try_from(segment.size()).unwrap_or(usize::MAX);
            let Some((now, later)) = rest.split_at_checked(size) else { return Err(longer()) };
            match segment {
                Segment::Header(expected) if *expected == *now => self.end_file()?,
                Segment::Header(_) => {
                    return Err(mismatch("the entries of the tree differ from those of the table".to_owned()));
                }
                Segment::Payload { node, .. } => self.file(node)?.update(now),
            }
            rest = later;
        }
        self.at = end;
        if rest.is_empty() { Ok(()) } else { Err(longer()) }
    }

    /// The hash of this file. Ends the file before it.
    fn file(&mut self, node: usize) -> Result<&mut Sha256> {
        if self.file.as_ref().is_none_or(|(current, _)| *current != node) {
            self.end_file()?;
            self.file = Some((node, Sha256::new()));
        }
        let lost = || Error::internal("a file without a hash");
        self.file.as_mut().map(|(_, hash)| hash).ok_or_else(lost)
    }

    fn end_file(&mut self) -> Result<()> {
        let Some((node, hash)) = self.file.take() else { return Ok(()) };
        let found: [u8; 32] = hash.finalize().into();
        if self.table.digest(node).is_some_and(|digest| digest.0 == found) {
            return Ok(());
        }
        let path = self.table.layout().nodes().get(node).and_then(|node| node.path.as_ref());
        Err(mismatch(format!("{} does not match the file table", path.map_or("the tree", |path| path.as_str()))))
    }

    fn finish(mut self) -> Result<()> {
        self.end_file()?;
        if self.at != self.table.layout().stream_bytes() {
            return Err(longer());
        }
        // Empty files have no bytes in the stream, so their digests are checked here.
        let empty: [u8; 32] = Sha256::digest([]).into();
        match self.table.files().find(|(_, _, size, digest)| *size == 0 && digest.0 != empty) {
            Some((_, path, ..)) => Err(mismatch(format!("{path} is empty, but the table has another digest"))),
            None => Ok(()),
        }
    }
}

fn longer() -> Error {
    mismatch("the index and the file table describe trees of different lengths".to_owned())
}

/// The error for documents that contradict each other or the chunks.
pub(super) fn mismatch(reason: String) -> Error {
    Error::Mismatch { code: "document_mismatch", reason }
}
