//! Trees that are checked while their chunks arrive, so that the commit need not read and unpack them again.
//!
//! A publisher that sends a whole tree may say at which positions of its archive the chunks belong
//! (`positions` of [`MissingRequest`]). Every chunk that has been checked then passes through the tree: the archive is
//! parsed, and its files are hashed. Chunks that the tree repeats are read back. At the commit, the outcome must equal the
//! index and the file table, byte for byte. What a publisher says here is never trusted: at worst, the commit rebuilds the
//! tree as it always can.
//!
//! Promises: a tree costs at most twice the hashing of what arrives, and at most [`MAX_EARLY_BYTES`] and a few MiB of
//! memory; only [`MAX_TREES`] are followed at once, and half of them for one token. All is lost when the process ends, and
//! only this server knows it.
//!
//! [`MissingRequest`]: vsekai_updater::net::api::MissingRequest

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use vsekai_updater::formats::archive::Forward;
use vsekai_updater::formats::chunk::{ChunkId, CompressedChunk, DigestAlgorithm};
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::FileTable;

use super::{Service, rebuild, sign};
use crate::error::Result;

mod files;
#[cfg(test)]
mod tests;

use files::Files;

/// Most trees.
const MAX_TREES: usize = 4;

/// Most trees of one token.
const MAX_TREES_OF_TOKEN: usize = MAX_TREES / 2;

/// How long a tree is kept that gets no chunks while others wait for its room.
const IDLE: Duration = Duration::from_secs(30);

/// Most bytes of chunks that arrive before those in front of them.
const MAX_EARLY_BYTES: usize = 20 << 20;

/// Most positions that are known and not reached.
const MAX_POSITIONS: usize = 1 << 14;

/// Most chunks of a tree: those of about 8 GB, or of 32 GB if the tree is large enough for larger ones.
const MAX_CHUNKS: usize = 1 << 17;

/// Most bytes of heads and tables. Larger trees have so many files that their nodes would fill the memory.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Bytes that may repeat what has arrived, in addition to as many as have arrived.
const FREE_REPEATS: u64 = 4 << 20;

/// The trees of open publications. A tree that cannot be followed is `None`, and is not begun again.
#[derive(Debug, Default)]
pub(super) struct Incoming(Mutex<HashMap<Uuid, Slot>>);

#[derive(Debug)]
struct Slot {
    used: Instant,
    token: Uuid,
    tree: Arc<IncomingTree>,
}

impl Incoming {
    /// The tree of a publication, begun for a token if there is room.
    pub(super) fn begin(&self, publication: Uuid, token: Uuid) -> Option<Arc<IncomingTree>> {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |trees: &HashMap<Uuid, Slot>| {
            let of_token = trees.values().filter(|slot| slot.token == token).count();
            trees.len() < MAX_TREES && of_token < MAX_TREES_OF_TOKEN
        };
        if !trees.contains_key(&publication) && !has_room(&trees) {
            trees.retain(|_, slot| slot.used.elapsed() < IDLE);
            if !has_room(&trees) {
                return None;
            }
        }
        let new = || Slot { used: Instant::now(), token, tree: Arc::default() };
        let slot = trees.entry(publication).or_insert_with(new);
        slot.used = Instant::now();
        Some(Arc::clone(&slot.tree))
    }

    /// The tree of a publication, if it is followed.
    pub(super) fn get(&self, publication: Uuid) -> Option<Arc<IncomingTree>> {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = trees.get_mut(&publication)?;
        slot.used = Instant::now();
        Some(Arc::clone(&slot.tree))
    }

    /// Ends the tree of a publication.
    pub(super) fn take(&self, publication: Uuid) -> Option<Arc<IncomingTree>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&publication).map(|slot| slot.tree)
    }
}

impl Service {
    /// Reads back chunks that the tree repeats, as far as they are stored by now.
    pub(super) async fn read_back(&self, tree: &Arc<IncomingTree>) -> Result<()> {
        while let Some(id) = tree.wanted() {
            let Some(stored) = self.chunks.read(&id).await? else { break };
            let (tree, max_bytes) = (Arc::clone(tree), self.chunks.max_chunk_bytes());
            let pass = move || {
                let plain = rebuild::decompress(&CompressedChunk::new(id, stored.into()), max_bytes, Vec::new())?;
                tree.pass_again(id, &plain.into_unverified());
                Ok(())
            };
            sign::blocking("reading back a chunk", pass).await?;
        }
        Ok(())
    }
}

/// A tree whose chunks arrive; `None` inside once it cannot be followed.
#[derive(Debug)]
pub(super) struct IncomingTree(Mutex<Option<State>>);

impl Default for IncomingTree {
    fn default() -> Self {
        Self(Mutex::new(Some(State { may_pass: FREE_REPEATS, ..State::default() })))
    }
}

