//! Removes versions that are neither current nor previous, once no game runs from them.

use std::fs;
use std::path::PathBuf;

use super::changed::{self, Changes};
use super::installed_version::InstalledVersion;
use super::recover::TRASH;
use super::{InstallRoot, Session, foreign};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::NodeKind;
use crate::install::running;
use crate::local::disk;

impl Session {
    /// Removes versions that are no longer needed. First moves to `saved/` what others have put into them or changed in
    /// them. Returns the number of files moved.
    pub fn clean(&self, monitor: &Monitor) -> Result<u64> {
        let mut saved = 0;
        for folder in self.root().folders()? {
            if !self.state.needs(&folder) && !running::is_running(self.root(), &folder) {
                let staying: Vec<_> = self.state.kept().map(|kept| self.root().versions(&kept.folder)).collect();
                let changes = if self.is_replaced(&folder) { Changes::SaveWritten } else { Changes::Save };
                saved += remove(self.root(), &folder, &staying, changes, monitor)?;
            }
        }
        Ok(saved)
    }

    /// Whether the version in this folder is kept in another one: it was repaired there.
    fn is_replaced(&self, folder: &str) -> bool {
        let Ok(release) = InstalledVersion::release(self.root(), folder) else { return false };
        self.state.kept().any(|kept| {
            (&kept.version, &kept.mode, &kept.platform) == (&release.version, &release.mode, &release.platform)
        })
    }
}

/// Removes a version. Its documents are removed after the tree is renamed, because they identify the tree as ours.
///
/// What this user may not move stays, with a warning; then only our own files are removed from the tree.
pub(super) fn remove(
    root: &InstallRoot,
    folder: &str,
    staying: &[PathBuf],
    changes: Changes,
    monitor: &Monitor,
) -> Result<u64> {
    let tree = root.versions(folder);
    let is_there = fs::symlink_metadata(&tree).is_ok_and(|found| found.is_dir());
    if let (true, Some(kept)) = (is_there, InstalledVersion::read(root, folder)) {
        unlock(&kept)?;
        let found = foreign::list(&kept);
        found.warn(&tree, monitor);
        let mut saved = foreign::save(&tree, &found.paths, staying, &root.saved(folder))?;
        saved.moved += changed::move_away(root, &kept, staying, changes, monitor)?;
        saved.stuck.iter().for_each(|path| foreign::stays(&tree.join(path), monitor));
        if saved.stuck.is_empty() && found.unreadable.is_empty() {
            let trash = root.staging(&format!("{TRASH}{folder}"));
            disk::create_control_directory(&root.control("staging"))?;
            disk::remove_all(&trash)?;
            disk::rename_leftover(&tree, &trash)?;
            forget(root, folder)?;
            disk::remove_all(&trash)?;
        } else {
            remove_ours(&kept)?;
            forget(root, folder)?;
        }
        return Ok(saved.moved);
    }
    // Without documents, our files cannot be told from others, so the tree is kept and no longer tracked.
    if !is_there {
        InstalledVersion::remove(root, folder)?;
    }
    Ok(0)
}

/// Lets this user list and empty our own folders, which a build or somebody else may have made read-only.
fn unlock(kept: &InstalledVersion) -> Result<()> {
    for node in kept.documents.table.layout().nodes() {
        let path = node.path.as_ref().map_or(kept.tree().to_owned(), |path| path.below(kept.tree()));
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let is_ours = found.is_dir() && disk::owner(&found) == disk::this_user();
        if cfg!(unix) && is_ours && disk::mode(&found) & 0o700 != 0o700 {
            disk::offer_mode(&path, disk::mode(&found) | 0o700)?;
        }
    }
    Ok(())
}

fn forget(root: &InstallRoot, folder: &str) -> Result<()> {
    InstalledVersion::remove(root, folder)?;
    disk::remove_file(&root.control(running::RUNNING).join(folder))
}

/// Removes our files from the tree, and the folders that are empty then.
fn remove_ours(kept: &InstalledVersion) -> Result<()> {
    for node in kept.documents.table.layout().nodes().iter().rev() {
        let path = node.path.as_ref().map_or(kept.tree().to_owned(), |path| path.below(kept.tree()));
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = match (&node.kind, is_folder) {
            (NodeKind::Directory, true) => disk::remove_empty_directory(&path).map(drop),
            (NodeKind::Symlink { .. }, true) if kept.has_copied_links() => disk::remove_all(&path),
            (_, true) => Ok(()),
            (_, false) => disk::remove_file(&path),
        };
        match removed {
            // In a folder that somebody else has taken over.
            Err(Error::Io { path, .. }) if !path.parent().is_some_and(disk::may_write) => {}
            other => other?,
        }
    }
    Ok(())
}
