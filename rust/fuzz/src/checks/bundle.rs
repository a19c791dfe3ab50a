//! Bundles: an accepted table is written and read back unchanged, and no frame, document or list makes a reader panic
//! or ask for unbounded memory. The first byte selects which of them the rest is.

use vsekai_updater::Error;
use vsekai_updater::formats::bundle::{BundleList, Table, decompress, index_document, parse_index_document};

/// Largest content of a section here, in bytes: the memory limit applies to the whole process.
const MAX_PLAIN_BYTES: u64 = 1 << 20;

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let outcome = match kind % 5 {
        0 => table(bytes),
        1 => table(&front(bytes)),
        2 => parse_index_document(bytes).map(|index| {
            assert_eq!(index_document(&index), bytes);
        }),
        3 => BundleList::parse(bytes).map(|list| {
            let again = list.to_bytes().expect("our own");
            assert_eq!(BundleList::parse(&again).expect("our own"), list);
        }),
        _ => frame(bytes),
    };
    if let Err(error) = outcome {
        assert!(
            matches!(error, Error::Malformed { .. } | Error::Invalid { .. } | Error::Unsupported { .. }),
            "{error}"
        );
    }
}

fn table(bytes: &[u8]) -> Result<(), Error> {
    let table = Table::parse(bytes)?;
    assert_eq!(Table::parse(&table.to_bytes()?).expect("our own"), table);
    Ok(())
}

/// Wraps a plain table in a header and a frame.
fn front(plain: &[u8]) -> Vec<u8> {
    let packed = zstd::bulk::compress(plain, 1).unwrap_or_default();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&b"VSKBNDL\x01"[..], &length(&packed), &length(plain), &packed].concat()
}

/// Decompresses input that consists of a two-byte length, a prefix and a frame.
fn frame(bytes: &[u8]) -> Result<(), Error> {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Ok(()) };
    let (prefix, packed) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
    let mut plain = Vec::new();
    decompress(packed, prefix, MAX_PLAIN_BYTES, &mut plain)
}
