//! File operations for all other modules: positional, atomic, one step at a time, and with errors that name their path.
//!
//! Knows no formats. Differences between systems (exchanging two folders, copy-on-write clones, holes) end here: each
//! operation has one meaning, and uses the best means that the system offers. All changes to the disk go through this
//! module, and each is one step: in builds with debug assertions a [`probe`] sees every step, and can stop the process
//! or make the step fail.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::Digest as _;

use crate::digest::Digest;
use crate::error::{Error, Result};

mod abilities;
mod names;
#[cfg(debug_assertions)]
pub mod probe;
mod remove;
mod step;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod write;

pub use abilities::{held_mode, holds_links, is_beyond_the_disk};
pub use names::{
    CloneMemory, can_clone, clone_or_copy, clone_or_link, copy, create_control_directory, create_directory, exchange,
    keep_to_owner, make_private_directory, offer_mode, offer_mtime, prefer_private_directory, rename, rename_leftover,
    rename_over, rename_tree, replace_symlink, set_mode, set_mtime, set_mtime_now, settle_mode, symlink,
};
pub use remove::{remove_all, remove_empty_directory, remove_file, remove_temporaries};
pub use system::{boot_id, has_data, identity, is_process, link_count, may_write, mode, owner, this_user};
#[cfg(windows)]
pub use system::{is_executed, runs};
pub use write::{
    Durability, Shared, create, open_lock, open_or_create, open_sized, set_length, sync_directory, sync_disk,
    sync_file, write_all_at, write_atomic, write_control, write_named, write_private,
};

#[cfg(unix)]
#[path = "disk/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "disk/windows.rs"]
mod system;

/// Prefix of the names of unfinished files.
pub(crate) const TEMPORARY_PREFIX: &str = ".tmp-vsekai-";

/// An absolute path without links, as people write it: on Windows without `\\?\`, which many programs do not understand,
/// unless the path is too long to do without.
///
/// # Errors
/// Those of the system, such as that it does not exist.
pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    #[cfg(windows)]
    let found = dunce::canonicalize(path);
    #[cfg(not(windows))]
    let found = fs::canonicalize(path);
    found
}

/// Takes a lock on an open file, exclusively or shared with others, without waiting. Returns whether it was free. It is
/// released by [`unlock`], or when the last handle of the file is closed.
///
/// # Errors
/// If the disk has no locks.
pub fn try_lock(file: &File, path: &Path, is_exclusive: bool) -> Result<bool> {
    system::try_lock(file, is_exclusive).map_err(Error::io("lock", path))
}

/// Releases a lock now, although a child process may share the file.
pub fn unlock(file: &File) {
    // Closing the file releases it, too.
    let _ = system::unlock(file);
}

/// Waits for half a minute until no other program has anything in a tree open in a way that prevents its removal. Where
/// open files can be removed, none ever does.
///
/// # Errors
/// [`Error::Busy`] with the first such file or folder, and its holder.
pub fn must_be_free(tree: &Path) -> Result<()> {
    let mut held = None;
    let mut look = || {
        held = system::first_held(tree);
        if held.is_some() { Err(io::ErrorKind::ResourceBusy.into()) } else { Ok(()) }
    };
    let outcome = system::until_free(system::Patience::Must, &mut look);
    match (outcome, held) {
        (Err(_), Some(path)) => Err(busy(&path)),
        _ => Ok(()),
    }
}

/// The programs that have a file, or one in a folder, open; in general words if they are unknown.
fn holder(path: &Path) -> String {
    let names = system::holders(path);
    if names.is_empty() { "another program".to_owned() } else { names.join(", ") }
}

/// The error of an operation on `path` that somebody's open file below `tree` can prevent.
fn held_or(verb: &'static str, path: &Path, tree: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| {
        if !system::is_held(&error) {
            return Error::io(verb, path)(error);
        }
        // Even who lets others remove a file prevents that its folder is renamed.
        let open = || (!system::holders(tree).is_empty()).then(|| tree.to_owned());
        system::first_held(tree).or_else(open).map_or_else(|| Error::io(verb, path)(error), |held| busy(&held))
    }
}

/// The error of an operation on this one file or folder that somebody's handle of it can prevent.
fn taken_or(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| {
        let is_busy = system::is_taken(&error) || system::is_held(&error) && !system::holders(path).is_empty();
        if is_busy { busy(path) } else { Error::io(verb, path)(error) }
    }
}

fn busy(path: &Path) -> Error {
    Error::Busy { path: path.to_owned(), holder: holder(path) }
}

/// Opens a file for reading. Does not wait for a pipe.
pub fn open(path: &Path) -> Result<File> {
    system::open(path).map_err(Error::io("open", path))
}

/// Computes the SHA-256 of a file.
pub fn sha256(path: &Path) -> Result<Digest> {
    let mut reader = io::BufReader::with_capacity(1 << 18, open(path)?);
    let mut hash = sha2::Sha256::new();
    loop {
        let bytes = io::BufRead::fill_buf(&mut reader).map_err(Error::io("read", path))?;
        if bytes.is_empty() {
            return Ok(Digest(hash.finalize().into()));
        }
        hash.update(bytes);
        let count = bytes.len();
        io::BufRead::consume(&mut reader, count);
    }
}

