//! Compresses a section to one zstd frame and back, relative to a prefix that both sides have.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, DParameter, compress_bound, get_error_name};

use super::table::malformed;
use crate::error::{Error, Result};

/// Upper limits of the match finder's binary tree and hash table, as log2 of their 4-byte entries.
const MAX_CHAIN_LOG: u32 = 26;
const MAX_HASH_LOG: u32 = 25;

const MIN_WINDOW_LOG: u32 = 10;
const MAX_WINDOW_LOG: u32 = 27;
const MIN_TABLE_LOG: u32 = 16;

/// From this level on, zstd searches with a binary tree, which takes two entries a byte.
const FIRST_TREE_LEVEL: i32 = 13;

/// Compresses `plain` for a receiver that has `prefix`, at a zstd level from 1 to 22.
///
/// zstd sizes its tables by the length of the content alone: for small content and a large prefix they would cover only
/// the prefix's end. So the sizes are set here, from both lengths.
///
/// # Errors
/// [`Error::Unsupported`] if there is no memory for the tables, or the level does not exist.
pub fn compress(level: i32, prefix: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let window_log = log2_up(prefix.len() + plain.len()).clamp(MIN_WINDOW_LOG, MAX_WINDOW_LOG);
    let mut zstd = CCtx::try_create().ok_or_else(|| failed("no memory"))?;
    for parameter in parameters(level, window_log, !prefix.is_empty()) {
        zstd.set_parameter(parameter).map_err(|code| failed(get_error_name(code)))?;
    }
    zstd.ref_prefix(prefix).map_err(|code| failed(get_error_name(code)))?;
    let mut packed = Vec::with_capacity(compress_bound(plain.len()));
    zstd.compress2(&mut packed, plain).map_err(|code| failed(get_error_name(code)))?;
    packed.shrink_to_fit();
    Ok(packed)
}

fn parameters(level: i32, window_log: u32, has_prefix: bool) -> Vec<CParameter> {
    let mut parameters = vec![CParameter::CompressionLevel(level), CParameter::WindowLog(window_log)];
    if has_prefix {
        let tree = u32::from(level >= FIRST_TREE_LEVEL);
        parameters.extend([
            CParameter::ChainLog((window_log + tree).clamp(MIN_TABLE_LOG, MAX_CHAIN_LOG)),
            CParameter::HashLog((window_log - 1).clamp(MIN_TABLE_LOG, MAX_HASH_LOG)),
            CParameter::EnableLongDistanceMatching(true),
            CParameter::LdmHashLog(window_log.saturating_sub(3).clamp(MIN_TABLE_LOG, MAX_HASH_LOG)),
        ]);
    }
    parameters
}

/// Decompresses a frame into `plain`, whose allocation is reused. The result has exactly `plain_bytes` bytes; it is
/// never written past them, and needs no separate window.
///
/// # Errors
/// `bundle_malformed`. A wrong prefix causes this error or wrong bytes.
pub fn decompress(packed: &[u8], prefix: &[u8], plain_bytes: u64, plain: &mut Vec<u8>) -> Result<()> {
    let bytes = usize::try_from(plain_bytes).map_err(|_| malformed(0, "it does not fit in memory"))?;
    plain.clear();
    plain.reserve_exact(bytes);
    let mut zstd = DCtx::try_create().ok_or_else(|| failed("no memory"))?;
    // The chunk ids are a stronger check of the same bytes.
    for parameter in [DParameter::WindowLogMax(MAX_WINDOW_LOG), DParameter::ForceIgnoreChecksum(true)] {
        zstd.set_parameter(parameter).map_err(|code| failed(get_error_name(code)))?;
    }
    zstd.ref_prefix(prefix).map_err(|code| failed(get_error_name(code)))?;
    zstd.decompress(plain, packed).map_err(|code| malformed(0, get_error_name(code)))?;
    if plain.len() == bytes { Ok(()) } else { Err(malformed(0, "a section is shorter than announced")) }
}

fn log2_up(bytes: usize) -> u32 {
    bytes.next_power_of_two().trailing_zeros()
}

fn failed(reason: &str) -> Error {
    Error::unsupported(format!("zstd: {reason}"))
}
