//! Chunks, and the three states of their bytes.
//!
//! ```text
//! CompressedChunk --decompress--> Chunk --verify--> VerifiedChunk --> may be written
//!   as stored                     plain, untrusted   plain, hashes to its id
//! ```
//!
//! Only [`Chunk::verify`] and [`VerifiedChunk::of`] make a [`VerifiedChunk`], and the code that writes files accepts
//! nothing else, so unverified chunks cannot become files.
//!
//! Source of the format: casync `cachunk.c`, desync `chunk.go`, `compress.go`.

use std::fmt;
use std::io::{self, Read};

pub use crate::digest::{ChunkId, DigestAlgorithm};
use crate::error::{Error, Format, Result};
use crate::limits;

/// A chunk as stored: one zstd frame, or gzip or xz from casync.
#[derive(Clone, PartialEq, Eq)]
pub struct CompressedChunk {
    id: ChunkId,
    bytes: Vec<u8>,
}

impl fmt::Debug for CompressedChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompressedChunk({}, {} bytes)", self.id, self.bytes.len())
    }
}

impl CompressedChunk {
    /// Stored bytes that a source supplied for this id.
    pub fn new(id: ChunkId, bytes: Vec<u8>) -> Self {
        Self { id, bytes }
    }

    /// The id that the bytes were requested by.
    pub fn id(&self) -> ChunkId {
        self.id
    }

    /// The bytes as stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stored bytes, by value.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Plain bytes that claim to be a chunk. They must pass [`Chunk::verify`] before anything writes them.
pub struct Chunk {
    id: ChunkId,
    bytes: Vec<u8>,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({}, {} bytes)", self.id, self.bytes.len())
    }
}

impl Chunk {
    /// Plain bytes (from a seed, say) that claim to be `id`.
    pub fn new(id: ChunkId, bytes: Vec<u8>) -> Self {
        Self { id, bytes }
    }

    /// Unverified bytes, for callers that verify their own result.
    pub fn as_unverified(&self) -> &[u8] {
        &self.bytes
    }

    /// The buffer, unverified.
    pub fn into_unverified(self) -> Vec<u8> {
        self.bytes
    }

    /// Hashes the bytes and compares the result with the id.
    ///
    /// # Errors
    /// Returns the buffer, for reuse, if they differ.
    pub fn verify(self, digest: DigestAlgorithm) -> Result<VerifiedChunk, Vec<u8>> {
        if digest.id_of(&self.bytes) == self.id {
            Ok(VerifiedChunk { id: self.id, bytes: self.bytes })
        } else {
            Err(self.bytes)
        }
    }
}

/// Plain bytes that hash to their id.
#[derive(Clone)]
pub struct VerifiedChunk {
    id: ChunkId,
    bytes: Vec<u8>,
}

impl fmt::Debug for VerifiedChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedChunk({}, {} bytes)", self.id, self.bytes.len())
    }
}

impl VerifiedChunk {
    /// A chunk of bytes that we made ourselves: its id is their hash.
    pub fn of(bytes: Vec<u8>, digest: DigestAlgorithm) -> Self {
        Self { id: digest.id_of(&bytes), bytes }
    }

    /// The id.
    pub fn id(&self) -> ChunkId {
        self.id
    }

    /// The plain bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The buffer, for reuse.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Decompresses stored chunks up to a size limit. Reuses its tables, so use one for each thread.
pub struct Decompressor {
    zstd: zstd::bulk::Decompressor<'static>,
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decompressor")
    }
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const XZ_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
/// Memory that an xz stream may make its decoder allocate, in KiB: a dictionary as large as the largest chunk (twice
/// what casync writes), and the decoder itself. The format would allow 4 GiB.
const MAX_XZ_KIB: u32 = (16 + 1) << 10;

impl Decompressor {
    /// A decompressor with empty tables.
    pub fn new() -> Result<Self> {
        let unsupported = |e: io::Error| Error::unsupported("this build of zstd").caused_by(e);
        let mut zstd = zstd::bulk::Decompressor::new().map_err(unsupported)?;
        // The chunk id is a stronger check of the same bytes.
        zstd.set_parameter(zstd::zstd_safe::DParameter::ForceIgnoreChecksum(true)).map_err(unsupported)?;
        Ok(Self { zstd })
    }

