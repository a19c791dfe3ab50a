//! The file operations that everything else is built of: positional, atomic, and with errors that name
//! their path.
//!
//! It knows no formats. Where systems differ (exchange of two folders, copy-on-write clones, holes) the
//! difference ends here: each operation has one meaning and the best means that the system offers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(Error::io("open", path))
}

/// Reads a whole file of at most `max_bytes`; nothing if there is no such file.
pub fn read_if_exists(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("open", path)(e)),
    };
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if length > max_bytes {
        let reason = format!("{} has {length} bytes, at most {max_bytes} are read", path.display());
        return Err(Error::Invalid { what: "file", reason });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    io::Read::read_to_end(&mut io::Read::take(file, max_bytes), &mut bytes).map_err(Error::io("read", path))?;
    Ok(Some(bytes))
}

/// Reads a whole file of at most `max_bytes`.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let missing = || Error::io("open", path)(io::Error::from(io::ErrorKind::NotFound));
    read_if_exists(path, max_bytes)?.ok_or_else(missing)
}

/// Fills `buffer` from `offset`; a file that ends before is an error.
pub fn read_exact_at(file: &File, path: &Path, offset: u64, buffer: &mut [u8]) -> Result<()> {
    system::read_exact_at(file, buffer, offset).map_err(Error::io("read", path))
}

/// Writes all of `bytes` at `offset`.
pub fn write_all_at(file: &File, path: &Path, offset: u64, bytes: &[u8]) -> Result<()> {
    system::write_all_at(file, bytes, offset).map_err(Error::io("write", path))
}

/// What a write must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// That the process is killed.
    Kill,
    /// That the power is cut, too. Costs a wait for the disk.
    PowerCut,
}

/// Replaces `path` by `bytes`: whatever happens, the file is the old one or the new one.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = (|| {
        let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        file.write_all(bytes).map_err(Error::io("write", &temporary))?;
        if durability == Durability::PowerCut {
            file.sync_all().map_err(Error::io("write", &temporary))?;
        }
        fs::rename(&temporary, path).map_err(Error::io("write", path))?;
        match (durability, path.parent()) {
            (Durability::PowerCut, Some(folder)) => sync_directory(folder),
            _ => Ok(()),
        }
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A name in the same folder that no other process and no other thread uses.
pub fn temporary_beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".tmp-vsekai-{}-{count}", std::process::id()))
}

/// Creates a folder and those above it.
pub fn create_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("create folder", path))
}

/// Removes a file, if it is there.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Removes a folder and all below it, or a file, if it is there. Follows no symlink.
pub fn remove_all(path: &Path) -> Result<()> {
    let outcome = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            unlock_directories(path);
            fs::remove_dir_all(path)
        }
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match outcome {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Makes folders that the tree has as read-only writable again, so that they can be emptied.
#[cfg(unix)]
fn unlock_directories(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = fs::symlink_metadata(path) else { return };
    if found.permissions().mode() & 0o700 != 0o700 {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock_directories(&entry.path());
        }
    }
}

#[cfg(not(unix))]
fn unlock_directories(_path: &Path) {}

/// Opens a new or partly written file for positional writing, `size` bytes long. What it already holds stays.
pub fn open_sized(path: &Path, size: u64) -> Result<File> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = match open() {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            // Left by an earlier run that had given it its final, read-only mode already.
            fs::remove_file(path).and_then(|()| open())
        }
        other => other,
    }
    .map_err(Error::io("create", path))?;
    if file.metadata().map_err(Error::io("create", path))?.len() != size {
        file.set_len(size).map_err(Error::io("reserve space for", path))?;
    }
    Ok(file)
}

/// Makes `to` the same file as `from` without copying its bytes if the disk can: clone, else hard link,
/// else copy. Gives the number of bytes that had to be written.
pub fn clone_or_link(from: &Path, to: &Path) -> Result<u64> {
    match system::reflink(from, to) {
        Ok(()) => return Ok(0),
        Err(_) => remove_file(to)?,
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(0);
    }
    copy(from, to)
}

/// Copies bytes and permissions; as a clone if the disk can. Gives the number of bytes that had to be written.
pub fn copy(from: &Path, to: &Path) -> Result<u64> {
    match system::reflink(from, to) {
        Ok(()) => return Ok(0),
        Err(_) => remove_file(to)?,
    }
    fs::copy(from, to).map_err(Error::io("copy", from))
}

/// Swaps two folders in one step where the system can: nobody ever sees one of them missing.
///
/// # Errors
/// `Unsupported` from the system becomes `Ok(false)`: nothing was done.
pub fn exchange(a: &Path, b: &Path) -> Result<bool> {
    match system::exchange(a, b) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => Ok(false),
        Err(e) => Err(Error::io("switch to the new version in", b)(e)),
    }
}

/// Renames; the target must not exist, or be an empty folder.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("move into place", to))
}

/// Makes renames in this folder survive a power cut.
pub fn sync_directory(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    system::sync_directory(path).map_err(Error::io("sync", path))
}

/// Makes everything written so far on the disk of `path` survive a power cut.
pub fn sync_disk(path: &Path) -> Result<()> {
    system::sync_disk(path).map_err(Error::io("sync", path))
}

/// Bytes that an unprivileged user can still write on the disk of `path`, or of its nearest parent that exists.
pub fn free_bytes(path: &Path) -> Result<u64> {
    let mut existing = path;
    while !existing.as_os_str().is_empty() && !existing.exists() {
        existing = existing.parent().unwrap_or(Path::new(""));
    }
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    system::free_bytes(existing).map_err(Error::io("ask for free space at", existing))
}

/// Whether the disk takes `a` and `A` for the same name. Asks by making a file, so `directory` must be ours.
pub fn folds_case(directory: &Path) -> Result<bool> {
    let lower = directory.join(format!(".vsekai-case-{}", std::process::id()));
    let upper = directory.join(format!(".VSEKAI-CASE-{}", std::process::id()));
    File::create(&lower).map_err(Error::io("create", &lower))?;
    let folds = upper.exists();
    remove_file(&lower)?;
    Ok(folds)
}

/// Permission bits that a chmod can set; nothing on systems without them.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    system::set_mode(path, mode & 0o7777).map_err(Error::io("set the mode of", path))
}

/// Sets the modification time, in nanoseconds since 1970.
pub fn set_mtime(path: &Path, mtime_ns: u64) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(mtime_ns);
    system::set_mtime(path, time).map_err(Error::io("set the time of", path))
}

/// Modification time in nanoseconds since 1970; 0 if before, or unknown.
pub fn mtime_ns(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.and_then(|d| u64::try_from(d.as_nanos()).ok()).unwrap_or(0)
}

pub use system::{boot_id, has_data, identity, link_count, mode};

#[cfg(unix)]
#[path = "disk/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "disk/windows.rs"]
mod system;
