//! Where the bytes of chunks and bundles are.

use async_trait::async_trait;

use crate::error::Result;

/// A place, and the one before the last move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPlace {
    /// As in the setting `chunks`.
    pub place: String,
    /// The place from which they were moved; empty if they never were.
    pub moved_from: String,
}

/// Keeps the place of chunks.
#[async_trait]
pub trait PlaceDb {
    /// Where chunks are. If that is not recorded yet, records this place.
    async fn chunk_place(&self, place: &str) -> Result<ChunkPlace>;
    /// Where chunks are, if that is recorded.
    async fn recorded_place(&self) -> Result<Option<ChunkPlace>>;
    /// Records that chunks were moved. Returns whether they were at `from`.
    async fn move_place(&self, from: &str, to: &str) -> Result<bool>;
}
