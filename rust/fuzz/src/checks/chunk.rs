//! Stored chunks in all three compressions never decompress to more than the maximum. The first two bytes are the
//! maximum, the rest is the chunk as stored.

use std::cell::RefCell;

use vsekai_updater::formats::chunk::{
    ChunkId, CompressedChunk, Compressor, Decompressor, DigestAlgorithm, VerifiedChunk,
};

thread_local! {
    static KEPT: RefCell<(Decompressor, Compressor)> =
        RefCell::new((Decompressor::new().expect("zstd"), Compressor::new(1).expect("zstd")));
}

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&[low, high], stored)) = bytes.split_first_chunk::<2>() else { return };
    let max = u16::from_le_bytes([low, high]);
    let digest = if low % 2 == 0 { DigestAlgorithm::Sha512_256 } else { DigestAlgorithm::Sha256 };
    KEPT.with_borrow_mut(|(decompressor, compressor)| {
        let stored = CompressedChunk::new(ChunkId::from_bytes([0; 32]), stored.to_vec());
        // A buffer with more capacity than may be used.
        let buffer = Vec::with_capacity(usize::from(max) + 100);
        let Ok(chunk) = decompressor.decompress(&stored, u64::from(max), buffer) else { return };
        let plain = chunk.verify(digest).expect_err("no content is known to hash to 0");
        assert!(plain.len() <= usize::from(max));
        let verified = VerifiedChunk::of(plain, digest);
        let stored = compressor.compress(&verified).expect("anything can be compressed");
        let chunk = decompressor.decompress(&stored, u64::from(max), Vec::new()).expect("our own frame");
        assert_eq!(chunk.verify(digest).expect("the same content").as_bytes(), verified.as_bytes());
    });
}
