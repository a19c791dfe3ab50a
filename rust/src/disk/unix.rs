//! Linux, macOS and the BSDs.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(target_os = "linux")]
pub(super) fn sync_disk(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync_disk(_path: &Path) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

pub(super) fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    // Opened for reading: also works on folders and on files that are read-only.
    File::open(path)?.set_times(fs::FileTimes::new().set_modified(time))
}

#[cfg(target_os = "linux")]
pub(super) fn reflink(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let target = File::create(to)?;
    rustix::fs::ioctl_ficlone(&target, &source)?;
    target.set_permissions(source.metadata()?.permissions())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reflink(_from: &Path, _to: &Path) -> io::Result<()> {
    // macOS: `fs::copy` clones on APFS by itself.
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What tells this file or folder from every other on the machine; changes when it is copied.
pub fn identity(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// Permission bits; 0 on systems without them.
pub fn mode(metadata: &fs::Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// How many names the file has: writing to one with more than one would change another tree.
pub fn link_count(metadata: &fs::Metadata) -> u64 {
    metadata.nlink()
}

/// A word that is new after each start of the machine.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Whether any byte of the range was ever written; holes read as zeros.
pub fn has_data(file: &File, range: Range<u64>) -> bool {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(range.start)) {
        Ok(at) => at < range.end,
        Err(rustix::io::Errno::NXIO) => false,
        Err(_) => true,
    }
}
