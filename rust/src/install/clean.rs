//! Removes versions that are neither current nor the one to go back to, once nothing runs from them.

use std::path::PathBuf;

use super::installed_version::InstalledVersion;
use super::recover::TRASH;
use super::{InstallRoot, Session, foreign};
use crate::error::Result;
use crate::install::running;
use crate::local::disk;

impl Session {
    /// Removes versions that are not needed any more. Files that somebody put into them are moved to `saved/`
    /// first. Gives the number of such files.
    pub fn clean(&self) -> Result<u64> {
        let mut saved = 0;
        for folder in self.root().folders()? {
            if !self.state.needs(&folder) && !running::is_running(self.root(), &folder) {
                let staying: Vec<_> = self.state.kept().map(|kept| self.root().versions(&kept.folder)).collect();
                saved += remove(self.root(), &folder, &staying)?;
            }
        }
        Ok(saved)
    }
}

/// Removes one version. Its documents go last: what has them is still known to be ours.
pub(super) fn remove(root: &InstallRoot, folder: &str, staying: &[PathBuf]) -> Result<u64> {
    let tree = root.versions(folder);
    let mut saved = 0;
    if let (true, Some(kept)) = (tree.is_dir(), InstalledVersion::read(root, folder)) {
        let layout = kept.documents.table.layout();
        saved = foreign::save(&tree, layout, staying, &root.saved(folder))?;
        let trash = root.staging(&format!("{TRASH}{folder}"));
        disk::create_directory(&root.control("staging"))?;
        disk::remove_all(&trash)?;
        disk::rename(&tree, &trash)?;
        InstalledVersion::remove(root, folder)?;
        disk::remove_file(&root.control(running::RUNNING).join(folder))?;
        disk::remove_all(&trash)?;
        return Ok(saved);
    }
    // Without its documents nobody can tell what in it is ours: it stays, and is forgotten.
    if !tree.is_dir() {
        InstalledVersion::remove(root, folder)?;
    }
    Ok(saved)
}
