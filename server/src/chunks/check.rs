//! Checks that an upload is the chunk that its id names, before anybody can see it.
//!
//! Decompression and hashing run on threads for blocking work, at most one per processor; further uploads wait. Each
//! sender waits for turns of its own first, of which there are as many: so a sender that sends without end uses every
//! processor while it is alone, and otherwise no other waits for more than what runs. A chunk is stored as exactly one
//! zstd frame, as every reader of `.cacnk` expects.
//!
//! It remembers for a while which digest an id was found to be, so that the commit of a publication need not hash what
//! has just arrived a second time.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use vsekai_updater::formats::chunk::{Chunk, ChunkId, CompressedChunk, Decompressor, DigestAlgorithm};
use vsekai_updater::limits;

use crate::error::{Error, Result};

/// Stored bytes that match their id.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) stored: Bytes,
    pub(super) id: ChunkId,
    pub(super) plain_bytes: u64,
    digest: DigestAlgorithm,
}

/// Sees the plain bytes of a chunk, which match its id by this digest.
pub type Watch = Arc<dyn Fn(ChunkId, DigestAlgorithm, &[u8]) + Send + Sync>;

/// Chunks of a batch that are checked in one turn.
const IN_A_TURN: usize = 16;

/// Ids whose digest is remembered: those of about 4 GB of chunks.
const REMEMBERED: u64 = 1 << 16;

/// A turn for each processor: of all checks, or of those of one sender.
pub fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)))
}

#[derive(Debug)]
pub(super) struct Checker {
    turns: Arc<Semaphore>,
    max_bytes: u64,
    digests: Cache<ChunkId, DigestAlgorithm>,
}

impl Checker {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { turns: turns(), max_bytes, digests: Cache::new(REMEMBERED) }
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(super) async fn check(&self, id: ChunkId, stored: Bytes) -> Result<Checked> {
        let checked = self.check_up_to(self.max_bytes, vec![(id, stored)], None, None).await?;
        let none = || Error::internal("checking a chunk");
        checked.into_iter().next().ok_or_else(none)
    }

    /// Checks many chunks. Fails if one of them is not what its id says. Between a few of them, others have their turn:
    /// a little that is sent can be much to unpack. `watch` sees each; `own` are the turns of the sender.
    pub(super) async fn check_all(
        &self,
        chunks: Vec<(ChunkId, Bytes)>,
        watch: Option<&Watch>,
        own: &Semaphore,
    ) -> Result<Vec<Checked>> {
        let mut all = Vec::with_capacity(chunks.len());
        let mut chunks = chunks.into_iter().peekable();
        while chunks.peek().is_some() {
            let some = chunks.by_ref().take(IN_A_TURN).collect();
            all.extend(self.check_up_to(self.max_bytes, some, watch.cloned(), Some(own)).await?);
        }
        Ok(all)
    }

    /// Whether a stored chunk matches its id, even if it is larger than what is accepted now.
    pub(super) async fn is_sound(&self, id: ChunkId, stored: Bytes) -> bool {
        self.check_up_to(limits::MAX_CHUNK_BYTES, vec![(id, stored)], None, None).await.is_ok()
    }

    /// Whether this process has found lately that the id is this digest of the content it stands for.
    pub(super) fn knows(&self, id: &ChunkId, digest: DigestAlgorithm) -> bool {
        self.digests.get(id) == Some(digest)
    }

    async fn check_up_to(
        &self,
        max_bytes: u64,
        chunks: Vec<(ChunkId, Bytes)>,
        watch: Option<Watch>,
        own: Option<&Semaphore>,
    ) -> Result<Vec<Checked>> {
        let max_stored = max_bytes + limits::MAX_STORED_OVERHEAD_BYTES;
        if chunks.iter().any(|(_, stored)| stored.len() as u64 > max_stored) {
            return Err(Error::TooLarge { max_bytes: max_stored });
        }
        // No semaphore is ever closed.
        let _own = match own {
            Some(own) => own.acquire().await.ok(),
            None => None,
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let checked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let check = |(id, stored)| check(id, stored, max_bytes, watch.as_ref());
            chunks.into_iter().map(check).collect::<Result<Vec<_>>>()
        });
        let checked = checked.await.map_err(Error::internal_by("checking a chunk"))??;
        for one in &checked {
            self.digests.insert(one.id, one.digest);
        }
        Ok(checked)
    }
}

