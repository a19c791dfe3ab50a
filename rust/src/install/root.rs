//! The paths of an install root.

use std::path::{Path, PathBuf};

use super::{LOCK, installed_version};
use crate::error::{Error, Result};
use crate::local::{disk, lock};
use crate::version::Version;

/// The folder for foreign files.
const SAVED: &str = "saved";

/// The folder in it for files that were where one of ours belongs.
pub(super) const IN_THE_WAY: &str = "in-the-way";

/// The paths in an install root. Creating this value neither reads nor creates files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallRoot {
    directory: PathBuf,
}

impl InstallRoot {
    /// The install root at `directory`, which need not exist yet. Follows links.
    pub fn at(directory: &Path) -> Result<Self> {
        let absolute = std::path::absolute(directory).map_err(Error::io("find", directory))?;
        let directory = match disk::canonicalize(&absolute) {
            Ok(real) => real,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => absolute,
            Err(e) => return Err(Error::io("find", absolute)(e)),
        };
        if directory.parent().is_none() {
            return Err(Error::invalid("folder", format!("{} is a whole disk", directory.display())));
        }
        Ok(Self { directory })
    }

    /// The absolute path of the install root.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of a file in `.vsekai`; with an empty name, the folder itself.
    pub fn control(&self, name: &str) -> PathBuf {
        self.directory.join(".vsekai").join(name)
    }

    /// The process that is changing the install right now, and what it does; `None` if nobody is. Creates nothing.
    pub fn holder(&self) -> Option<String> {
        lock::holder(&self.control(LOCK))
    }

    /// The folder of a version; with an empty name, the folder of all versions.
    pub fn versions(&self, folder: &str) -> PathBuf {
        self.directory.join("versions").join(folder)
    }

    /// The folder of the datastore for signed metadata.
    pub fn trust(&self) -> PathBuf {
        self.control("trust")
    }

    /// The path of the link to the current version.
    pub fn current_link(&self) -> PathBuf {
        self.directory.join("current")
    }

    /// The folder for foreign files of a version that is removed.
    pub fn saved(&self, folder: &str) -> PathBuf {
        self.saved_folder().join(folder)
    }

    /// The folder for foreign files. If something else is named `saved`, it is a numbered folder next to it.
    pub fn saved_folder(&self) -> PathBuf {
        let is_folder_or_free = |path: &PathBuf| std::fs::symlink_metadata(path).map_or(true, |found| found.is_dir());
        let numbered = (2..1000).map(|number: u32| self.directory.join(format!("{SAVED}.{number}")));
        let first = self.directory.join(SAVED);
        std::iter::once(first.clone()).chain(numbered).find(is_folder_or_free).unwrap_or(first)
    }

    /// Whether this is a folder for foreign files in which nothing but folders of versions is, so that we made it.
    pub(super) fn is_saved_folder(&self, name: &str) -> bool {
        let is_ours = |entry: std::io::Result<std::fs::DirEntry>| {
            let Ok(entry) = entry else { return false };
            let name = entry.file_name().to_string_lossy().into_owned();
            entry.file_type().is_ok_and(|kind| kind.is_dir()) && (name.starts_with(IN_THE_WAY) || is_of_version(&name))
        };
        let mut entries = std::fs::read_dir(self.directory.join(name)).into_iter().flatten().peekable();
        name.starts_with(SAVED) && entries.peek().is_some() && entries.all(is_ours)
    }

    pub(super) fn staging(&self, folder: &str) -> PathBuf {
        self.control("staging").join(folder)
    }

    /// Whether it contains our state, or documents of versions, and so was created by us.
    pub fn is_ours(&self) -> bool {
        // Even if a link or a folder has taken its place.
        let is_there = |name: &str| std::fs::symlink_metadata(self.control(name)).is_ok();
        if self.is_arriving() {
            return false;
        }
        is_there("state.json")
            || is_there(super::uninstall::UNINSTALLING)
            || self.folders().is_ok_and(|folders| !folders.is_empty())
    }

    /// Whether an install is being moved here, and is not complete yet: it is still where it comes from.
    pub fn is_arriving(&self) -> bool {
        let is_there = |name: &str| std::fs::symlink_metadata(self.control(name)).is_ok();
        is_there(super::move_install::ARRIVING) && !is_there("state.json")
    }

    /// The names of our folders in `versions/`: those with a release document, sorted.
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

    /// Makes `current` point to a version, or removes it. It is a convenience, so failures are ignored: some disks do
    /// not support links.
    pub(super) fn point_to(&self, folder: Option<&str>) {
        let Some(folder) = folder else { return drop(self.remove_link()) };
        let (link, wanted) = (self.current_link(), Path::new("versions").join(folder));
        let found = self.linked();
        // Anything else with this name belongs to the user.
        let is_free = found.is_some() || std::fs::symlink_metadata(&link).is_err();
        if is_free && found.as_ref() != Some(&wanted) {
            drop(disk::replace_symlink(&wanted, &link));
        }
    }

    /// What `current` points to, relative to this folder if it is inside; `None` if it is no link. The target of a
    /// junction begins at the root of the disk.
    fn linked(&self) -> Option<PathBuf> {
        let target = std::fs::read_link(self.current_link()).ok()?;
        Some(target.strip_prefix(&self.directory).map(Path::to_owned).unwrap_or(target))
    }

    /// Removes `current` if it is our link.
    pub(super) fn remove_link(&self) -> Result<()> {
        if self.linked().is_some_and(|target| target.starts_with("versions")) {
            disk::remove_file(&self.current_link())
        } else {
            Ok(())
        }
    }
}

/// Whether this is the name of a version's folder: see [`Release::folder`](crate::formats::release::Release::folder).
fn is_of_version(name: &str) -> bool {
    let Some((version, digest)) = name.rsplit_once('-') else { return false };
    let has_digest = digest.get(..8).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    has_digest && Version::parse(version).is_ok()
}
