//! Windows. Compiles where the toolchain is to be had; what it cannot do it says with `Unsupported`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::windows::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

pub(super) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = file.seek_read(buffer, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = file.seek_write(bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn sync_disk(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn free_bytes(_path: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o222 == 0);
    fs::set_permissions(path, permissions)
}

pub(super) fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_times(fs::FileTimes::new().set_modified(time))
}

pub(super) fn reflink(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Unknown here: a receipt is then held against the tree's files alone.
pub fn identity(_metadata: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Unknown here: taken for shared, so that nothing is written in place.
pub fn link_count(_metadata: &fs::Metadata) -> u64 {
    2
}

/// There are none here.
pub fn mode(_metadata: &fs::Metadata) -> u32 {
    0
}

/// Unknown here.
pub fn boot_id() -> Option<String> {
    None
}

/// Unknown here: every range is looked at.
pub fn has_data(_file: &File, _range: Range<u64>) -> bool {
    true
}
