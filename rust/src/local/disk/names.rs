//! Creates, renames and links files and folders, and sets their permissions and times.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::abilities::is_beyond_the_disk;
use super::remove::remove_file;
use super::step::{step, step_in_half};
use super::system::{Patience, patiently, until_free};
use super::{held_or, system, taken_or, temporary_beside};
use crate::error::{Error, Result};

/// Permissions of our own files: others may read them, and only the owner may write to them.
pub(super) const CONTROL_FILE: u32 = 0o644;

/// Creates a folder and its missing parents.
pub fn create_directory(path: &Path) -> Result<()> {
    create_missing(path).map_err(Error::io("create folder", path))
}

fn create_missing(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), create_missing)?;
    match step("create-folder", path, || fs::create_dir(path)) {
        // Another process created it first.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Creates a folder that decides what is started or trusted: others may read it, and only its owner may write to it,
/// whatever the umask. Its missing parents get the permissions of [`create_directory`].
pub fn create_control_directory(path: &Path) -> Result<()> {
    const CONTROL: u32 = 0o755;
    if path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), create_directory)?;
    match step("create-folder", path, || system::create_directory(path, CONTROL)) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        Err(e) => return Err(Error::io("create folder", path)(e)),
    }
    match fs::symlink_metadata(path) {
        Ok(found) if cfg!(unix) && system::mode(&found) & 0o777 != CONTROL => offer_mode(path, CONTROL).map(drop),
        _ => Ok(()),
    }
}

/// Gives one of our own files the permissions that [`write_control`](super::write_control) gives, whatever the umask
/// was.
pub fn settle_mode(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if cfg!(unix) && found.is_file() && system::mode(&found) & 0o777 != CONTROL_FILE => {
            offer_mode(path, CONTROL_FILE).map(drop)
        }
        _ => Ok(()),
    }
}

/// Takes the right to write from group and others. Follows no link; a disk without permissions stays as it is.
pub fn keep_to_owner(path: &Path) -> Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    let mode = system::mode(&found);
    if found.is_symlink() || mode & 0o022 == 0 {
        return Ok(());
    }
    offer_mode(path, mode & !0o022).map(drop)
}

/// Creates a folder that only its owner may enter; its missing parents get the permissions of [`create_directory`]. An
/// existing folder of this user becomes private.
///
/// # Errors
/// Also if the folder exists and belongs to somebody else, who could read what is put there.
pub fn make_private_directory(path: &Path) -> Result<()> {
    match make_private(path)? {
        Made::Private => Ok(()),
        Made::OfAnother(error) => Err(Error::io("create folder", path)(error)),
    }
}

/// Like [`make_private_directory`], but takes a folder of somebody else as it is: whoever runs a server may have given
/// it one.
pub fn prefer_private_directory(path: &Path) -> Result<()> {
    make_private(path).map(drop)
}

enum Made {
    Private,
    OfAnother(io::Error),
}

fn make_private(path: &Path) -> Result<Made> {
    const PRIVATE: u32 = 0o700;
    path.parent().map_or(Ok(()), create_directory)?;
    match step("create-folder", path, || system::create_directory(path, PRIVATE)) {
        Ok(()) => system::keep_private(path).map(|()| Made::Private).map_err(Error::io("protect", path)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            let found = fs::metadata(path).map_err(Error::io("read", path))?;
            if system::owner(&found) != system::this_user() {
                return Ok(Made::OfAnother(e));
            }
            if system::mode(&found) & 0o777 != PRIVATE {
                offer_mode(path, PRIVATE)?;
            }
            Ok(Made::Private)
        }
        Err(e) => Err(Error::io("create folder", path)(e)),
    }
}

/// Renames; the target must not exist or must be an empty folder. Where another program's open file prevents it, tries
/// again for half a minute.
///
/// # Errors
/// [`Error::Busy`] with that program.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    let rename = || patiently(Patience::Must, || fs::rename(from, to));
    step("rename", to, rename).map_err(held_or("move into place", to, from))
}

/// Renames a whole tree; `to` must not exist or must be an empty folder. Returns whether it did: another disk, a disk
/// mounted there, or an open file can prevent it.
pub fn rename_tree(from: &Path, to: &Path) -> bool {
    step("rename-tree", to, || fs::rename(from, to)).is_ok()
}

/// Renames what is no longer needed: like [`rename`], but the next run can do it as well, so it waits for a second at
/// most.
pub fn rename_leftover(from: &Path, to: &Path) -> Result<()> {
    let rename = || patiently(Patience::May, || fs::rename(from, to));
    step("rename", to, rename).map_err(held_or("move away", from, from))
}

/// Atomically replaces a file or link, if there is one at the target.
pub fn rename_over(from: &Path, to: &Path) -> Result<()> {
    step("rename", to, || patiently(Patience::Must, || fs::rename(from, to))).map_err(held_or("write", to, to))
}

