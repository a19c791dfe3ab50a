//! Writes files, and makes them durable.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::step::{step, step_in_half};
use super::system::{Patience, until_free};
use super::{busy, irregular, is_irregular, must_be_regular, names, remove, system, taken_or, temporary_beside};
use crate::error::{Error, Result};

/// Permissions of files that hold a secret.
const PRIVATE: u32 = 0o600;

/// Creates a file for reading and writing. Nothing may exist at `path`, not even a link. Group and others may not write
/// to it, whatever the umask.
pub fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    system::follow_no_link(options.read(true).write(true).create_new(true));
    system::create_with(&mut options, names::CONTROL_FILE);
    step("create", path, || options.open(path)).map_err(Error::io("create", path))
}

/// Opens an existing file, or creates an empty one, for reading and writing. Follows no link in place of the file.
pub fn open_or_create(path: &Path) -> Result<File> {
    open_as(path, names::CONTROL_FILE)
}

/// Opens or creates a lock. In a folder that several users share, each must be able to take it, so the umask decides
/// who may write to it.
///
/// A file that has another name too is not ours to write to: the name is taken away from it, and a new file gets it.
pub fn open_lock(path: &Path) -> Result<File> {
    let is_shared = |found: std::fs::Metadata| found.is_file() && system::link_count(path, &found) > 1;
    if std::fs::symlink_metadata(path).is_ok_and(is_shared) {
        remove::remove_file(path)?;
    }
    open_as(path, 0o666)
}

fn open_as(path: &Path, mode: u32) -> Result<File> {
    let mut options = OpenOptions::new();
    system::follow_no_link(options.read(true).write(true).create(true).truncate(false));
    system::create_with(&mut options, mode);
    match step("create", path, || until_free(Patience::Must, || options.open(path))) {
        Ok(file) => must_be_regular(file, path),
        Err(_) if is_irregular(path) => Err(irregular(path)),
        Err(e) if system::is_taken(&e) => Err(busy(path)),
        Err(e) => Err(Error::io("create", path)(e)),
    }
}

/// Writes all of `bytes` at `offset`.
pub fn write_all_at(file: &File, path: &Path, offset: u64, bytes: &[u8]) -> Result<()> {
    let write = |bytes: &[u8]| system::write_all_at(file, bytes, offset);
    step_in_half("write", path, || write(bytes), || write(&bytes[..bytes.len() / 2])).map_err(Error::io("write", path))
}

/// Truncates a file, or extends it with zeros that take no space.
pub fn set_length(file: &File, path: &Path, bytes: u64) -> Result<()> {
    step("set-length", path, || file.set_len(bytes)).map_err(Error::io("reserve space for", path))
}

/// Makes the content of this file survive a power cut.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    step("sync-file", path, || file.sync_all()).map_err(Error::io("write", path))
}

/// The failure that a write must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The process is killed.
    Kill,
    /// The power is cut, too. Costs a wait for the disk.
    PowerCut,
}

/// Atomically replaces the content of `path`. Others may read it if the umask lets them, and never write to it.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    write_as(path, bytes, durability, None)
}

/// Atomically replaces the content of a file that decides what is started or trusted: others may read it, and only its
/// owner may write to it, whatever the umask.
pub fn write_control(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    write_as(path, bytes, durability, Some(names::CONTROL_FILE))
}

/// Atomically replaces the content of a file that only its owner may read: it holds a secret.
pub fn write_private(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    write_as(path, bytes, durability, Some(PRIVATE))
}

/// Atomically replaces the content of a file that a person has named: behind a link, of the file that it leads to.
/// Survives a power cut.
///
/// # Errors
/// `Invalid` if it is a device, a pipe or a folder: root would replace even `/dev/null`. Those of the disk.
pub fn write_named(path: &Path, bytes: &[u8]) -> Result<()> {
    let found = super::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if std::fs::metadata(&found).is_ok_and(|found| !found.is_file()) {
        return Err(irregular(path));
    }
    write_atomic(&found, bytes, Durability::PowerCut)
}

fn write_as(path: &Path, bytes: &[u8], durability: Durability, mode: Option<u32>) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = (|| {
        let file = create(&temporary)?;
        let found = file.metadata().map_err(Error::io("write", &temporary))?;
        if let Some(mode) = mode.filter(|mode| cfg!(unix) && system::mode(&found) & 0o777 != *mode) {
            names::offer_mode(&temporary, mode)?;
        }
        if mode == Some(PRIVATE) {
            system::keep_private(&temporary).map_err(Error::io("protect", &temporary))?;
        }
        write_all_at(&file, &temporary, 0, bytes)?;
        if durability == Durability::PowerCut {
            sync_file(&file, &temporary)?;
        }
        drop(file);
        names::rename_over(&temporary, path)
    })();
    if written.is_err() {
        let _ = remove::remove_file(&temporary);
        return written;
    }
    match (durability, path.parent()) {
        (Durability::PowerCut, Some(folder)) => sync_directory(folder),
        _ => Ok(()),
    }
}

/// Opens a new or partly written file for positional writing, and makes it `size` bytes long. Its existing content
/// stays. It must not share its inode with another tree: a read-only file becomes writable.
pub fn open_sized(path: &Path, size: u64) -> Result<File> {
    let file = match open_or_create(path) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            // An earlier run already gave the file its final, read-only mode; its content is still wanted.
            let found = path.metadata().map_err(Error::io("read", path))?;
            names::offer_mode(path, system::mode(&found) | 0o600)?;
            open_or_create(path)
        }
        other => other,
    }?;
    if file.metadata().map_err(Error::io("create", path))?.len() != size {
        system::offer_holes(&file);
        set_length(&file, path, size)?;
    }
    Ok(file)
}

/// Makes renames in this folder survive a power cut.
pub fn sync_directory(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    step("sync-folder", path, || system::sync_directory(path)).map_err(Error::io("sync", path))
}

/// What [`sync_disk`] does with files that have several names, where it goes from file to file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// They were flushed with the version that they are shared with, and that may be running now, so that nobody may
    /// write to them.
    Skip,
    /// All their names are new.
    Flush,
}

/// Makes everything written so far on the disk of `path` survive a power cut. Where another program's open file prevents
/// it, tries again for half a minute.
///
/// # Errors
/// [`Error::Busy`] with that program.
pub fn sync_disk(path: &Path, shared: Shared) -> Result<()> {
    let mut stuck = None;
    let synced = step("sync-disk", path, || system::sync_disk(path, shared, &mut stuck));
    synced.map_err(|error| taken_or("sync", stuck.as_deref().unwrap_or(path))(error))
}
