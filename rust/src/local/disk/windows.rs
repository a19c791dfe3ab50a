//! Windows. Operations that it cannot do return `Unsupported`.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::windows::fs::FileExt;
use std::path::{Path, PathBuf};
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

/// Links need a privilege on Windows, and files are not shared with strangers in the folders that we use.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn open_to_wait(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn follow_no_link(_options: &mut OpenOptions) {}

/// Modes do not control access on Windows.
pub(super) fn create_with(_options: &mut OpenOptions, _mode: u32) {}

/// `ERROR_PRIVILEGE_NOT_HELD`: this user may not create links.
pub(super) fn is_beyond_the_disk(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(1314)
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

/// Modes do not control access on Windows.
pub(super) fn create_directory(path: &Path, _mode: u32) -> io::Result<()> {
    fs::create_dir(path)
}

pub(super) fn symlink(target: &Path, at: &Path) -> io::Result<()> {
    let is_directory = at.parent().is_some_and(|folder| folder.join(target).is_dir());
    if is_directory {
        std::os::windows::fs::symlink_dir(target, at)
    } else {
        std::os::windows::fs::symlink_file(target, at)
    }
}

pub(super) fn rename_link(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt;
    if fs::symlink_metadata(to).is_ok_and(|found| found.file_type().is_symlink_dir()) {
        fs::remove_dir(to)?;
    }
    fs::rename(from, to)
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
        use std::os::windows::fs::FileTypeExt;
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.file_type().is_symlink_dir() {
            return fs::remove_dir(path);
        }
        fs::remove_file(path)
    }

    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }
}

/// Unknown on Windows: a receipt is then only checked against the tree's files.
pub fn identity(_metadata: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

/// Unknown on Windows: treated as shared, so that nothing is written in place.
pub fn link_count(_metadata: &fs::Metadata) -> u64 {
    2
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

/// Not known here: a process counts as existing.
pub fn is_process(_number: u32) -> bool {
    true
}

/// Unknown on Windows.
pub fn boot_id() -> Option<String> {
    None
}

/// Unknown on Windows: every range counts as written.
pub fn has_data(_file: &File, _range: Range<u64>) -> bool {
    true
}