/// Reads a whole file of at most `max_bytes`; `None` if it does not exist. From a pipe that a person names, such as
/// `<(command)` of a shell, it reads what is written there.
pub fn read_if_exists(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    match system::open_to_wait(path) {
        Ok(file) => read_all(file, path, max_bytes).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("open", path)(e)),
    }
}

/// Reads one of our own files of at most `max_bytes`; `None` if it does not exist. Follows no link in place of the
/// file, and waits for no pipe.
///
/// # Errors
/// `Invalid` if it is too large, or not a regular file.
pub fn read_control(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    match open_regular(path)? {
        Some(file) => read_all(file, path, max_bytes).map(Some),
        None => Ok(None),
    }
}

/// Opens one of our own files for reading; `None` if it does not exist. Follows no link in place of the file.
///
/// # Errors
/// `Invalid` if it is not a regular file.
pub fn open_regular(path: &Path) -> Result<Option<File>> {
    let mut options = fs::OpenOptions::new();
    system::follow_no_link(options.read(true));
    match options.open(path) {
        Ok(file) => must_be_regular(file, path).map(Some),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(_) if is_irregular(path) => Err(irregular(path)),
        Err(e) => Err(Error::io("open", path)(e)),
    }
}

fn must_be_regular(file: File, path: &Path) -> Result<File> {
    let found = file.metadata().map_err(Error::io("read", path))?;
    if found.is_file() { Ok(file) } else { Err(irregular(path)) }
}

/// Whether something that is not a regular file has this name, such as a link or a folder.
pub fn is_irregular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| !found.is_file())
}

fn irregular(path: &Path) -> Error {
    let reason = format!("{} is a link, a folder or something else in place of a file", path.display());
    Error::invalid("file", reason)
}

fn read_all(file: File, path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if length > max_bytes {
        let reason = format!("{} has {length} bytes, at most {max_bytes} are read", path.display());
        return Err(Error::invalid("file", reason));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    io::Read::read_to_end(&mut io::Read::take(file, max_bytes), &mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// Reads a whole file of at most `max_bytes`.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let missing = || Error::io("open", path)(io::Error::from(io::ErrorKind::NotFound));
    read_if_exists(path, max_bytes)?.ok_or_else(missing)
}

/// Fills `buffer` from `offset`; fails if the file ends too early.
pub fn read_exact_at(file: &File, path: &Path, offset: u64, buffer: &mut [u8]) -> Result<()> {
    system::read_exact_at(file, buffer, offset).map_err(Error::io("read", path))
}

/// The length of an open file in bytes, or `None` if it is not a regular file.
pub fn regular_bytes(file: &File, path: &Path) -> Result<Option<u64>> {
    system::regular_bytes(file).map_err(Error::io("read", path))
}

/// Reads the next `bytes` of a file into `buffer`, whose content is replaced; fewer if the file ends before.
pub fn read_next(mut file: &File, path: &Path, bytes: usize, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    buffer.resize(bytes, 0);
    let mut filled = 0;
    while filled < bytes {
        match io::Read::read(&mut file, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path)(e)),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

/// A name in the same folder that no other process or thread uses, and that nobody can guess.
pub fn temporary_beside(path: &Path) -> PathBuf {
    path.with_file_name(random_name(TEMPORARY_PREFIX))
}

/// The prefix and 16 random hex digits. Somebody who may write to the folder cannot put a link there beforehand.
pub fn random_name(prefix: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Keyed with random bytes of the operating system.
    format!("{prefix}{:016x}", RandomState::new().hash_one((std::process::id(), count)))
}

/// Whether anything exists at this path, including a dangling link.
pub fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(e) => Err(Error::io("read", path)(e)),
    }
}

/// The entries of a folder, sorted by name.
pub fn list(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries: Vec<fs::DirEntry> = entries.map_err(Error::io("list", folder))?;
    entries.sort_by_cached_key(fs::DirEntry::file_name);
    Ok(entries)
}

/// Bytes that an unprivileged user can still write on the disk of `path`, or of its nearest existing parent.
pub fn free_bytes(path: &Path) -> Result<u64> {
    let existing = existing(path);
    system::free_bytes(existing).map_err(Error::io("ask for free space at", existing))
}

/// Bytes of the disk of `path`, or of its nearest existing parent, free or not.
pub fn total_bytes(path: &Path) -> Result<u64> {
    let existing = existing(path);
    system::total_bytes(existing).map_err(Error::io("ask for the size of the disk at", existing))
}

/// The path, or its nearest existing parent.
fn existing(path: &Path) -> &Path {
    let mut existing = path;
    while !existing.as_os_str().is_empty() && !existing.exists() {
        existing = existing.parent().unwrap_or(Path::new(""));
    }
    if existing.as_os_str().is_empty() { Path::new(".") } else { existing }
}

/// Whether the disk treats `a` and `A` as the same name. Creates a file to find out, so `directory` must be ours.
pub fn folds_case(directory: &Path) -> Result<bool> {
    let lower = temporary_beside(&directory.join("case"));
    let upper = lower.file_name().map(|name| directory.join(name.to_ascii_uppercase()));
    create(&lower)?;
    let folds = upper.is_some_and(|upper| upper.exists());
    remove_file(&lower)?;
    Ok(folds)
}

/// Modification time in nanoseconds since 1970; 0 if it is earlier or unknown.
pub fn mtime_ns(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.and_then(|d| u64::try_from(d.as_nanos()).ok()).unwrap_or(0)
}
