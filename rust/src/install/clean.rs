//! Removes versions that are neither current nor previous, once no game runs from them.

use std::path::PathBuf;

use super::installed_version::InstalledVersion;
use super::recover::TRASH;
use super::{InstallRoot, Session, foreign};
use crate::error::Result;
use crate::install::running;
use crate::local::disk;

impl Session {
    /// Removes versions that are no longer needed. First moves foreign files in them to `saved/`. Returns the number of
    /// files moved.
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

/// Removes a version. Its documents are removed after the tree is renamed, because they identify the tree as ours.
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
    // Without documents, our files cannot be told from others, so the tree is kept and no longer tracked.
    if !tree.is_dir() {
        InstalledVersion::remove(root, folder)?;
    }
    Ok(saved)
}