    /// Decodes `stored` into `buffer`, whose allocation is reused. The result has at most `max_bytes`, and never more
    /// than 16 MiB: a larger frame is rejected without being unpacked.
    pub fn decompress(&mut self, stored: &CompressedChunk, max_bytes: u64, mut buffer: Vec<u8>) -> Result<Chunk> {
        let max = usize::try_from(max_bytes.min(limits::MAX_CHUNK_BYTES)).unwrap_or(usize::MAX);
        let bytes = stored.as_bytes();
        buffer.clear();
        if bytes.starts_with(&ZSTD_MAGIC) {
            self.decompress_zstd(bytes, max, &mut buffer)
        } else if bytes.starts_with(&GZIP_MAGIC) {
            read_capped(flate2::read::GzDecoder::new(bytes), max, &mut buffer)
        } else if bytes.starts_with(&XZ_MAGIC) {
            read_capped(lzma_rust2::XzReader::new_mem_limit(bytes, true, MAX_XZ_KIB), max, &mut buffer)
        } else {
            Err(malformed("neither zstd, gzip nor xz"))
        }?;
        Ok(Chunk { id: stored.id, bytes: buffer })
    }

    fn decompress_zstd(&mut self, bytes: &[u8], max: usize, buffer: &mut Vec<u8>) -> Result<()> {
        let announced = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
        if announced.is_some_and(|size| size > max as u64) {
            return Err(too_large(max));
        }
        let want = announced.map_or(max, |size| usize::try_from(size).unwrap_or(max));
        buffer.reserve_exact(want);
        self.zstd.decompress_to_buffer(bytes, buffer).map_err(undecodable)?;
        if buffer.len() > max { Err(too_large(max)) } else { Ok(()) }
    }
}

fn read_capped(reader: impl Read, max: usize, buffer: &mut Vec<u8>) -> Result<()> {
    reader.take(max as u64 + 1).read_to_end(buffer).map_err(undecodable)?;
    if buffer.len() > max { Err(too_large(max)) } else { Ok(()) }
}

fn undecodable(error: io::Error) -> Error {
    malformed("it does not decompress").caused_by(error)
}

fn too_large(max: usize) -> Error {
    malformed(format!("more than {max} bytes of content"))
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::Chunk, 0, reason)
}

/// Compresses plain chunks for a store. Reuses its tables, so use one for each thread.
pub struct Compressor {
    zstd: zstd::bulk::Compressor<'static>,
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressor")
    }
}

impl Compressor {
    /// A compressor of zstd level 1 to 22. casync and desync use level 3.
    pub fn new(level: i32) -> Result<Self> {
        if !(1..=22).contains(&level) {
            return Err(Error::invalid("compression level", format!("{level} is not 1 to 22")));
        }
        let zstd =
            zstd::bulk::Compressor::new(level).map_err(|e| Error::unsupported("this level of zstd").caused_by(e))?;
        Ok(Self { zstd })
    }

    /// Compresses a chunk to one zstd frame without a dictionary, as every reader of `.cacnk` expects.
    pub fn compress(&mut self, chunk: &VerifiedChunk) -> Result<CompressedChunk> {
        self.compress_as(chunk.id, &chunk.bytes)
    }

