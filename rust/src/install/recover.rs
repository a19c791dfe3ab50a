//! Recovery, which runs whenever the lock has been taken: finishes what a killed run began.

use std::fs;

use super::installed_version::InstalledVersion;
use super::{InstallRoot, InstallState, Installed, LOCK, foreign, uninstall};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::Release;
use crate::install::running;
use crate::local::disk;

/// Prefix of the folder of a version that is being removed.
pub(super) const TRASH: &str = "trash-";

/// Our folders in `.vsekai`.
const FOLDERS: [&str; 6] = ["staging", "indexes", "trust", "trust/cache", "bin", running::RUNNING];

/// Moves away a link or folder that is in the place of our lock. Called before the lock is taken.
pub(super) fn free_lock(root: &InstallRoot, monitor: &Monitor) -> Result<()> {
    let lock = root.control(LOCK);
    if disk::is_irregular(&lock) { foreign::set_aside(root, &lock, monitor) } else { Ok(()) }
}

/// Removes leftovers that no run will resume, and moves away what is in the place of our folders. Keeps staged
/// versions. Takes the right to write from group and others, because an earlier umask may have granted it.
pub(super) fn tidy(root: &InstallRoot, monitor: &Monitor) -> Result<()> {
    for folder in FOLDERS.map(|name| root.control(name)) {
        if fs::symlink_metadata(&folder).is_ok_and(|found| !found.is_dir()) {
            foreign::set_aside(root, &folder, monitor)?;
        }
        disk::keep_to_owner(&folder)?;
    }
    let versions = root.versions("");
    let versions = versions.components().as_path();
    if fs::symlink_metadata(versions).is_ok() && !versions.is_dir() {
        foreign::set_aside(root, versions, monitor)?;
    }
    disk::settle_mode(&root.control(LOCK))?;
    for path in [root.control("").as_path(), versions, &root.control("state.json")] {
        disk::keep_to_owner(path.components().as_path())?;
    }
    if root.control(uninstall::UNINSTALLING).is_file() {
        uninstall::resume(root, monitor)?;
    }
    for folder in [root.control(""), root.control("indexes"), root.control("trust"), root.directory().to_owned()] {
        for name in names(&folder)? {
            let path = folder.join(&name);
            if name.starts_with(disk::TEMPORARY_PREFIX) || name.starts_with("spool-") {
                let_be(disk::remove_file(&path), monitor)?;
            } else if folder.ends_with("indexes") {
                disk::keep_to_owner(&path)?;
            }
        }
    }
    let_be(running::tidy(root, &names(&root.control(running::RUNNING))?), monitor)?;
    let staging = root.control("staging");
    for name in names(&staging)? {
        // An empty folder is left over from a version that has been moved into place.
        if name.starts_with(TRASH) || names(&staging.join(&name)).is_ok_and(|inner| inner.is_empty()) {
            let_be(disk::remove_all(&staging.join(name)), monitor)?;
        }
    }
    Ok(())
}

/// A leftover that cannot be removed, perhaps because a program has it open, is in nobody's way: a warning, and the next
/// command tries again.
fn let_be(removed: Result<()>, monitor: &Monitor) -> Result<()> {
    match removed {
        Err(error @ (Error::Io { .. } | Error::Busy { .. })) => {
            monitor.warn(&error);
            Ok(())
        }
        other => other,
    }
}

/// Removes staged versions other than `keep`.
pub(super) fn drop_staged(root: &InstallRoot, keep: Option<&str>, monitor: &Monitor) -> Result<()> {
    let staging = root.control("staging");
    for name in names(&staging)?.into_iter().filter(|name| Some(name.as_str()) != keep) {
        let_be(disk::remove_all(&staging.join(name)), monitor)?;
    }
    Ok(())
}

pub(super) fn names(folder: &std::path::Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("list", folder)(e)),
    };
    let name = |entry: std::io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<std::io::Result<_>>().map_err(Error::io("list", folder))
}

/// Whether the root contains no version of ours.
pub(super) fn is_empty_of_ours(root: &InstallRoot) -> bool {
    root.folders().is_ok_and(|folders| folders.is_empty())
}

/// Reconstructs the state from the versions on the disk. The current version is the one that `current` points to, or
/// the newest. `None` if there is no version with sound documents.
pub(super) fn from_versions(root: &InstallRoot) -> Result<Option<InstallState>> {
    let mut found: Vec<(Release, String)> = Vec::new();
    for folder in root.folders()? {
        if let Some(kept) = InstalledVersion::read(root, &folder) {
            found.push((kept.documents.release, folder));
        }
    }
    let pointed = fs::read_link(root.current_link()).ok();
    let pointed = pointed.and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned()));
    found.sort_by_key(|(release, folder)| (Some(folder) == pointed.as_ref(), release.published_at, folder.clone()));
    let Some((release, folder)) = found.pop() else { return Ok(None) };
    let mut state = InstallState::begin(release.mode.clone());
    for (release, _) in found.iter().map(|(release, folder)| (release, folder)).chain([(&release, &folder)]) {
        let seen = state.seen.entry(release.mode.clone()).or_default();
        *seen = release.sequence.max(*seen);
    }
    state.current = Some(Installed::of(&release, folder));
    state.previous = found.pop().map(|(release, folder)| Installed::of(&release, folder));
    Ok(Some(state))
}
