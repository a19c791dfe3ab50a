//! Linux, macOS and the BSDs.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, chmodat, openat, statat, unlinkat};
use rustix::io::Errno;

use super::write::Shared;

pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match open(path)?.sync_all() {
        // Some shares and FUSE disks sync files, but not folders.
        Err(e) if matches!(Errno::from_io_error(&e), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => Ok(()),
        other => other,
    }
}

/// How long to try again what somebody's open handle prevents. Here none does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Must,
    May,
}

pub(super) fn patiently<T>(_patience: Patience, mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    operation()
}

pub(super) fn until_free<T>(_patience: Patience, mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    operation()
}

pub(super) fn is_held(_error: &io::Error) -> bool {
    false
}

pub(super) fn is_taken(_error: &io::Error) -> bool {
    false
}

pub(super) fn holders(_path: &Path) -> Vec<String> {
    Vec::new()
}

pub(super) fn first_held(_tree: &Path) -> Option<PathBuf> {
    None
}

/// Takes a lock without waiting. Returns whether it was free.
pub(super) fn try_lock(file: &File, is_exclusive: bool) -> io::Result<bool> {
    match if is_exclusive { file.try_lock() } else { file.try_lock_shared() } {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

pub(super) fn unlock(file: &File) -> io::Result<()> {
    file.unlock()
}

/// Permission bits do that here.
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(super) fn keep_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Files have holes without being asked.
pub(super) fn offer_holes(_file: &File) {}

/// Opens for reading. Does not wait until somebody writes to a pipe: what is read from such a pipe is at its end.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().try_into().unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Opens for reading. Reads from a pipe wait for those who have it open for writing.
pub(super) fn open_to_wait(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
    }
    Ok(file)
}

/// The length of a regular file.
pub(super) fn regular_bytes(file: &File) -> io::Result<Option<u64>> {
    let found = file.metadata()?;
    Ok(found.is_file().then_some(found.len()))
}

/// The next open follows no link in the last part of the path, and waits for no pipe.
pub(super) fn follow_no_link(options: &mut OpenOptions) {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(flags.bits().try_into().unwrap_or_default());
}

/// A file that the next open creates gets these permissions, less the umask.
pub(super) fn create_with(options: &mut OpenOptions, mode: u32) {
    options.mode(mode);
}

/// FAT answers EPERM to permissions and links, other disks say that they lack the operation. EACCES is another matter.
pub(super) fn is_beyond_the_disk(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP))
}

#[cfg(target_os = "linux")]
pub(super) fn sync_disk(path: &Path, _shared: Shared, _stuck: &mut Option<PathBuf>) -> io::Result<()> {
    Ok(rustix::fs::syncfs(open(path)?)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync_disk(_path: &Path, _shared: Shared, _stuck: &mut Option<PathBuf>) -> io::Result<()> {
    rustix::fs::sync();
    Ok(())
}

pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

pub(super) fn total_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_blocks.saturating_mul(found.f_frsize))
}

pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

pub(super) fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    // Opened for reading, which also works for folders and read-only files.
    open(path)?.set_times(fs::FileTimes::new().set_modified(time))
}

/// On macOS, `fs::copy` clones where the disk can.
#[cfg(target_os = "macos")]
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let bytes = fs::copy(from, to)?;
    match fs::metadata(from)?.modified().and_then(|time| set_mtime(to, time)) {
        Err(e) if !is_beyond_the_disk(&e) => Err(e),
        _ => Ok(bytes),
    }
}

#[cfg(not(target_os = "macos"))]
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = open(from)?;
    let found = source.metadata()?;
    // Not `fs::copy`, which follows links, and fails where permissions cannot be set.
    let mut options = OpenOptions::new();
    follow_no_link(options.write(true).create_new(true));
    create_with(&mut options, 0o600);
    let mut target = options.open(to)?;
    let bytes = io::copy(&mut source, &mut target)?;
    let taken = target.set_permissions(found.permissions()).and_then(|()| target.set_modified(found.modified()?));
    match taken {
        Err(e) if !is_beyond_the_disk(&e) => Err(e),
        _ => Ok(bytes),
    }
}

