//! Windows. Operations that it cannot do return `Unsupported`.
//!
//! A scanner or an indexer often has a file open that has just been written, and then it can be neither written to nor
//! renamed nor removed: such operations are tried again for a while, see `windows/held.rs`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::write::Shared;

#[path = "windows/api.rs"]
mod api;
#[path = "windows/held.rs"]
mod held;
#[cfg(test)]
#[path = "windows/tests.rs"]
mod tests;

pub(super) use held::{Patience, first_held, holders, is_held, is_taken, patiently, until_free};
pub use held::{is_executed, runs};

/// To open folders, too, and to open links themselves.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// Enough to set times, and given for read-only files.
const FILE_WRITE_ATTRIBUTES: u32 = 0x0100;

const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_PRIVILEGE_NOT_HELD: i32 = 1314;

/// The one byte that locks are taken on: far behind the text, which others may then read and the holder write.
const LOCKED_BYTE: u64 = 1 << 62;

/// Takes a lock without waiting. Returns whether it was free.
pub(super) fn try_lock(file: &File, is_exclusive: bool) -> io::Result<bool> {
    match api::lock_byte(file, LOCKED_BYTE, is_exclusive) {
        Ok(()) => Ok(true),
        Err(e) if e.raw_os_error() == Some(ERROR_LOCK_VIOLATION) => Ok(false),
        Err(e) => Err(e),
    }
}

pub(super) fn unlock(file: &File) -> io::Result<()> {
    api::unlock_byte(file, LOCKED_BYTE)
}

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

/// NTFS journals names.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Flushes each file: only an administrator may flush a whole disk. NTFS journals names and lengths, but not content, so
/// a power cut could leave zeros in files that look complete.
///
/// Files that somebody has open come last, when most are free again; the first that stays so is `stuck`.
pub(super) fn sync_disk(path: &Path, shared: Shared, stuck: &mut Option<PathBuf>) -> io::Result<()> {
    let (mut rest, mut held) = (vec![path.to_owned()], Vec::new());
    while let Some(path) = rest.pop() {
        let found = fs::symlink_metadata(&path)?;
        if found.is_dir() {
            for entry in fs::read_dir(&path)? {
                rest.push(entry?.path());
            }
        } else if found.is_file() && (shared == Shared::Flush || !has_other_names(&path)) {
            match flush(&path, found.permissions()) {
                Err(e) if is_held(&e) => held.push((path, found.permissions())),
                other => other?,
            }
        }
    }
    patiently(Patience::Must, || {
        while let Some((path, permissions)) = held.last() {
            *stuck = Some(path.clone());
            flush(path, permissions.clone())?;
            held.pop();
        }
        Ok(())
    })
}

fn has_other_names(path: &Path) -> bool {
    information(path).is_ok_and(|found| found.links > 1)
}

fn flush(path: &Path, permissions: fs::Permissions) -> io::Result<()> {
    if !permissions.readonly() {
        return OpenOptions::new().write(true).open(path)?.sync_all();
    }
    let mut writable = permissions.clone();
    #[expect(clippy::permissions_set_readonly_false, reason = "on Windows it is an attribute of the file alone")]
    writable.set_readonly(false);
    fs::set_permissions(path, writable)?;
    let flushed = OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all());
    fs::set_permissions(path, permissions)?;
    flushed
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn open_to_wait(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// The length of a regular file: [`open`] opens no folders. The metadata of a handle would say, too, but asks the volume for
/// its number first, which takes longer than to read a chunk.
pub(super) fn regular_bytes(mut file: &File) -> io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Some(length))
}

/// The next open opens a link itself, which then is no regular file.
pub(super) fn follow_no_link(options: &mut OpenOptions) {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

/// Modes do not control access on Windows: see [`keep_private`].
pub(super) fn create_with(_options: &mut OpenOptions, _mode: u32) {}

/// Lets only the owner and the system into a file or folder, and into what is created in it.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    match api::keep_private(path) {
        // FAT and network shares have no access lists.
        Err(e) if e.kind() == io::ErrorKind::Unsupported || e.raw_os_error() == Some(1) => Ok(()),
        other => other,
    }
}

/// Also where this user may not create links.
pub(super) fn is_beyond_the_disk(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(ERROR_PRIVILEGE_NOT_HELD)
}

pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    api::free_bytes(path)
}

pub(super) fn total_bytes(path: &Path) -> io::Result<u64> {
    api::total_bytes(path)
}