    /// The same for a slice of a larger buffer that was just hashed.
    pub fn compress_as(&mut self, id: ChunkId, plain: &[u8]) -> Result<CompressedChunk> {
        let bytes = self.zstd.compress(plain).map_err(|e| Error::unsupported("compressing with zstd").caused_by(e))?;
        Ok(CompressedChunk { id, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(bytes: &[u8], level: i32) -> CompressedChunk {
        let chunk = VerifiedChunk::of(bytes.to_vec(), DigestAlgorithm::Sha512_256);
        Compressor::new(level).unwrap().compress(&chunk).unwrap()
    }

    #[test]
    fn null_chunk_has_the_published_ids() {
        let zeros = vec![0; 262_144];
        assert_eq!(
            DigestAlgorithm::Sha512_256.id_of(&zeros).to_string(),
            "1c8109946feed9f9e9fe4b5144d90f05a50fb3275e848cb72f4b9546d8c533f2"
        );
        assert_eq!(
            DigestAlgorithm::Sha256.id_of(&zeros).to_string(),
            "8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90"
        );
    }

    #[test]
    fn round_trips_and_verifies() {
        let plain = b"chunk ".repeat(1000);
        let stored = stored(&plain, 3);
        let chunk = Decompressor::new().unwrap().decompress(&stored, 6000, Vec::new()).unwrap();
        assert_eq!(chunk.verify(DigestAlgorithm::Sha512_256).unwrap().as_bytes(), plain);
    }

    #[test]
    fn refuses_to_unpack_more_than_asked() {
        let bomb = stored(&vec![0; 4 << 20], 3);
        let error = Decompressor::new().unwrap().decompress(&bomb, 262_144, Vec::new()).unwrap_err();
        assert_eq!(error.code(), "chunk_malformed");
    }

    #[test]
    fn bomb_without_announced_size_is_refused() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        std::io::Write::write_all(&mut encoder, &vec![0; 4 << 20]).unwrap();
        let bomb = CompressedChunk::new(ChunkId::from_bytes([0; 32]), encoder.finish().unwrap());
        assert!(Decompressor::new().unwrap().decompress(&bomb, 262_144, Vec::new()).is_err());
    }

    #[test]
    fn every_flipped_byte_is_an_error_or_a_wrong_digest() {
        let good = stored(&b"some content, not too short ".repeat(20), 3);
        let mut decompressor = Decompressor::new().unwrap();
        for at in 0..good.as_bytes().len() {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] ^= 0xff;
            let bad = CompressedChunk::new(good.id(), bytes);
            if let Ok(chunk) = decompressor.decompress(&bad, 560, Vec::new()) {
                // A changed frame header may still decode to the same bytes; that is not damage.
                if let Ok(same) = chunk.verify(DigestAlgorithm::Sha512_256) {
                    assert_eq!(same.id(), good.id(), "byte {at}");
                }
            }
        }
    }

    #[test]
    fn reads_what_casync_can_write() {
        let plain = b"gzip or xz ".repeat(50);
        let id = DigestAlgorithm::Sha512_256.id_of(&plain);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut gz, &plain).unwrap();
        let chunk = CompressedChunk::new(id, gz.finish().unwrap());
        let chunk = Decompressor::new().unwrap().decompress(&chunk, 550, Vec::new()).unwrap();
        assert!(chunk.verify(DigestAlgorithm::Sha512_256).is_ok());
    }

    /// The text `xz` in an xz stream whose dictionary size has this code.
    fn xz_with_dictionary(code: u8) -> CompressedChunk {
        let stream = "fd377a585a000004e6d6b4460200210116000000742fe5a3010001787a0000004d67c7c4b16ad05200011a02dc2ea57e\
                      1fb6f37d010000000004595a";
        let mut bytes = hex::decode(stream).unwrap();
        bytes[16] = code;
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..20]);
        bytes[20..24].copy_from_slice(&crc.sum().to_le_bytes());
        CompressedChunk::new(ChunkId::from_bytes([0; 32]), bytes)
    }

    #[test]
    fn xz_with_a_dictionary_larger_than_any_chunk_is_refused() {
        let mut decompressor = Decompressor::new().unwrap();
        for (dictionary, code) in [("8 MiB", 22), ("16 MiB", 24)] {
            let chunk = decompressor.decompress(&xz_with_dictionary(code), 2, Vec::new()).unwrap();
            assert_eq!(chunk.bytes, b"xz", "{dictionary}");
        }
        for (dictionary, code) in [("24 MiB", 25), ("1.5 GiB", 37), ("4 GiB", 40)] {
            assert!(decompressor.decompress(&xz_with_dictionary(code), 2, Vec::new()).is_err(), "{dictionary}");
        }
    }

    #[test]
    fn id_is_lower_case_hex_only() {
        let id: ChunkId = "00".repeat(32).parse().unwrap();
        assert_eq!(id.store_path(), format!("0000/{}.cacnk", "00".repeat(32)));
        assert!("AA".repeat(32).parse::<ChunkId>().is_err());
        assert!("00".repeat(31).parse::<ChunkId>().is_err());
        assert!("../".repeat(21).parse::<ChunkId>().is_err());
    }
}