thread_local! {
    /// With the buffer of the last chunk, for reuse.
    static DECOMPRESSOR: RefCell<Option<(Decompressor, Vec<u8>)>> = const { RefCell::new(None) };
}

fn check(id: ChunkId, stored: Bytes, max_bytes: u64, watch: Option<&Watch>) -> Result<Checked> {
    let frame = Frame::parse(&stored).ok_or_else(|| corrupt("it is not one zstd frame"))?;
    if frame.content_bytes.is_some_and(|size| size > max_bytes) {
        return Err(Error::TooLarge { max_bytes });
    }
    let compressed = CompressedChunk::new(id, Vec::from(stored.clone()));
    let plain = DECOMPRESSOR.with_borrow_mut(|kept| {
        let (tool, room) = match kept {
            Some(kept) => kept,
            None => kept.insert((Decompressor::new()?, Vec::new())),
        };
        tool.decompress(&compressed, max_bytes, std::mem::take(room))
    });
    let plain = plain.map_err(|e| corrupt(&e.to_string()))?;
    let mut digest = DigestAlgorithm::Sha512_256;
    let verified = plain.verify(digest).or_else(|plain| {
        digest = DigestAlgorithm::Sha256;
        Chunk::new(id, plain).verify(digest).map_err(|_| corrupt("its content has another id"))
    })?;
    let plain_bytes = verified.as_bytes().len() as u64;
    if let Some(watch) = watch {
        watch(id, digest, verified.as_bytes());
    }
    DECOMPRESSOR.with_borrow_mut(|kept| kept.as_mut().map(|(_, room)| *room = verified.into_bytes()));
    Ok(Checked { stored, id, plain_bytes, digest })
}

fn corrupt(reason: &str) -> Error {
    Error::Mismatch { code: "chunk_corrupt", reason: format!("The body is not the chunk with this id: {reason}") }
}

/// What the header of a zstd frame says (RFC 8878, section 3.1.1).
struct Frame {
    content_bytes: Option<u64>,
}

impl Frame {
    /// Walks over the blocks. `None` unless `bytes` is exactly one whole frame.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?;
        let (&descriptor, bytes) = bytes.split_first()?;
        let is_single_segment = descriptor & 0x20 != 0;
        let window_bytes = usize::from(!is_single_segment);
        let dictionary_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3))?;
        let size_bytes = match descriptor >> 6 {
            0 => usize::from(is_single_segment),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let (_, bytes) = bytes.split_at_checked(window_bytes + dictionary_bytes)?;
        let (size, mut bytes) = bytes.split_at_checked(size_bytes)?;
        let content = size.iter().rev().fold(0, |sum, &byte| (sum << 8) | u64::from(byte));
        let content_bytes = match size_bytes {
            0 => None,
            2 => Some(content + 256),
            _ => Some(content),
        };
        loop {
            let (head, rest) = bytes.split_first_chunk::<3>()?;
            let head = u32::from_le_bytes([head[0], head[1], head[2], 0]);
            let size = usize::try_from(head >> 3).ok()?;
            // A run-length block has one byte, whatever its size.
            let is_run = (head >> 1) & 3 == 1;
            bytes = rest.split_at_checked(if is_run { 1 } else { size })?.1;
            if head & 1 == 1 {
                break;
            }
        }
        let checksum_bytes = if descriptor & 4 == 0 { 0 } else { 4 };
        (bytes.len() == checksum_bytes).then_some(Self { content_bytes })
    }
}

#[cfg(test)]
mod tests {
    use vsekai_updater::formats::chunk::{Compressor, VerifiedChunk};

    use super::*;

    fn stored(plain: &[u8], digest: DigestAlgorithm) -> (ChunkId, Vec<u8>) {
        let chunk = VerifiedChunk::of(plain.to_vec(), digest);
        let stored = Compressor::new(3).unwrap().compress(&chunk).unwrap();
        (chunk.id(), stored.into_bytes())
    }