/// Lets a file that is written in any order have holes, where the disk can.
pub(super) fn offer_holes(file: &File) {
    // FAT cannot, and then it only takes longer.
    let _ = api::set_sparse(file);
}

pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o222 == 0);
    fs::set_permissions(path, permissions)
}

pub(super) fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    options.open(path)?.set_times(fs::FileTimes::new().set_modified(time))
}

pub(super) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    // Also copies the modification time.
    fs::copy(from, to)
}

pub(super) fn reflink(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    fs::create_dir(path)?;
    let is_of_others = mode & 0o077 != 0;
    if is_of_others { Ok(()) } else { keep_private(path) }
}

pub(super) fn symlink(target: &Path, at: &Path) -> io::Result<()> {
    let is_directory = at.parent().is_some_and(|folder| folder.join(target).is_dir());
    if is_directory {
        std::os::windows::fs::symlink_dir(target, at)?;
    } else {
        std::os::windows::fs::symlink_file(target, at)?;
    }
    is_made(at)
}

/// A link to a folder beside it. A junction needs no privilege, but a target from the root, so it is for links that stay
/// where they are.
pub(super) fn folder_link(target: &Path, at: &Path) -> io::Result<()> {
    let folder = at.parent().unwrap_or(Path::new(""));
    let absolute = std::path::absolute(folder.join(target))?;
    if junction::create(absolute, at).is_ok() {
        return is_made(at);
    }
    // The empty folder that was to become one.
    let _ = fs::remove_dir(at);
    symlink(target, at)
}

/// Wine says that it has made a link, and has not.
fn is_made(link: &Path) -> io::Result<()> {
    let is_link = fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink());
    if is_link { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

/// Removes a file or a link. A link to a folder is removed as folders are.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt;
    if fs::symlink_metadata(path)?.file_type().is_symlink_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
}

pub(super) fn rename_link(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt;
    if fs::symlink_metadata(to).is_ok_and(|found| found.file_type().is_symlink_dir()) {
        fs::remove_dir(to)?;
    }
    patiently(Patience::Must, || fs::rename(from, to))
}

/// Folders are never read-only on Windows.
pub(super) fn is_locked(_folder: &Path) -> bool {
    false
}

/// A folder that is being emptied.
pub(super) struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(path.to_owned()))
    }

    pub(super) fn open_inner(&self, name: &OsStr) -> io::Result<Self> {
        Self::open(&self.0.join(name))
    }

    /// Names, sorted, each with whether it is a folder. Links to folders are removed like folders, but not entered.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            found.push((entry.file_name(), entry.file_type()?.is_dir()));
        }
        found.sort();
        Ok(found)
    }

    #[expect(clippy::unused_self, reason = "as on other systems")]
    pub(super) fn is_locked(&self, _name: &OsStr) -> bool {
        false
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(super) fn unlock(&self, _name: &OsStr) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        let path = self.0.join(name);
        patiently(Patience::May, || remove_file(&path))
    }

    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        let path = self.0.join(name);
        patiently(Patience::May, || fs::remove_dir(&path))
    }
}

fn information(path: &Path) -> io::Result<api::Information> {
    let mut options = OpenOptions::new();
    // No access is needed to ask, so nobody's handle prevents it.
    options.access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    api::information(&options.open(path)?)
}

/// What tells a file or folder from all others: the volume, and the number there.
pub fn identity(path: &Path, _metadata: &fs::Metadata) -> Option<(u64, u64)> {
    information(path).ok().map(|found| found.identity)
}

/// The number of names of a file. One that cannot be asked counts as shared, so that nothing is written in place.
pub fn link_count(path: &Path, _metadata: &fs::Metadata) -> u64 {
    information(path).map_or(2, |found| found.links)
}

/// Unknown on Windows until it is tried.
pub fn may_write(_path: &Path) -> bool {
    true
}

/// Owners are not compared on Windows.
pub fn owner(_metadata: &fs::Metadata) -> Option<u32> {
    None
}

/// Owners are not compared on Windows.
pub fn this_user() -> Option<u32> {
    None
}

/// Windows has no permission bits.
pub fn mode(_metadata: &fs::Metadata) -> u32 {
    0
}

/// Whether a process with this number runs.
pub fn is_process(number: u32) -> bool {
    api::is_process(number)
}

/// Unknown on Windows.
pub fn boot_id() -> Option<String> {
    None
}

/// Unknown on Windows: every range counts as written.
pub fn has_data(_file: &File, _range: Range<u64>) -> bool {
    true
}