/// Swaps two folders in one step if the system can.
///
/// # Errors
/// `Unsupported` from the system becomes `Ok(false)`: nothing was changed.
pub fn exchange(a: &Path, b: &Path) -> Result<bool> {
    match step("exchange", b, || system::exchange(a, b)) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => Ok(false),
        Err(e) => Err(Error::io("switch to the new version in", b)(e)),
    }
}

/// Creates a link at `at` with the given target text. Nothing may exist at `at`.
pub fn symlink(target: &Path, at: &Path) -> Result<()> {
    step("symlink", at, || system::symlink(target, at)).map_err(Error::io("create link", at))
}

/// Makes `at` a link to the folder `target` beside it, replacing an existing file or link atomically. On Windows, a link to a
/// folder cannot be replaced in one step, so for a moment there is no link.
pub fn replace_symlink(target: &Path, at: &Path) -> Result<()> {
    let temporary = temporary_beside(at);
    step("symlink", &temporary, || system::folder_link(target, &temporary)).map_err(Error::io("create link", at))?;
    let replaced = step("rename", at, || system::rename_link(&temporary, at)).map_err(Error::io("replace link", at));
    if replaced.is_err() {
        let _ = remove_file(&temporary);
    }
    replaced
}

/// Remembers for one operation whether a disk can clone files.
#[derive(Debug, Default)]
pub struct CloneMemory {
    is_refused: AtomicBool,
}

impl CloneMemory {
    /// Clones, unless the disk has refused to before. Returns whether it did.
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

/// Gives `to` the content of `from` without copying bytes if the disk can: clone, else hard link, else copy. Nothing
/// may exist at `to`. Returns the number of bytes written.
///
/// A disk that has refused one clone is not asked again, because a failing attempt takes longer than a link.
pub fn clone_or_link(from: &Path, to: &Path, memory: &CloneMemory) -> Result<u64> {
    if memory.clone(from, to)? {
        return Ok(0);
    }
    if step("link", to, || until_free(Patience::Must, || fs::hard_link(from, to))).is_ok() {
        return Ok(0);
    }
    // A leftover may be shared with another tree, so it is never written to.
    remove_file(to)?;
    copy_bytes(from, to)
}

/// Copies bytes, permissions and the modification time, as a clone if the disk can. Nothing may exist at `to`. Returns
/// the number of bytes written.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    if clone(from, to)? { Ok(0) } else { copy_bytes(from, to) }
}

/// Gives `to` the content, permissions and modification time of `from`, and an inode of its own: clone, else copy.
/// Remembers refused clones like [`clone_or_link`]. Returns the number of bytes written.
pub fn clone_or_copy(from: &Path, to: &Path, memory: &CloneMemory) -> Result<u64> {
    if memory.clone(from, to)? { Ok(0) } else { copy_bytes(from, to) }
}

/// Whether files on the disk of `directory` can be cloned. Creates two files to find out, so `directory` must be ours.
pub fn can_clone(directory: &Path) -> Result<bool> {
    let (from, to) = (temporary_beside(&directory.join("from")), temporary_beside(&directory.join("to")));
    super::write_atomic(&from, b"clone", super::Durability::Kill)?;
    let can = clone(&from, &to);
    remove_file(&from)?;
    remove_file(&to)?;
    can
}

/// Tries to clone. Returns whether the disk supports it.
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

/// Sets the permission bits if the disk can hold them. Returns whether it took them: FAT, exFAT and many shares refuse,
/// and have the permissions that they were mounted with.
pub fn offer_mode(path: &Path, mode: u32) -> Result<bool> {
    match try_mode(path, mode) {
        Ok(()) => Ok(true),
        Err(e) if is_beyond_the_disk(&e) => Ok(false),
        Err(e) => Err(taken_or("set the mode of", path)(e)),
    }
}

/// Sets the permission bits; on systems without them, only the read-only flag.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    try_mode(path, mode).map_err(taken_or("set the mode of", path))
}

fn try_mode(path: &Path, mode: u32) -> io::Result<()> {
    step("set-mode", path, || patiently(Patience::Must, || system::set_mode(path, mode & 0o7777)))
}

/// Sets the modification time, in nanoseconds since 1970, if the disk lets us.
pub fn offer_mtime(path: &Path, mtime_ns: u64) -> Result<()> {
    match try_mtime(path, since_1970(mtime_ns)) {
        Err(e) if !is_beyond_the_disk(&e) => Err(taken_or("set the time of", path)(e)),
        _ => Ok(()),
    }
}

/// Sets the modification time to now.
pub fn set_mtime_now(path: &Path) -> Result<()> {
    try_mtime(path, SystemTime::now()).map_err(taken_or("set the time of", path))
}

/// Sets the modification time, in nanoseconds since 1970.
pub fn set_mtime(path: &Path, mtime_ns: u64) -> Result<()> {
    try_mtime(path, since_1970(mtime_ns)).map_err(taken_or("set the time of", path))
}

fn try_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    step("set-time", path, || patiently(Patience::Must, || system::set_mtime(path, time)))
}

fn since_1970(mtime_ns: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(mtime_ns)
}
