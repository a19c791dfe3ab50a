//! Moves an install root to another folder, also on another disk.
//!
//! ```text
//! on the same disk   one rename of the whole folder
//! otherwise          DIR is copied to THERE; state.json comes last: from then on THERE counts; then DIR is removed
//! ```
//!
//! Until `THERE/.vsekai/state.json` is written, everything in DIR is as it was. `THERE/.vsekai/arriving` names DIR from
//! the first step to the last, so that the same move continues after a kill, whatever it had done. A file is removed
//! from DIR only if THERE has the same one: what somebody adds meanwhile stays where it is.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Admission, InstallRoot, LOCK, Session, owner, running};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::local::disk::{self, CloneMemory, Durability};
use crate::local::lock::Lock;

/// The name of the marker, in `.vsekai`.
pub(super) const ARRIVING: &str = "arriving";

/// Longest path in the marker, in bytes.
const MAX_MARKER_BYTES: u64 = 64 << 10;

/// What belongs to a process or to this place, in `.vsekai`: not copied.
const STAYS: [&str; 4] = [LOCK, ARRIVING, "state.json", running::RUNNING];

/// The result of [`relocate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relocated {
    /// Where the install is now.
    #[serde(serialize_with = "crate::text::lossy")]
    pub directory: PathBuf,
    /// Bytes that had to be copied.
    pub copied_bytes: u64,
    /// Whether the folder that was left is gone, because nothing else was in it.
    pub is_old_folder_gone: bool,
}

/// Moves the install in `root` to `to`, or continues a move.
///
/// # Errors
/// `not_installed`; `destination_not_ours` if `to` has other files, or another install; `invalid_argument` if one folder
/// is in the other; `busy` while the game runs; `disk_full`.
pub fn relocate(
    root: &InstallRoot,
    to: &InstallRoot,
    admission: &Admission<'_>,
    monitor: &Monitor,
) -> Result<Relocated> {
    let (from, there) = (root.directory(), to.directory());
    if from.starts_with(there) || there.starts_with(from) {
        let reason = format!("{} and {} must not be in each other", from.display(), there.display());
        return Err(Error::invalid("folder", reason));
    }
    let mut moved = Relocated { directory: there.to_owned(), copied_bytes: 0, is_old_folder_gone: false };
    let is_begun = is_from(to, from)?;
    if is_begun && to.control("state.json").is_file() {
        return leave(root, to, moved, admission, monitor);
    }
    if !root.is_ours() {
        return Err(Error::NotInstalled { path: from.to_owned() });
    }
    if !is_begun {
        Session::admit(to, admission)?;
        if to.is_ours() {
            return Err(Error::DestinationNotOurs { path: there.to_owned() });
        }
    }
    let session = Session::enter(root, admission, monitor)?;
    refuse_in_use(root)?;
    if !is_begun && rename(root, to)? {
        drop(session);
        moved.is_old_folder_gone = true;
        // Renews the link to the current version, which may have an absolute target.
        drop(Session::enter(to, admission, monitor)?);
        return Ok(moved);
    }
    moved.copied_bytes = arrive(root, to, monitor)?;
    drop(session);
    leave(root, to, moved, admission, monitor)
}

/// Whether a move from this folder to `to` was begun.
fn is_from(to: &InstallRoot, from: &Path) -> Result<bool> {
    let marker = disk::read_control(&to.control(ARRIVING), MAX_MARKER_BYTES)?;
    Ok(marker.is_some_and(|bytes| bytes == from.to_string_lossy().as_bytes()))
}

fn refuse_in_use(root: &InstallRoot) -> Result<()> {
    for folder in root.folders()? {
        if running::is_running(root, &folder) {
            return Err(Error::Busy { path: root.versions(&folder), holder: "the running game".to_owned() });
        }
    }
    match disk::first_held(root.versions("").components().as_path()) {
        Some((path, holder)) => Err(Error::Busy { path, holder }),
        None => Ok(()),
    }
}

/// Renames the whole folder if both places are on one disk. Returns whether it did.
fn rename(root: &InstallRoot, to: &InstallRoot) -> Result<bool> {
    let versions = root.versions("");
    // Such a link may be relative, and would lead elsewhere.
    if fs::symlink_metadata(versions.components().as_path()).is_ok_and(|found| found.is_symlink()) {
        return Ok(false);
    }
    if let Some(parent) = to.directory().parent() {
        disk::create_directory(parent)?;
    }
    let is_moved = disk::rename_tree(root.directory(), to.directory());
    if is_moved {
        for folder in [root.directory(), to.directory()].into_iter().filter_map(Path::parent) {
            // Windows cannot, and does not need to.
            let _ = disk::sync_directory(folder);
        }
    }
    Ok(is_moved)
}

