//! A version's index in the form that compresses best against the index of the version before.
//!
//! ```text
//! u64 flags, u64 min, u64 avg, u64 max, u64 n      as in the index file, little-endian
//! n x u32                                          sizes of the chunks, in bytes
//! n x 32 bytes                                     their ids
//! ```
//!
//! An index file has end offsets, which all change when one file grows; sizes do not.

use super::table::malformed;
use crate::error::Result;
use crate::formats::chunk::ChunkId;
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};

const HEAD_BYTES: usize = 40;

/// Serializes an index as a document.
pub fn index_document(index: &Index) -> Vec<u8> {
    let sizes = index.sizes();
    let mut out = Vec::with_capacity(HEAD_BYTES + index.len() * 36);
    for field in [index.flags().bits(), sizes.min(), sizes.avg(), sizes.max(), index.len() as u64] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    // Chunks are at most 16 MiB.
    index.iter().for_each(|chunk| out.extend_from_slice(&u32::try_from(chunk.size()).unwrap_or(0).to_le_bytes()));
    index.iter().for_each(|chunk| out.extend_from_slice(chunk.id.as_bytes()));
    out
}

/// Parses an index document.
///
/// # Errors
/// `bundle_malformed`, `index_malformed`.
pub fn parse_index_document(bytes: &[u8]) -> Result<Index> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| malformed(0, "it is cut short"))?;
    let mut fields = head.chunks_exact(8).map(|raw| raw.try_into().map_or(0, u64::from_le_bytes));
    let mut field = || fields.next().unwrap_or(0);
    let (flags, sizes, count) = (field(), ChunkSizes::new(field(), field(), field())?, field());
    if count.checked_mul(36) != Some(rest.len() as u64) {
        return Err(malformed(32, "its length does not match its number of chunks"));
    }
    let (lengths, ids) = rest.split_at(rest.len() / 36 * 4);
    let mut index = Index::new(FeatureFlags::from_bits(flags)?, sizes);
    for (length, id) in lengths.chunks_exact(4).zip(ids.chunks_exact(32)) {
        let length = length.try_into().map_or(0, u32::from_le_bytes);
        index.push(ChunkId::from_bytes(id.try_into().unwrap_or([0; 32])), u64::from(length))?;
    }
    Ok(index)
}
