//! Removes an install: all files that we created, and nothing else.
//!
//! Renaming `state.json` to `uninstalling` is the point of no return for a kill: after that, the next run of any command
//! first finishes the removal. Then the folders of all versions are renamed: on Windows that fails if a program uses
//! anything in one of them, and then all gets its name back, before anything was taken away.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;

use super::changed::Changes;
use super::{Admission, InstallRoot, InstallState, LOCK, Session, clean, owner, recover};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::integrate;
use crate::install::running;
use crate::local::disk;
use crate::local::lock::Lock;

/// The name of the marker, in `.vsekai`: it is the state of what is being removed.
pub(super) const UNINSTALLING: &str = "uninstalling";

/// Prefix of the folder of a version whose install is being removed, in `versions`.
const LEAVING: &str = ".leaving-";

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
    let is_half_done = root.control(UNINSTALLING).is_file();
    let session = Session::enter(root, admission, monitor)?;
    for folder in root.folders()? {
        if running::is_running(root, &folder) {
            return Err(Error::Busy { path: root.versions(&folder), holder: "the running game".to_owned() });
        }
    }
    // Before anything is taken back: what another program has open could not be removed.
    disk::must_be_free(root.versions("").components().as_path())?;
    // This program may be in `bin`.
    for name in recover::names(&root.control(""))?.iter().filter(|name| !["bin", LOCK].contains(&name.as_str())) {
        disk::must_be_free(&root.control(name))?;
    }
    if session.state.current.is_none() && !is_half_done && root.folders()?.is_empty() && !session.state.adopted {
        // Nothing was ever installed, but our control files are removed.
        monitor.warn(&not_installed());
    }
    let (state, marker) = (root.control("state.json"), root.control(UNINSTALLING));
    disk::rename_over(&state, &marker)?;
    if let Err(error) = take_away(root, &session.state) {
        give_back(root)?;
        disk::rename_over(&marker, &state)?;
        return Err(error);
    }
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

/// Takes the names of all versions away, and then what the desktop has of them.
fn take_away(root: &InstallRoot, state: &InstallState) -> Result<()> {
    for folder in root.folders()? {
        let (tree, leaving) = (root.versions(&folder), leaving(root, &folder));
        if fs::symlink_metadata(&tree).is_ok_and(|found| found.is_dir()) && !disk::exists(&leaving)? {
            disk::rename_leftover(&tree, &leaving)?;
        }
    }
    unintegrate(state)
}

/// Gives the versions their names back.
fn give_back(root: &InstallRoot) -> Result<()> {
    for folder in root.folders()? {
        let (tree, leaving) = (root.versions(&folder), leaving(root, &folder));
        if disk::exists(&leaving)? && !disk::exists(&tree)? {
            disk::rename(&leaving, &tree)?;
        }
    }
    Ok(())
}

fn leaving(root: &InstallRoot, folder: &str) -> PathBuf {
    root.versions(&format!("{LEAVING}{folder}"))
}

fn unintegrate(state: &InstallState) -> Result<()> {
    state.integration.iter().chain(&state.login).try_for_each(integrate::unintegrate)
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

/// Removes the folder itself if it is empty. It stays if this user may not remove it, if a disk is mounted there, or if
/// a program works in it.
fn leave(root: &InstallRoot) -> Result<bool> {
    let may_remove = root.directory().parent().is_some_and(disk::may_write);
    match disk::remove_empty_directory(root.directory()) {
        // Such as the shell that has started this program.
        Err(Error::Busy { .. }) => Ok(false),
        Err(Error::Io { source, .. }) if !may_remove || source.kind() == std::io::ErrorKind::ResourceBusy => Ok(false),
        other => other,
    }
}

/// Finishes the removal that a killed run has begun.
pub(super) fn resume(root: &InstallRoot, monitor: &Monitor) -> Result<()> {
    if let Ok(Some(state)) = InstallState::read(&root.control(UNINSTALLING)) {
        unintegrate(&state)?;
    }
    finish(root, monitor).map(drop)
}

/// Removes the versions, and everything in `.vsekai` except its lock. The marker is removed last.
fn finish(root: &InstallRoot, monitor: &Monitor) -> Result<Uninstalled> {
    let mut done = Uninstalled::default();
    root.remove_link()?;
    give_back(root)?;
    for folder in root.folders()? {
        done.saved_files += clean::remove(root, &folder, &[], Changes::Drop, monitor)?;
        done.versions += 1;
    }
    let versions = root.versions("");
    // Without the slash at its end, which would follow a link.
    let versions = versions.components().as_path();
    match fs::symlink_metadata(versions) {
        // The user's way to have the versions on another disk.
        Ok(found) if found.is_symlink() => disk::remove_file(versions)?,
        // It is kept if others have put something there.
        Ok(found) if found.is_dir() => drop(disk::remove_empty_directory(versions)?),
        _ => {}
    }
    for name in ["staging", "indexes", "trust", "running", "state.json.damaged"] {
        disk::remove_all(&root.control(name))?;
    }
    disk::remove_file(&root.control(UNINSTALLING))?;
    Ok(done)
}
