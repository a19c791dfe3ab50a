//! The two halves of a move to another disk: copies what is to be moved, and removes what was copied.
//!
//! Files appear under their names only when they are complete, so that size and time tell what was copied before a kill.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::ARRIVING;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::{InstallRoot, LOCK, running};
use crate::local::disk::{self, CloneMemory};

/// What belongs to a process or to this place, in `.vsekai`: not copied.
const STAYS: [&str; 4] = [LOCK, ARRIVING, "state.json", running::RUNNING];

/// A file, link or folder to move; its path is relative.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) found: Metadata,
}

/// Lists what is to be moved: each folder before its content. Follows a link in the place of `versions`, which leads to
/// another disk, and no other.
pub(super) fn list(folder: &Path, below: &Path, entries: &mut Vec<Entry>, monitor: &Monitor) -> Result<()> {
    for entry in disk::list(folder)? {
        monitor.cancel.check()?;
        let (at, path) = (entry.path(), below.join(entry.file_name()));
        let mut found = fs::symlink_metadata(&at).map_err(Error::io("read", &at))?;
        if is_left_here(&path, &found) {
            continue;
        }
        if path == Path::new("versions") && found.is_symlink() {
            found = fs::metadata(&at).map_err(Error::io("read", &at))?;
        }
        if !(found.is_dir() || found.is_file() || found.is_symlink()) {
            let reason = format!("{} is no file, and stays where it is", at.display());
            monitor.warn(&Error::invalid("file", reason));
            continue;
        }
        let is_folder = found.is_dir();
        entries.push(Entry { path: path.clone(), found });
        if is_folder {
            list(&at, &path, entries, monitor)?;
        }
    }
    Ok(())
}

/// What is made anew there, or means nothing there.
fn is_left_here(path: &Path, found: &Metadata) -> bool {
    let is_control = |name: &str| path == Path::new(".vsekai").join(name);
    let is_temporary = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(disk::TEMPORARY_PREFIX));
    STAYS.into_iter().any(is_control)
        || (path == Path::new("current") && found.is_symlink())
        || (path.parent() == Some(Path::new(".vsekai")) && is_temporary)
}

pub(super) fn check_space(to: &InstallRoot, entries: &[Entry]) -> Result<()> {
    let is_missing =
        |entry: &&Entry| entry.found.is_file() && !is_there(&to.directory().join(&entry.path), &entry.found);
    let needed_bytes = entries.iter().filter(is_missing).map(|entry| entry.found.len()).sum();
    let free_bytes = disk::free_bytes(to.directory())?;
    if needed_bytes > free_bytes {
        return Err(Error::DiskFull { path: to.directory().to_owned(), needed_bytes, free_bytes });
    }
    Ok(())
}

/// Whether this file was copied to `there`: files appear under their names only when they are complete.
fn is_there(there: &Path, found: &Metadata) -> bool {
    fs::symlink_metadata(there)
        .is_ok_and(|copy| copy.is_file() && copy.len() == found.len() && disk::mtime_ns(&copy) == disk::mtime_ns(found))
}

pub(super) struct Copier<'a> {
    from: &'a Path,
    to: &'a InstallRoot,
    /// Where the files with several names were copied to.
    links: HashMap<(u64, u64), PathBuf>,
    memory: CloneMemory,
    /// What had to be written.
    pub(super) bytes: u64,
}

impl<'a> Copier<'a> {
    pub(super) fn new(from: &'a Path, to: &'a InstallRoot) -> Self {
        Self { from, to, links: HashMap::new(), memory: CloneMemory::default(), bytes: 0 }
    }

    pub(super) fn copy(&mut self, Entry { path, found }: &Entry) -> Result<()> {
        let (at, there) = (self.from.join(path), self.to.directory().join(path));
        if found.is_dir() {
            disk::create_directory(&there)?;
            if disk::mode(found) & 0o700 == 0o700 { Ok(()) } else { disk::offer_mode(&there, 0o755).map(drop) }
        } else if found.is_symlink() {
            copy_link(&at, &there)
        } else {
            self.copy_file(&at, &there, found)
        }
    }

    fn copy_file(&mut self, at: &Path, there: &Path, found: &Metadata) -> Result<()> {
        let identity = (disk::link_count(at, found) > 1).then(|| disk::identity(at, found)).flatten();
        if !is_there(there, found) {
            // Where no temporary file is taken for one of the user.
            let temporary = disk::temporary_beside(&self.to.control("file"));
            let first = identity.and_then(|identity| self.links.get(&identity));
            self.bytes += match first {
                Some(first) => disk::clone_or_link(first, &temporary, &self.memory)?,
                None => disk::copy(at, &temporary)?,
            };
            disk::rename_over(&temporary, there)?;
        }
        if let Some(identity) = identity {
            self.links.entry(identity).or_insert_with(|| there.to_owned());
        }
        Ok(())
    }
}

fn copy_link(at: &Path, there: &Path) -> Result<()> {
    let target = fs::read_link(at).map_err(Error::io("read", at))?;
    if fs::read_link(there).is_ok_and(|found| found == target) {
        return Ok(());
    }
    disk::remove_file(there)?;
    disk::symlink(&target, there)
}

/// Removes the files of `folder` that `there` has as well, and the folders that this leaves empty.
pub(super) fn remove_copied(folder: &Path, there: &Path, monitor: &Monitor) -> Result<()> {
    for entry in disk::list(folder)? {
        let (at, copy) = (entry.path(), there.join(entry.file_name()));
        let Ok(found) = fs::symlink_metadata(&at) else { continue };
        // Also follows the link in the place of `versions`.
        if at.is_dir() && (found.is_dir() || entry.file_name() == "versions") && copy.is_dir() {
            if found.is_dir() && disk::mode(&found) & 0o700 != 0o700 {
                disk::offer_mode(&at, 0o755)?;
            }
            remove_copied(&at, &copy, monitor)?;
            if found.is_dir() {
                disk::remove_empty_directory(&at)?;
            }
        } else if found.is_file() && is_there(&copy, &found) || found.is_symlink() && is_same_link(&at, &copy) {
            disk::remove_file(&at)?;
        } else if at.file_name() != Some(LOCK.as_ref()) {
            let reason = format!("{} came after the move, and stays", at.display());
            monitor.warn(&Error::invalid("file", reason));
        }
    }
    Ok(())
}

fn is_same_link(a: &Path, b: &Path) -> bool {
    fs::read_link(a).is_ok_and(|target| fs::read_link(b).is_ok_and(|other| other == target))
}
