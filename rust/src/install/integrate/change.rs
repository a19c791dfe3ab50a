//! A single change, and how to undo it without touching the changes of others.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mimeapps::{self, Taken};
use super::{Record, windows};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};
use crate::local::program;

/// Largest file that is read back to compare it, in bytes.
const MAX_FILE_BYTES: u64 = 2 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// A folder that did not exist before.
    Folder { path: PathBuf },
    /// A file with this content.
    File { path: PathBuf, sha256: String },
    /// A default handler set in a `mimeapps.list`.
    Handler { path: PathBuf, created: bool, applications: PathBuf, taken: Taken },
    /// A registry key that did not exist before.
    RegistryKey { key: String },
    /// A registry value that was set.
    RegistryValue { key: String, name: String, ours: windows::Data, former: Option<windows::Data> },
}

impl Change {
    pub(super) fn place(&self) -> String {
        match self {
            Self::Folder { path } | Self::File { path, .. } | Self::Handler { path, .. } => path.display().to_string(),
            Self::RegistryKey { key } | Self::RegistryValue { key, .. } => format!("HKEY_CURRENT_USER\\{key}"),
        }
    }

    /// Whether both changes are about the same entry, regardless of its value.
    fn is_about_what(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder { path: a }, Self::Folder { path: b })
            | (Self::File { path: a, .. }, Self::File { path: b, .. }) => a == b,
            (Self::Handler { path: a, taken: x, .. }, Self::Handler { path: b, taken: y, .. }) => {
                a == b && x.key == y.key
            }
            (Self::RegistryKey { key: a }, Self::RegistryKey { key: b }) => a == b,
            (Self::RegistryValue { key: a, name: x, .. }, Self::RegistryValue { key: b, name: y, .. }) => {
                a == b && x == y
            }
            _ => false,
        }
    }

    fn undo(&self) -> Result<()> {
        match self {
            Self::Folder { path } => {
                // Fails if the folder is not empty, as intended.
                let _ = disk::remove_empty_directory(path);
                Ok(())
            }
            Self::File { path, sha256 } if content_digest(path)?.as_ref() == Some(sha256) => disk::remove_file(path),
            Self::File { .. } => Ok(()),
            Self::Handler { path, created, applications, taken } => {
                mimeapps::restore(path, *created, applications, taken)
            }
            Self::RegistryKey { key } => windows::remove_empty_key(key),
            Self::RegistryValue { key, name, ours, former } => windows::restore_value(key, name, ours, former.as_ref()),
        }
    }
}

/// Undoes as many changes as possible, in the given order.
pub(super) fn undo_all<'a>(changes: impl Iterator<Item = &'a Change>) -> Result<()> {
    changes.map(Change::undo).fold(Ok(()), Result::and)
}

/// Makes changes and records them.
pub(super) struct Work<'a> {
    earlier: &'a [Change],
    changes: Vec<Change>,
}

impl<'a> Work<'a> {
    pub(super) fn new(earlier: Option<&'a Record>) -> Self {
        Self { earlier: earlier.map(|record| record.changes.as_slice()).unwrap_or_default(), changes: Vec::new() }
    }

    /// Records a change. Changes are undone in reverse order.
    pub(super) fn note(&mut self, change: Change) {
        match self.changes.iter_mut().find(|noted| noted.is_about_what(&change)) {
            Some(noted) => *noted = change,
            None => self.changes.push(change),
        }
    }

    /// The matching change that an earlier run recorded.
    pub(super) fn earlier(&self, is_wanted: impl Fn(&Change) -> bool) -> Option<&'a Change> {
        self.earlier.iter().find(|change| is_wanted(change))
    }

    /// Creates a folder and its parents.
    pub(super) fn folder(&mut self, path: &Path) -> Result<()> {
        let mut missing: Vec<_> = path.ancestors().take_while(|above| !above.exists()).collect();
        missing.reverse();
        disk::create_directory(path)?;
        for above in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            let change = Change::Folder { path: above.to_owned() };
            if missing.contains(&above) || self.earlier(|earlier| *earlier == change).is_some() {
                self.note(change);
            }
        }
        Ok(())
    }

    /// Writes a file in an existing folder.
    pub(super) fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if content(path).ok().flatten().as_deref() != Some(bytes) {
            disk::write_atomic(path, bytes, Durability::PowerCut)?;
        }
        self.note(Change::File { path: path.to_owned(), sha256: digest(bytes) });
        Ok(())
    }

    /// Writes an executable file in an existing folder.
    pub(super) fn program(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.file(path, bytes)?;
        disk::set_mode(path, 0o755)
    }

    /// Gives a file in an existing folder the content of another one, which is a program and may run.
    pub(super) fn copy(&mut self, path: &Path, from: &Path) -> Result<()> {
        let sha256 = disk::sha256(from)?.to_string();
        if content_digest(path)?.as_ref() != Some(&sha256) {
            program::replace(path, from)?;
        }
        self.note(Change::File { path: path.to_owned(), sha256 });
        Ok(())
    }

    /// Like [`Self::may_write`], for [`Self::copy`].
    pub(super) fn may_place(&self, path: &Path, from: &Path) -> Result<bool> {
        let Some(found) = content_digest(path)? else { return Ok(std::fs::symlink_metadata(path).is_err()) };
        let ours = Change::File { path: path.to_owned(), sha256: found.clone() };
        Ok(self.earlier(|earlier| *earlier == ours).is_some() || found == disk::sha256(from)?.to_string())
    }

    /// Whether we may write a file at this path: it does not exist, already has this content, or is unchanged since an
    /// earlier run created it.
    pub(super) fn may_write(&self, path: &Path, bytes: &[u8]) -> bool {
        match content(path) {
            Ok(None) => true,
            Ok(Some(found)) => {
                let ours = Change::File { path: path.to_owned(), sha256: digest(&found) };
                found == bytes || self.earlier(|earlier| *earlier == ours).is_some()
            }
            Err(_) => false,
        }
    }

    /// Undoes the changes of this run, except those that an earlier run had also made.
    pub(super) fn give_up(self) -> Result<()> {
        let is_new = |change: &&Change| !self.earlier.iter().any(|earlier| earlier.is_about_what(change));
        undo_all(self.changes.iter().rev().filter(is_new))
    }

    /// Undoes the changes of an earlier run that this run did not repeat. Returns all current changes.
    pub(super) fn finish(self) -> Result<Vec<Change>> {
        let is_stale = |earlier: &&Change| !self.changes.iter().any(|change| change.is_about_what(earlier));
        undo_all(self.earlier.iter().rev().filter(is_stale))?;
        Ok(self.changes)
    }
}

/// The digest of the file at `path`; `None` if there is none.
fn content_digest(path: &Path) -> Result<Option<String>> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    is_file.then(|| Ok(disk::sha256(path)?.to_string())).transpose()
}

/// The content of the file at `path`; `None` if it does not exist, empty if it is too large to be ours.
fn content(path: &Path) -> Result<Option<Vec<u8>>> {
    match disk::read_if_exists(path, MAX_FILE_BYTES) {
        // Too large to be one of our files.
        Err(Error::Invalid { .. }) => Ok(Some(Vec::new())),
        other => other,
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}
