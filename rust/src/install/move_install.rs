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

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Admission, InstallRoot, LOCK, Session, owner, running};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::local::disk::{self, Durability, Shared};
use crate::local::lock::Lock;

mod copy;

use copy::{Copier, check_space, list, remove_copied};

/// The name of the marker, in `.vsekai`.
pub(super) const ARRIVING: &str = "arriving";

/// Longest path in the marker, in bytes.
const MAX_MARKER_BYTES: u64 = 64 << 10;

/// The result of [`move_install`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
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
pub fn move_install(
    root: &InstallRoot,
    to: &InstallRoot,
    admission: &Admission<'_>,
    monitor: &Monitor,
) -> Result<Moved> {
    let (from, there) = (root.directory(), to.directory());
    if from.starts_with(there) || there.starts_with(from) {
        let reason = format!("{} and {} must not be in each other", from.display(), there.display());
        return Err(Error::invalid("folder", reason));
    }
    let mut moved = Moved { directory: there.to_owned(), copied_bytes: 0, is_old_folder_gone: false };
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
    disk::must_be_free(root.versions("").components().as_path())
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
    let mut copier = Copier::new(from, to);
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
    disk::sync_disk(there, Shared::Flush)?;
    let state = disk::read(&root.control("state.json"), super::state::MAX_BYTES)?;
    // From here on, this is the install.
    disk::write_control(&to.control("state.json"), &state, Durability::PowerCut)?;
    monitor.emit(Event::Finished { phase: Phase::Move });
    drop(lock);
    Ok(copier.bytes)
}

/// Removes from the old place what the new one has, and then the marker.
fn leave(
    root: &InstallRoot,
    to: &InstallRoot,
    mut moved: Moved,
    admission: &Admission<'_>,
    monitor: &Monitor,
) -> Result<Moved> {
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