impl IncomingTree {
    /// Learns where chunks belong.
    pub(super) fn expect(&self, positions: impl IntoIterator<Item = (u64, ChunkId)>) {
        self.change(|state| {
            let next = state.next;
            state.expected.extend(positions.into_iter().filter(|(position, _)| *position >= next));
            if state.expected.len() > MAX_POSITIONS { Err(Lost) } else { state.go_on() }
        });
    }

    /// Takes the plain bytes of a chunk, which match its id.
    pub(super) fn arrived(&self, id: ChunkId, digest: DigestAlgorithm, plain: &[u8]) {
        self.change(|state| state.arrived(id, digest, plain));
    }

    /// The next chunk, if it repeats one that was passed some time ago and has to be read back.
    fn wanted(&self) -> Option<ChunkId> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = slot.as_ref()?;
        state.expected.get(&state.next).copied().filter(|id| state.passed.contains(id))
    }

    /// Passes a chunk that was read back.
    fn pass_again(&self, id: ChunkId, plain: &[u8]) {
        self.change(|state| state.pass(id, plain).and_then(|()| state.go_on()));
    }

    /// Whether all of the tree has arrived, and is what these documents describe.
    pub(super) fn is(&self, index: &Index, table: &FileTable) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        state.is_some_and(|state| state.is(index, table))
    }

    fn change(&self, change: impl FnOnce(&mut State) -> Result<(), Lost>) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = slot.as_mut()
            && change(state).is_err()
        {
            *slot = None;
        }
    }
}

/// The tree cannot be followed any more.
#[derive(Debug)]
struct Lost;

#[derive(Debug, Default)]
struct State {
    /// Where chunks belong that were not passed yet.
    expected: BTreeMap<u64, ChunkId>,
    /// Chunks that arrived before those in front of them.
    early: HashMap<ChunkId, Vec<u8>>,
    early_bytes: usize,
    /// Every chunk that has passed, once.
    passed: HashSet<ChunkId>,
    /// The position of the next chunk.
    next: u64,
    digest: Option<DigestAlgorithm>,
    /// Of the ids and lengths of the chunks passed, in order.
    chunks: Sha256,
    /// How many bytes may still pass: twice what arrives is added, what passes is taken away.
    may_pass: u64,
    archive: Forward,
    files: Files,
}

impl State {
    fn arrived(&mut self, id: ChunkId, digest: DigestAlgorithm, plain: &[u8]) -> Result<(), Lost> {
        if *self.digest.get_or_insert(digest) != digest {
            return Err(Lost);
        }
        self.may_pass += 2 * plain.len() as u64;
        if self.expected.get(&self.next) == Some(&id) {
            self.pass(id, plain)?;
            return self.go_on();
        }
        if self.early.contains_key(&id) {
            return Ok(());
        }
        self.early_bytes += plain.len();
        if self.early_bytes > MAX_EARLY_BYTES {
            return Err(Lost);
        }
        self.early.insert(id, plain.to_vec());
        Ok(())
    }

    /// Passes chunks that are here, as far as there is none missing.
    fn go_on(&mut self) -> Result<(), Lost> {
        while let Some(id) = self.expected.get(&self.next).copied()
            && let Some(plain) = self.early.remove(&id)
        {
            self.early_bytes -= plain.len();
            self.pass(id, &plain)?;
        }
        Ok(())
    }

    /// Passes a chunk, and again for as long as it repeats: files have long runs of the same bytes.
    fn pass(&mut self, id: ChunkId, plain: &[u8]) -> Result<(), Lost> {
        let size = plain.len() as u64;
        while self.expected.get(&self.next) == Some(&id) {
            self.may_pass = self.may_pass.checked_sub(size).ok_or(Lost)?;
            self.expected.remove(&self.next);
            self.next = self.next.checked_add(size).filter(|next| *next > self.next).ok_or(Lost)?;
            self.chunks.update(id.as_bytes());
            self.chunks.update(size.to_le_bytes());
            let Self { archive, files, .. } = self;
            archive.feed_to(plain, &mut |passed| files.pass(passed)).map_err(|_| Lost)?;
            if files.header_bytes > MAX_HEADER_BYTES {
                return Err(Lost);
            }
            self.passed.insert(id);
        }
        if self.passed.len() > MAX_CHUNKS { Err(Lost) } else { Ok(()) }
    }

    fn is(self, index: &Index, table: &FileTable) -> bool {
        let Self { next, digest, chunks, archive, mut files, .. } = self;
        if next != index.stream_bytes() || digest != Some(index.digest()) {
            return false;
        }
        let mut described = Sha256::new();
        for chunk in index.iter() {
            described.update(chunk.id.as_bytes());
            described.update(chunk.size().to_le_bytes());
        }
        if described.finalize() != chunks.finalize() {
            return false;
        }
        let Ok(layout) = archive.finish_to(&mut |passed| files.pass(passed)) else { return false };
        layout == *table.layout() && files.are(table)
    }
}
