//! The paths of an install root.

use std::path::{Path, PathBuf};

use super::installed_version;
use crate::error::{Error, Result};
use crate::local::disk;

/// Where everything in an install root is. Creating this value reads and creates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallRoot {
    directory: PathBuf,
}

impl InstallRoot {
    /// The root at `directory`, which need not exist yet. Links are followed.
    pub fn at(directory: &Path) -> Result<Self> {
        let absolute = std::path::absolute(directory).map_err(Error::io("find", directory))?;
        let directory = match std::fs::canonicalize(&absolute) {
            Ok(real) => real,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => absolute,
            Err(e) => return Err(Error::io("find", absolute)(e)),
        };
        if directory.parent().is_none() {
            return Err(Error::Invalid { what: "folder", reason: format!("{} is a whole disk", directory.display()) });
        }
        Ok(Self { directory })
    }

    /// The folder that was given.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `.vsekai`, or something in it.
    pub fn control(&self, name: &str) -> PathBuf {
        self.directory.join(".vsekai").join(name)
    }

    /// All versions, or one of them.
    pub fn versions(&self, folder: &str) -> PathBuf {
        self.directory.join("versions").join(folder)
    }

    /// Where the signed metadata is remembered.
    pub fn trust(&self) -> PathBuf {
        self.control("trust")
    }

    /// The link to the current version.
    pub fn current_link(&self) -> PathBuf {
        self.directory.join("current")
    }

    /// Where files go that somebody put into a version which is removed.
    pub fn saved(&self, folder: &str) -> PathBuf {
        self.directory.join("saved").join(folder)
    }

    pub(super) fn staging(&self, folder: &str) -> PathBuf {
        self.control("staging").join(folder)
    }

    /// Whether it was made by us, as far as can be told.
    pub fn is_ours(&self) -> bool {
        self.control("state.json").is_file() || self.control("uninstalling").is_file()
    }

    /// The folders in `versions/` that we made: those with a release document.
    pub(crate) fn folders(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let indexes = self.control("indexes");
        if !indexes.is_dir() {
            return Ok(found);
        }
        for entry in std::fs::read_dir(&indexes).map_err(Error::io("list", &indexes))? {
            let name = entry.map_err(Error::io("list", &indexes))?.file_name();
            if let Some(folder) = name.to_str().and_then(|name| name.strip_suffix(installed_version::RELEASE)) {
                found.push(folder.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Makes `current` point to a version. A convenience, so that a disk without links is no failure.
    pub(super) fn point_to(&self, folder: Option<&str>) {
        let Some(folder) = folder else { return drop(self.remove_link()) };
        let (link, wanted) = (self.current_link(), Path::new("versions").join(folder));
        let found = std::fs::read_link(&link).ok();
        // Something else of that name is the user's.
        let is_free = found.is_some() || std::fs::symlink_metadata(&link).is_err();
        if is_free && found.as_ref() != Some(&wanted) {
            drop(disk::replace_symlink(&wanted, &link));
        }
    }

    /// Removes `current`, if it is ours.
    pub(super) fn remove_link(&self) -> Result<()> {
        let is_ours = std::fs::read_link(self.current_link()).is_ok_and(|target| target.starts_with("versions"));
        if is_ours { disk::remove_file(&self.current_link()) } else { Ok(()) }
    }
}