#[cfg(target_os = "linux")]
pub(super) fn reflink(from: &Path, to: &Path) -> io::Result<()> {
    let source = open(from)?;
    // Never an existing file: it may be a hard link, and share its bytes with another tree.
    let target = File::create_new(to)?;
    rustix::fs::ioctl_ficlone(&target, &source)?;
    let found = source.metadata()?;
    target.set_modified(found.modified()?)?;
    target.set_permissions(found.permissions())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reflink(_from: &Path, _to: &Path) -> io::Result<()> {
    // macOS: `fs::copy` clones automatically on APFS.
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

pub(super) fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().mode(mode).create(path)
}

pub(super) fn symlink(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

/// Removes a file or a link.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// A link to a folder beside it.
pub(super) fn folder_link(target: &Path, at: &Path) -> io::Result<()> {
    symlink(target, at)
}

pub(super) fn rename_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Whether the owner may not list or empty a folder.
pub(super) fn is_locked(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && is_locked_mode(found.mode()))
}

fn is_locked_mode(mode: u32) -> bool {
    mode & 0o700 != 0o700
}

/// A folder that is being emptied. Uses a handle: if a link takes the folder's place meanwhile, nothing behind that
/// link is removed.
pub(super) struct Folder(OwnedFd);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::open_at(rustix::fs::CWD, path.as_os_str())
    }

    fn open_at(folder: impl rustix::fd::AsFd, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(openat(folder, name, flags, Mode::empty())?))
    }

    pub(super) fn open_inner(&self, name: &OsStr) -> io::Result<Self> {
        Self::open_at(&self.0, name)
    }

    /// Names, sorted, each with whether it is a folder.
    pub(super) fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                let is_folder = match entry.file_type() {
                    FileType::Unknown => self.kind(name) == Some(FileType::Directory),
                    kind => kind == FileType::Directory,
                };
                found.push((name.to_owned(), is_folder));
            }
        }
        found.sort();
        Ok(found)
    }

    fn kind(&self, name: &OsStr) -> Option<FileType> {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(found.st_mode))
    }

    pub(super) fn is_locked(&self, name: &OsStr) -> bool {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        #[allow(clippy::useless_conversion, reason = "16 bits on macOS")]
        found.is_ok_and(|found| is_locked_mode(u32::from(found.st_mode)))
    }

    pub(super) fn unlock(&self, name: &OsStr) -> io::Result<()> {
        Ok(chmodat(&self.0, name, Mode::RWXU, AtFlags::empty())?)
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }
}

/// Distinguishes this file or folder from every other on the machine; a copy has another identity.
pub fn identity(_path: &Path, metadata: &fs::Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// The user that a file belongs to.
pub fn owner(metadata: &fs::Metadata) -> Option<u32> {
    Some(metadata.uid())
}

/// The user that this process acts as.
pub fn this_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Whether this user may add and remove names in a folder, or write to a file.
pub fn may_write(path: &Path) -> bool {
    rustix::fs::accessat(rustix::fs::CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Permission bits; 0 on systems without them.
pub fn mode(metadata: &fs::Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// The number of names of a file: writing to one with more than one would change another tree.
pub fn link_count(_path: &Path, metadata: &fs::Metadata) -> u64 {
    metadata.nlink()
}

/// An identifier that changes with each boot of the machine.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Whether a process with this number exists, of any user.
pub fn is_process(number: u32) -> bool {
    let pid = i32::try_from(number).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether any byte of the range was ever written; holes read as zeros.
pub fn has_data(file: &File, range: Range<u64>) -> bool {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(range.start)) {
        Ok(at) => at < range.end,
        Err(rustix::io::Errno::NXIO) => false,
        Err(_) => true,
    }
}