/// Copies everything, the state last. Returns the number of bytes that it took.
fn arrive(root: &InstallRoot, to: &InstallRoot, monitor: &Monitor) -> Result<u64> {
    let (from, there) = (root.directory(), to.directory());
    disk::create_control_directory(there)?;
    disk::create_control_directory(to.control("").components().as_path())?;
    disk::write_control(&to.control(ARRIVING), from.to_string_lossy().as_bytes(), Durability::PowerCut)?;
    let lock = Lock::exclusive(&to.control(LOCK), "move")?;
    disk::remove_temporaries(&to.control(""))?;
    let mut entries = Vec::new();
    list(from, Path::new(""), &mut entries, monitor)?;
    // What makes it an install comes last.
    entries.sort_by_key(|entry| entry.path.starts_with(".vsekai"));
    let total_bytes = entries.iter().filter(|entry| entry.found.is_file()).map(|entry| entry.found.len()).sum();
    check_space(to, &entries)?;
    monitor.emit(Event::Started { phase: Phase::Move, total_bytes });
    let mut copier = Copier { from, to, links: HashMap::new(), memory: CloneMemory::default(), bytes: 0 };
    for entry in &entries {
        monitor.cancel.check()?;
        copier.copy(entry)?;
        if entry.found.is_file() {
            monitor.emit(Event::Advanced { phase: Phase::Move, bytes: entry.found.len() });
        }
    }
    // A folder that cannot be written to gets its permissions when everything is in it.
    for entry in entries.iter().rev().filter(|entry| entry.found.is_dir()) {
        disk::offer_mode(&there.join(&entry.path), disk::mode(&entry.found))?;
    }
    disk::sync_disk(there)?;
    let state = disk::read(&root.control("state.json"), super::state::MAX_BYTES)?;
    // From here on, this is the install.
    disk::write_control(&to.control("state.json"), &state, Durability::PowerCut)?;
    monitor.emit(Event::Finished { phase: Phase::Move });
    drop(lock);
    Ok(copier.bytes)
}

/// A file, link or folder to move; its path is relative.
struct Entry {
    path: PathBuf,
    found: Metadata,
}

/// Lists what is to be moved: each folder before its content. Follows a link in the place of `versions`, which leads to
/// another disk, and no other.
fn list(folder: &Path, below: &Path, entries: &mut Vec<Entry>, monitor: &Monitor) -> Result<()> {
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

fn check_space(to: &InstallRoot, entries: &[Entry]) -> Result<()> {
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

struct Copier<'a> {
    from: &'a Path,
    to: &'a InstallRoot,
    /// Where the files with several names were copied to.
    links: HashMap<(u64, u64), PathBuf>,
    memory: CloneMemory,
    bytes: u64,
}

impl Copier<'_> {
    fn copy(&mut self, Entry { path, found }: &Entry) -> Result<()> {
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

/// Removes from the old place what the new one has, and then the marker.
fn leave(
    root: &InstallRoot,
    to: &InstallRoot,
    mut moved: Relocated,
    admission: &Admission<'_>,
    monitor: &Monitor,
) -> Result<Relocated> {
    if root.control("").is_dir() {
        owner::check(root, admission.trusted_owner)?;
        let lock = Lock::exclusive(&root.control(LOCK), "move")?;
        refuse_in_use(root)?;
        // Nothing of what is left is an install.
        disk::remove_file(&root.control("state.json"))?;
        root.remove_link()?;
        disk::remove_all(&root.control(running::RUNNING))?;
        remove_copied(root.directory(), to.directory(), monitor)?;
        let versions = root.versions("");
        let versions = versions.components().as_path();
        if fs::symlink_metadata(versions).is_ok_and(|found| found.is_symlink()) {
            disk::remove_file(versions)?;
        }
        drop(lock);
        disk::remove_file(&root.control(LOCK))?;
        disk::remove_empty_directory(&root.control(""))?;
    }
    // Renews the link to the current version.
    drop(Session::enter(to, admission, monitor)?);
    let removed = disk::remove_empty_directory(root.directory());
    moved.is_old_folder_gone = !root.directory().exists();
    match removed {
        // The marker goes last: until then the same move can be asked for again.
        Ok(_) => disk::remove_file(&to.control(ARRIVING))?,
        // It stays if this user may not remove it, or if a disk is mounted there.
        Err(error) => monitor.warn(&error),
    }
    Ok(moved)
}

/// Removes the files of `folder` that `there` has as well, and the folders that this leaves empty.
fn remove_copied(folder: &Path, there: &Path, monitor: &Monitor) -> Result<()> {
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