    fn code(id: ChunkId, stored: Vec<u8>) -> &'static str {
        check(id, stored.into(), 1 << 20, None).unwrap_err().code()
    }

    #[test]
    fn chunks_of_both_digests_and_of_all_sizes_pass() {
        for digest in [DigestAlgorithm::Sha512_256, DigestAlgorithm::Sha256] {
            for size in [0, 1, 255, 256, 65_535, 65_791, 65_792, 1 << 20] {
                let plain: Vec<u8> = (0..size).map(|i: u64| ((i * i) >> 7).to_le_bytes()[0]).collect();
                let (id, stored) = stored(&plain, digest);
                let checked = check(id, stored.clone().into(), 1 << 20, None).unwrap();
                assert_eq!(checked.plain_bytes, size);
                assert_eq!(checked.stored, stored);
            }
        }
    }

    #[test]
    fn content_of_another_id_is_refused() {
        let (_, stored) = stored(b"one", DigestAlgorithm::Sha512_256);
        let other = DigestAlgorithm::Sha512_256.id_of(b"two");
        assert_eq!(code(other, stored), "chunk_corrupt");
    }

    #[test]
    fn a_frame_with_anything_after_it_is_refused() {
        let (id, good) = stored(&b"some content ".repeat(99), DigestAlgorithm::Sha512_256);
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"junk"].concat();
        let (_, second) = stored(b"", DigestAlgorithm::Sha512_256);
        for more in [b"x".to_vec(), skippable, second] {
            assert_eq!(code(id, [good.clone(), more].concat()), "chunk_corrupt");
        }
    }

    #[test]
    fn every_shortened_frame_is_refused() {
        let (id, good) = stored(&b"some content ".repeat(99), DigestAlgorithm::Sha512_256);
        for end in 0..good.len() {
            assert_eq!(code(id, good[..end].to_vec()), "chunk_corrupt", "{end}");
        }
    }

    #[test]
    fn a_frame_that_announces_too_much_is_too_large() {
        let (id, bomb) = stored(&vec![0; (1 << 20) + 1], DigestAlgorithm::Sha512_256);
        assert_eq!(code(id, bomb), "too_large");
    }

    #[test]
    fn what_is_no_zstd_is_refused() {
        let id = DigestAlgorithm::Sha512_256.id_of(b"");
        for bytes in [&b""[..], b"\x1f\x8b\x08", b"plain", b"\x28\xb5\x2f\xfd"] {
            assert_eq!(code(id, bytes.to_vec()), "chunk_corrupt");
        }
    }

    /// Without turns, the other would wait for all three hundred batches. With them it waits for one, and for what is
    /// checked before a busy machine lets it queue.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_sender_that_floods_holds_up_nobody_else() {
        let checker = Arc::new(Checker { turns: Arc::new(Semaphore::new(1)), ..Checker::new(1 << 20) });
        let (id, stored) = stored(&vec![0; 1 << 16], DigestAlgorithm::Sha512_256);
        let batch = vec![(id, Bytes::from(stored)); IN_A_TURN];
        let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let watch: Watch = Arc::new(move |_, _, _| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let (flooding, other) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..300 {
            let (checker, batch, watch, own) =
                (Arc::clone(&checker), batch.clone(), Arc::clone(&watch), Arc::clone(&flooding));
            flood.spawn(async move { checker.check_all(batch, Some(&watch), &own).await.map(drop) });
        }
        while seen.load(std::sync::atomic::Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let before = seen.load(std::sync::atomic::Ordering::Relaxed);
        checker.check_all(batch[..1].to_vec(), None, &other).await.unwrap();
        let waited_for = seen.load(std::sync::atomic::Ordering::Relaxed) - before;
        flood.join_all().await.into_iter().for_each(|checked| checked.unwrap());
        assert!(waited_for <= 300 * IN_A_TURN / 4, "{waited_for} chunks of the flood went first");
    }

    #[tokio::test]
    async fn more_bytes_than_any_chunk_may_have_are_not_looked_at() {
        let checker = Checker::new(1000);
        let id = DigestAlgorithm::Sha512_256.id_of(b"");
        let body = vec![0; 1000 + (64 << 10) + 1];
        assert_eq!(checker.check(id, body.into()).await.unwrap_err().code(), "too_large");
    }
}
