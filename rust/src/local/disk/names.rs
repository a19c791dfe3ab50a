//! Names of files and folders: made, moved, linked, and what is said about them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::remove::remove_file;
use super::step::{step, step_in_half};
use super::{system, temporary_beside};
use crate::error::{Error, Result};

/// Creates a folder and those above it that are missing, from the top.
pub fn create_directory(path: &Path) -> Result<()> {
    create_missing(path).map_err(Error::io("create folder", path))
}

fn create_missing(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), create_missing)?;
    match step("create-folder", path, || fs::create_dir(path)) {
        // Another process was faster.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Creates a folder that nobody but its owner may enter; those above it are as [`create_directory`] makes
/// them. One that is there becomes private.
pub fn make_private_directory(path: &Path) -> Result<()> {
    const PRIVATE: u32 = 0o700;
    path.parent().map_or(Ok(()), create_directory)?;
    match step("create-folder", path, || system::create_directory(path, PRIVATE)) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => set_mode(path, PRIVATE),
        other => other.map_err(Error::io("create folder", path)),
    }
}

/// Renames; the target must not exist, or be an empty folder.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    step("rename", to, || fs::rename(from, to)).map_err(Error::io("move into place", to))
}

/// Puts a file or link in the place of another, if there is one: nobody ever sees none.
pub fn rename_over(from: &Path, to: &Path) -> Result<()> {
    step("rename", to, || fs::rename(from, to)).map_err(Error::io("write", to))
}

/// Swaps two folders in one step where the system can: nobody ever sees one of them missing.
///
/// # Errors
/// `Unsupported` from the system becomes `Ok(false)`: nothing was done.
pub fn exchange(a: &Path, b: &Path) -> Result<bool> {
    match step("exchange", b, || system::exchange(a, b)) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => Ok(false),
        Err(e) => Err(Error::io("switch to the new version in", b)(e)),
    }
}

/// Creates a link at `at` that says `target`, as it is written. There must be nothing at `at`.
pub fn symlink(target: &Path, at: &Path) -> Result<()> {
    step("symlink", at, || system::symlink(target, at)).map_err(Error::io("create link", at))
}

/// Makes `at` a link that says `target`, in the place of a file or link that is there: whatever happens, it
/// is the old one or the new one. On Windows, where a link to a folder cannot be replaced in one step, there
/// is a moment without any.
pub fn replace_symlink(target: &Path, at: &Path) -> Result<()> {
    let temporary = temporary_beside(at);
    symlink(target, &temporary)?;
    let replaced = step("rename", at, || system::rename_link(&temporary, at)).map_err(Error::io("replace link", at));
    if replaced.is_err() {
        let _ = remove_file(&temporary);
    }
    replaced
}

/// What was found out about a disk by who takes over many files on it.
#[derive(Debug, Default)]
pub struct CloneMemory {
    is_refused: AtomicBool,
}

impl CloneMemory {
    /// Clones, unless the disk has refused to before. Whether it did.
    fn clone(&self, from: &Path, to: &Path) -> Result<bool> {
        if self.is_refused.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let is_cloned = clone(from, to)?;
        if !is_cloned {
            self.is_refused.store(true, Ordering::Relaxed);
        }
        Ok(is_cloned)
    }
}

/// Makes `to` the same file as `from` without copying its bytes if the disk can: clone, else hard link,
/// else copy. There must be nothing at `to`. Gives the number of bytes that had to be written.
///
/// A disk that has refused one clone is not asked again: to find out takes longer than to link.
pub fn clone_or_link(from: &Path, to: &Path, memory: &CloneMemory) -> Result<u64> {
    if memory.clone(from, to)? {
        return Ok(0);
    }
    if step("link", to, || fs::hard_link(from, to)).is_ok() {
        return Ok(0);
    }
    // What is in the way may be shared with another tree: it is never written into.
    remove_file(to)?;
    copy_bytes(from, to)
}

/// Copies bytes, permissions and the modification time; as a clone if the disk can. There must be nothing at `to`. Gives the number
/// of bytes that had to be written.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    if clone(from, to)? { Ok(0) } else { copy_bytes(from, to) }
}

/// Gives `to` the content, permissions and modification time of `from`, and an inode of its own: clone, else copy.
/// Asks the disk as [`clone_or_link`] does. Gives the number of bytes that had to be written.
pub fn clone_or_copy(from: &Path, to: &Path, memory: &CloneMemory) -> Result<u64> {
    if memory.clone(from, to)? { Ok(0) } else { copy_bytes(from, to) }
}

/// Whether files on the disk of `directory` can be cloned. Finds out by making two, so `directory` must be ours.
pub fn can_clone(directory: &Path) -> Result<bool> {
    let (from, to) = (temporary_beside(&directory.join("from")), temporary_beside(&directory.join("to")));
    super::write_atomic(&from, b"clone", super::Durability::Kill)?;
    let can = clone(&from, &to);
    remove_file(&from)?;
    remove_file(&to)?;
    can
}

/// Whether the disk could.
fn clone(from: &Path, to: &Path) -> Result<bool> {
    match step("clone", to, || system::reflink(from, to)) {
        Ok(()) => Ok(true),
        Err(_) => remove_file(to).map(|()| false),
    }
}

fn copy_bytes(from: &Path, to: &Path) -> Result<u64> {
    let half = || {
        let bytes = fs::read(from)?;
        fs::write(to, &bytes[..bytes.len() / 2])
    };
    step_in_half("copy", to, || system::copy(from, to), half).map_err(Error::io("copy", from))
}

/// Permission bits that a chmod can set; on systems without them, whether it is read-only.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    step("set-mode", path, || system::set_mode(path, mode & 0o7777)).map_err(Error::io("set the mode of", path))
}

/// Gives a file or folder the permissions of another.
pub fn set_permissions(path: &Path, permissions: fs::Permissions) -> Result<()> {
    step("set-mode", path, || fs::set_permissions(path, permissions)).map_err(Error::io("set the mode of", path))
}

/// Sets the modification time to now.
pub fn set_mtime_now(path: &Path) -> Result<()> {
    step("set-time", path, || system::set_mtime(path, SystemTime::now())).map_err(Error::io("set the time of", path))
}

/// Sets the modification time, in nanoseconds since 1970.
pub fn set_mtime(path: &Path, mtime_ns: u64) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(mtime_ns);
    step("set-time", path, || system::set_mtime(path, time)).map_err(Error::io("set the time of", path))
}
