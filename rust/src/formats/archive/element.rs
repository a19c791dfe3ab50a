//! The elements that a catar is made of: type numbers, sizes and caps.
//!
//! An element is its size (including this 16-byte prefix), its type and its body: little-endian u64s, except names and
//! contents.

use crate::limits;

pub(super) const ENTRY: u64 = 0x1396_fabc_ea5b_bb51;
pub(super) const FILENAME: u64 = 0x6dbb_6ebc_b316_1f0b;
pub(super) const PAYLOAD: u64 = 0x8b9e_1d93_d6dc_ffc9;
pub(super) const SYMLINK: u64 = 0x664a_6fb6_830e_0d6c;
pub(super) const DEVICE: u64 = 0xac3d_ace3_69df_e643;
pub(super) const GOODBYE: u64 = 0xdfd3_5c5e_8327_c403;
pub(super) const GOODBYE_TAIL: u64 = 0x5744_6fa5_3370_2943;

const USER: u64 = 0xf453_131a_aeea_ccb3;
const GROUP: u64 = 0x25eb_6ac9_6939_6a52;
const XATTR: u64 = 0xb815_7091_f80b_c486;
const ACL_USER: u64 = 0x297d_c88b_2ef1_2faf;
const ACL_GROUP: u64 = 0x36f2_acb5_6cb3_dd0b;
const ACL_GROUP_OBJ: u64 = 0x2304_7110_441f_38f3;
const ACL_DEFAULT: u64 = 0xfe3e_eda6_823c_8cd0;
const ACL_DEFAULT_USER: u64 = 0xbdf0_3df9_bd01_0a91;
const ACL_DEFAULT_GROUP: u64 = 0xa0cb_1168_782d_1f51;
const SELINUX: u64 = 0x46fa_f060_2fd2_6c59;
const FCAPS: u64 = 0xf726_7db0_afed_0629;
const QUOTA_PROJID: u64 = 0x161b_af2d_8772_a72b;

/// Size and type, before every body.
pub(super) const PREFIX: usize = 16;
pub(super) const PREFIX_BYTES: u64 = PREFIX as u64;
/// One item of a GOODBYE: a child, or the tail.
pub(super) const ITEM: usize = 24;
pub(super) const ITEM_BYTES: u64 = ITEM as u64;
const ENTRY_BYTES: u64 = 64;
const DEVICE_BYTES: u64 = 32;
// casync's limit; with the NUL.
const MAX_LABEL_BYTES: usize = 4096;

/// Bytes of an ENTRY.
pub const fn entry_bytes() -> u64 {
    ENTRY_BYTES
}

/// Bytes of a FILENAME with this name.
pub const fn filename_bytes(name: &str) -> u64 {
    PREFIX_BYTES + name.len() as u64 + 1
}

/// Bytes of a SYMLINK to this target.
pub const fn symlink_bytes(target: &str) -> u64 {
    PREFIX_BYTES + target.len() as u64 + 1
}

/// Bytes of a DEVICE.
pub const fn device_bytes() -> u64 {
    DEVICE_BYTES
}

/// Bytes before a file's content. Empty files have them too.
pub const fn payload_header_bytes() -> u64 {
    PREFIX_BYTES
}

/// Bytes of the GOODBYE of a directory with so many children.
pub const fn goodbye_bytes(children: u32) -> u64 {
    PREFIX_BYTES + ITEM_BYTES * (children as u64 + 1)
}

/// Smallest and largest body, in bytes, of an element that may come between ENTRY and content; `None` for all other
/// types.
pub(super) fn metadata_bounds(kind: u64) -> Option<(u64, u64)> {
    let name = limits::MAX_OWNER_NAME_BYTES + 1;
    let (least, most) = match kind {
        USER | GROUP => (2, name),
        XATTR => (2, limits::MAX_NAME_BYTES + 1 + limits::MAX_XATTR_BYTES),
        ACL_USER | ACL_GROUP | ACL_DEFAULT_USER | ACL_DEFAULT_GROUP => (16, 16 + name),
        ACL_GROUP_OBJ | QUOTA_PROJID => (8, 8),
        ACL_DEFAULT => (32, 32),
        SELINUX => (2, MAX_LABEL_BYTES),
        FCAPS => (1, limits::MAX_XATTR_BYTES),
        _ => return None,
    };
    Some((least, most as u64))
}

/// Checks that the strings in the body of such an element are complete.
pub(super) fn check_metadata(kind: u64, body: &[u8]) -> Result<(), &'static str> {
    let name = match kind {
        USER | GROUP | SELINUX => body,
        ACL_USER | ACL_GROUP | ACL_DEFAULT_USER | ACL_DEFAULT_GROUP if body.len() > 16 => &body[16..],
        XATTR => {
            let name = body.iter().position(|&b| b == 0);
            return match name {
                Some(len) if 0 < len && len <= limits::MAX_NAME_BYTES => Ok(()),
                _ => Err("an extended attribute without a name"),
            };
        }
        _ => return Ok(()),
    };
    string(name).map(drop)
}

/// The string in a body whose only NUL is at its end.
pub(super) fn string(body: &[u8]) -> Result<&[u8], &'static str> {
    match body.split_last() {
        Some((0, text)) if !text.contains(&0) => Ok(text),
        _ => Err("a string without a NUL at its end"),
    }
}

pub(super) fn push(out: &mut Vec<u8>, fields: &[u64]) {
    for field in fields {
        out.extend_from_slice(&field.to_le_bytes());
    }
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}
