//! One thing that was made or changed, and how to take it back without touching what others did.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mimeapps::{self, Taken};
use super::{Record, windows};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};

/// Largest file of ours that is read back, in bytes.
const MAX_FILE_BYTES: u64 = 2 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// A folder that was not there before.
    Folder { path: PathBuf },
    /// A file with this content.
    File { path: PathBuf, sha256: String },
    /// The default handler in a `mimeapps.list`.
    Handler { path: PathBuf, created: bool, applications: PathBuf, taken: Taken },
    /// A registry key that was not there before.
    RegistryKey { key: String },
    /// A registry value.
    RegistryValue { key: String, name: String, ours: windows::Data, former: Option<windows::Data> },
}

impl Change {
    pub(super) fn place(&self) -> String {
        match self {
            Self::Folder { path } | Self::File { path, .. } | Self::Handler { path, .. } => path.display().to_string(),
            Self::RegistryKey { key } | Self::RegistryValue { key, .. } => format!("HKEY_CURRENT_USER\\{key}"),
        }
    }

    /// Whether both are about the same thing, whatever they made of it.
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
                // Refuses a folder that is not empty, which is what is wanted.
                let _ = disk::remove_empty_directory(path);
                Ok(())
            }
            Self::File { path, sha256 } => match content(path)? {
                Some(bytes) if digest(&bytes) == *sha256 => disk::remove_file(path),
                _ => Ok(()),
            },
            Self::Handler { path, created, applications, taken } => {
                mimeapps::restore(path, *created, applications, taken)
            }
            Self::RegistryKey { key } => windows::remove_empty_key(key),
            Self::RegistryValue { key, name, ours, former } => windows::restore_value(key, name, ours, former.as_ref()),
        }
    }
}

/// Takes back all that it can, in the order given.
pub(super) fn undo_all<'a>(changes: impl Iterator<Item = &'a Change>) -> Result<()> {
    changes.map(Change::undo).fold(Ok(()), Result::and)
}

/// Makes changes and remembers them.
pub(super) struct Work<'a> {
    earlier: &'a [Change],
    changes: Vec<Change>,
}

impl<'a> Work<'a> {
    pub(super) fn new(earlier: Option<&'a Record>) -> Self {
        Self { earlier: earlier.map(|record| record.changes.as_slice()).unwrap_or_default(), changes: Vec::new() }
    }

    /// Remembers a change. The order is that of making: it is undone backwards.
    pub(super) fn note(&mut self, change: Change) {
        match self.changes.iter_mut().find(|noted| noted.is_about_what(&change)) {
            Some(noted) => *noted = change,
            None => self.changes.push(change),
        }
    }

    /// What an earlier run noted about the same thing.
    pub(super) fn earlier(&self, is_wanted: impl Fn(&Change) -> bool) -> Option<&'a Change> {
        self.earlier.iter().find(|change| is_wanted(change))
    }

    /// Makes a folder and those above it.
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

    /// Writes a file, in a folder that is there.
    pub(super) fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if content(path).ok().flatten().as_deref() != Some(bytes) {
            disk::write_atomic(path, bytes, Durability::PowerCut)?;
        }
        self.note(Change::File { path: path.to_owned(), sha256: digest(bytes) });
        Ok(())
    }

    /// The same for a file that can be started.
    pub(super) fn program(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.file(path, bytes)?;
        disk::set_mode(path, 0o755)
    }

    /// Whether a file at this place is ours to write: there is none, it is as we would write it, or an
    /// earlier run made it and nobody has changed it.
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

    /// Takes back what this run made and no earlier one had made.
    pub(super) fn give_up(self) -> Result<()> {
        let is_new = |change: &&Change| !self.earlier.iter().any(|earlier| earlier.is_about_what(change));
        undo_all(self.changes.iter().rev().filter(is_new))
    }

    /// Takes back what an earlier run made and this one did not make again. Gives all that stands now.
    pub(super) fn finish(self) -> Result<Vec<Change>> {
        let is_stale = |earlier: &&Change| !self.changes.iter().any(|change| change.is_about_what(earlier));
        undo_all(self.earlier.iter().rev().filter(is_stale))?;
        Ok(self.changes)
    }
}

/// What is at `path`, if it is a file that could be ours.
fn content(path: &Path) -> Result<Option<Vec<u8>>> {
    match disk::read_if_exists(path, MAX_FILE_BYTES) {
        // Too long for one of ours.
        Err(Error::Invalid { .. }) => Ok(Some(Vec::new())),
        other => other,
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}
