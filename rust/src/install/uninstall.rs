//! Removes an install: all files that we created, and nothing else.
//!
//! Renaming `state.json` to `uninstalling` is the point of no return: after that, the next run of any command first
//! finishes the removal.

use serde::Serialize;

use super::changed::Changes;
use super::{Admission, InstallRoot, LOCK, Session, clean, owner, recover};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::integrate;
use crate::install::running;
use crate::local::disk;
use crate::local::lock::Lock;

/// The result of [`uninstall`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Uninstalled {
    /// Number of versions removed.
    pub versions: u64,
    /// Number of foreign files moved to `saved/`.
    pub saved_files: u64,
    /// Whether the folder itself was removed, because it contained nothing else.
    pub is_folder_gone: bool,
}

/// Removes the install in `root`.
///
/// # Errors
/// `not_installed`; `busy` while the game runs, or another process works on the install.
pub fn uninstall(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<Uninstalled> {
    let not_installed = || Error::NotInstalled { path: root.directory().to_owned() };
    if !root.is_ours() {
        return if is_remnant(root)? { remove_remnant(root, admission) } else { Err(not_installed()) };
    }
    let is_half_done = root.control("uninstalling").is_file();
    let session = Session::enter(root, admission, monitor)?;
    for folder in root.folders()? {
        if running::is_running(root, &folder) {
            return Err(Error::Busy { path: root.versions(&folder), holder: "the running game".to_owned() });
        }
    }
    // Before anything is taken back: what another program has open could not be removed.
    if let Some((path, holder)) = disk::first_held(root.versions("").components().as_path()) {
        return Err(Error::Busy { path, holder });
    }
    if session.state.current.is_none() && !is_half_done && root.folders()?.is_empty() && !session.state.adopted {
        // Nothing was ever installed, but our control files are removed.
        monitor.warn(&not_installed());
    }
    for record in session.state.integration.iter().chain(&session.state.login) {
        integrate::unintegrate(record)?;
    }
    disk::rename_over(&root.control("state.json"), &root.control("uninstalling"))?;
    let mut done = finish(root, monitor)?;
    // As long as the lock is held, nobody begins a new install in this folder.
    for name in recover::names(&root.control(""))?.iter().filter(|name| *name != LOCK) {
        disk::remove_all(&root.control(name))?;
    }
    drop(session);
    if is_remnant(root)? {
        disk::remove_file(&root.control(LOCK))?;
        disk::remove_empty_directory(&root.control(""))?;
    }
    done.is_folder_gone = leave(root)?;
    Ok(done)
}

/// Whether `.vsekai` contains only what a run killed in its first or last steps can have left.
fn is_remnant(root: &InstallRoot) -> Result<bool> {
    let is_ours = |name: &String| name == LOCK || name.starts_with(disk::TEMPORARY_PREFIX);
    Ok(root.control("").is_dir() && recover::names(&root.control(""))?.iter().all(is_ours))
}

fn remove_remnant(root: &InstallRoot, admission: &Admission<'_>) -> Result<Uninstalled> {
    owner::check(root, admission.trusted_owner)?;
    drop(Lock::exclusive(&root.control(LOCK), admission.verb)?);
    disk::remove_all(&root.control(""))?;
    Ok(Uninstalled { is_folder_gone: leave(root)?, ..Uninstalled::default() })
}

/// Removes the folder itself if it is empty. It stays if this user may not remove it, or if a disk is mounted there.
fn leave(root: &InstallRoot) -> Result<bool> {
    let may_remove = root.directory().parent().is_some_and(disk::may_write);
    match disk::remove_empty_directory(root.directory()) {
        Err(Error::Io { source, .. }) if !may_remove || source.kind() == std::io::ErrorKind::ResourceBusy => Ok(false),
        other => other,
    }
}

/// Removes the versions, and everything in `.vsekai` except its lock. The marker is removed last.
pub(super) fn finish(root: &InstallRoot, monitor: &Monitor) -> Result<Uninstalled> {
    let mut done = Uninstalled::default();
    root.remove_link()?;
    for folder in root.folders()? {
        done.saved_files += clean::remove(root, &folder, &[], Changes::Drop, monitor)?;
        done.versions += 1;
    }
    let versions = root.versions("");
    // Without the slash at its end, which would follow a link.
    let versions = versions.components().as_path();
    match std::fs::symlink_metadata(versions) {
        // The user's way to have the versions on another disk.
        Ok(found) if found.is_symlink() => disk::remove_file(versions)?,
        // It is kept if others have put something there.
        Ok(found) if found.is_dir() => drop(disk::remove_empty_directory(versions)?),
        _ => {}
    }
    for name in ["staging", "indexes", "trust", "running", "state.json.damaged"] {
        disk::remove_all(&root.control(name))?;
    }
    disk::remove_file(&root.control("uninstalling"))?;
    Ok(done)
}
