//! Chunks: their rows, their bytes if the database is the chunk store, and their removal.
//!
//! ```text
//! live  ->  doomed  ->  gone                 bytes in the database: row and bytes go in one transaction
//! live  ->  doomed  ->  deleting  ->  gone   bytes elsewhere: claimed, removed there, then forgotten here
//! live  ->  lost  ->  live                   the bytes were found missing, and have been sent again
//! ```

use async_trait::async_trait;
use bytes::Bytes;
use vsekai_updater::formats::chunk::ChunkId;

use super::Page;
use crate::error::Result;
use crate::model::{NewChunk, Time};

/// How many chunks are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkCounts {
    /// In use, or kept for a while.
    pub live: u64,
    /// Stored bytes of the live ones.
    pub live_bytes: u64,
    /// To be removed once the grace period is over.
    pub doomed: u64,
    /// Being removed.
    pub deleting: u64,
    /// Needed, and without their bytes.
    pub lost: u64,
}

/// Keeps chunks and removes those that nothing needs.
#[async_trait]
pub trait ChunkDb {
    /// Returns those of `ids` (at most 5,000) that are not live, and keeps the others at least until `keep_until`,
    /// when the upload that asks expires. Chunks that a version needs are kept anyway; if that version goes, until
    /// every upload open at that moment has expired.
    async fn missing(&self, ids: &[ChunkId], keep_until: Time) -> Result<Vec<ChunkId>>;
    /// Makes a chunk live, with its bytes if they are kept here. Returns whether it was not live before, or `None`
    /// without changing anything if the chunk is being deleted.
    async fn put_chunk(&self, chunk: &NewChunk, bytes: Option<Bytes>) -> Result<Option<bool>>;
    /// [`put_chunk`](Self::put_chunk) for many chunks, in as few transactions as the database likes. No id may occur
    /// twice; results are in the order of `chunks`.
    async fn put_chunks(&self, chunks: &[(NewChunk, Option<Bytes>)]) -> Result<Vec<Option<bool>>>;
    /// The bytes of a chunk that is not being deleted.
    async fn chunk_bytes(&self, id: &ChunkId) -> Result<Option<Bytes>>;
    /// [`chunk_bytes`](Self::chunk_bytes) of many, in this order.
    async fn chunks_bytes(&self, ids: &[ChunkId]) -> Result<Vec<Option<Bytes>>>;
    /// The stored size of a chunk that is not being deleted.
    async fn chunk_size(&self, id: &ChunkId) -> Result<Option<u64>>;
    /// Records that the bytes of these live chunks are gone: they count as missing until they are put again.
    async fn lose_chunks(&self, ids: &[ChunkId]) -> Result<()>;
    /// Removes the bytes of chunks that are kept here, but not their rows.
    async fn drop_chunk_data(&self, ids: &[ChunkId]) -> Result<()>;
    /// Ids of live and lost chunks, in order.
    async fn chunk_ids(&self, page: &Page<ChunkId>) -> Result<Vec<ChunkId>>;
    /// How many chunks are in each state.
    async fn chunk_counts(&self) -> Result<ChunkCounts>;

    /// Number and stored bytes of the chunks that [`doom`](Self::doom) would doom.
    async fn count_unused(&self, now: Time) -> Result<(u64, u64)>;
    /// Dooms up to `limit` live chunks that no version and no upload keeps. Returns how many.
    async fn doom(&self, now: Time, limit: u32) -> Result<u64>;
    /// Removes up to `limit` chunks doomed before this, row and bytes together. Returns how many.
    async fn sweep(&self, doomed_before: Time, limit: u32) -> Result<u64>;
    /// Claims up to `limit` chunks for deletion elsewhere: those claimed earlier, then those doomed before this.
    async fn claim(&self, doomed_before: Time, limit: u32) -> Result<Vec<ChunkId>>;
    /// Forgets chunks whose bytes have been deleted.
    async fn forget(&self, ids: &[ChunkId]) -> Result<()>;
}
