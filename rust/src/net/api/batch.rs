//! Several stored chunks as the body of one request.
//!
//! ```text
//! batch   chunk*
//! chunk   its id (32 bytes), the length of the rest (4 bytes, little-endian), the stored chunk
//! ```
//!
//! Only the lengths are checked here. Whether a chunk is what its id says, its receiver finds out.

use bytes::{Buf as _, Bytes};

use super::MAX_BATCH_CHUNKS;
use crate::error::{Error, Result};
use crate::formats::chunk::{ChunkId, CompressedChunk};

/// Bytes before each chunk.
pub const HEAD_BYTES: usize = 36;

/// Appends a chunk to a batch.
///
/// # Errors
/// [`Error::Invalid`] for a chunk of 4 GiB or more.
pub fn append(batch: &mut Vec<u8>, chunk: &CompressedChunk) -> Result<()> {
    let bytes = chunk.as_bytes();
    let length = u32::try_from(bytes.len()).map_err(|_| Error::invalid("chunk", "it is too long to be sent"))?;
    batch.extend_from_slice(chunk.id().as_bytes());
    batch.extend_from_slice(&length.to_le_bytes());
    batch.extend_from_slice(bytes);
    Ok(())
}

/// The chunks of a batch, which share its memory.
///
/// # Errors
/// [`Error::Invalid`] if it ends within a chunk, or has more than [`MAX_BATCH_CHUNKS`].
pub fn parse(mut batch: Bytes) -> Result<Vec<(ChunkId, Bytes)>> {
    let mut chunks = Vec::new();
    while batch.has_remaining() {
        if chunks.len() == MAX_BATCH_CHUNKS {
            return Err(Error::invalid("batch", format!("it has more than {MAX_BATCH_CHUNKS} chunks")));
        }
        let cut_off = || Error::invalid("batch", "it ends in the middle of a chunk");
        let mut id = [0; 32];
        batch.try_copy_to_slice(&mut id).map_err(|_| cut_off())?;
        let length = batch.try_get_u32_le().map_err(|_| cut_off())?;
        let length = usize::try_from(length).ok().filter(|length| *length <= batch.len()).ok_or_else(cut_off)?;
        chunks.push((ChunkId::from_bytes(id), batch.split_to(length)));
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(byte: u8, length: usize) -> CompressedChunk {
        CompressedChunk::new(ChunkId::from_bytes([byte; 32]), vec![byte; length])
    }

    fn batch(chunks: &[CompressedChunk]) -> Vec<u8> {
        let mut batch = Vec::new();
        chunks.iter().for_each(|chunk| append(&mut batch, chunk).unwrap());
        batch
    }

    #[test]
    fn chunks_come_out_as_they_went_in() {
        let chunks = [chunk(1, 100), chunk(2, 0), chunk(3, 70_000)];
        let parsed = parse(batch(&chunks).into()).unwrap();
        assert_eq!(parsed.len(), 3);
        for ((id, stored), chunk) in parsed.iter().zip(&chunks) {
            assert_eq!((*id, &stored[..]), (chunk.id(), chunk.as_bytes()));
        }
        assert_eq!(parse(Bytes::new()).unwrap(), []);
    }

    #[test]
    fn batches_that_are_cut_off_or_announce_too_much_are_refused() {
        let whole = batch(&[chunk(1, 10), chunk(2, 10)]);
        let ends = [HEAD_BYTES + 10, whole.len()];
        for end in (1..whole.len()).filter(|end| !ends.contains(end)) {
            assert_eq!(parse(whole[..end].to_vec().into()).unwrap_err().code(), "invalid_argument", "{end}");
        }
        let mut lies = whole;
        lies[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(parse(lies.into()).unwrap_err().code(), "invalid_argument");
    }

    #[test]
    fn batches_have_a_largest_number_of_chunks() {
        let one = batch(&[chunk(1, 0)]);
        assert_eq!(parse(one.repeat(MAX_BATCH_CHUNKS).into()).unwrap().len(), MAX_BATCH_CHUNKS);
        assert_eq!(parse(one.repeat(MAX_BATCH_CHUNKS + 1).into()).unwrap_err().code(), "invalid_argument");
    }
}
