//! The right to change an install root: its lock, and its state as it is while the lock is held.

use std::fs;
use std::path::{Path, PathBuf};

use super::{InstallRoot, InstallState, Installed, LOCK, recover};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::ModeName;
use crate::local::disk;
use crate::local::lock::Lock;

/// Which folders are let in.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// What the caller is about to do; shown to others who find the root locked.
    pub verb: &'a str,
    /// Folders that are refused always: the home folder, say.
    pub protected: &'a [PathBuf],
    /// Take a folder that has files of the user's. They stay, and are a seed.
    pub adopt: bool,
    /// Begin anew where `state.json` is damaged and what is installed cannot be found again: for who installs.
    pub may_begin: bool,
    /// The mode of a root that is new.
    pub mode: Option<&'a ModeName>,
}

/// See the module's head.
#[derive(Debug)]
pub struct Session {
    root: InstallRoot,
    /// To be changed and saved.
    pub state: InstallState,
    _lock: Lock,
}

impl Session {
    /// Refuses folders that are not for us, without changing anything.
    ///
    /// # Errors
    /// `invalid_argument` for a protected folder; `destination_not_ours` for one with files, unless adopted.
    pub fn admit(root: &InstallRoot, admission: &Admission<'_>) -> Result<()> {
        let directory = root.directory();
        let protected = admission.protected.iter().filter_map(|path| fs::canonicalize(path).ok());
        if protected.into_iter().any(|path| path == directory) {
            let reason = format!("{} is not a folder for a game; give one below it", directory.display());
            return Err(Error::Invalid { what: "folder", reason });
        }
        if root.is_ours() {
            return Ok(());
        }
        let not_ours = || Error::DestinationNotOurs { path: directory.to_owned() };
        match fs::symlink_metadata(directory) {
            Ok(found) if !found.is_dir() => return Err(not_ours()),
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        let strangers = strangers(directory)?;
        // What we would have to put there ourselves must be free even then.
        let taken = ["versions", "current", "saved"].iter().find(|name| strangers.iter().any(|other| other == *name));
        match taken {
            _ if strangers.is_empty() => Ok(()),
            Some(name) if admission.adopt && recover::is_empty_of_ours(root) => {
                Err(Error::ForeignConflict { path: directory.join(name) })
            }
            _ if admission.adopt || !recover::is_empty_of_ours(root) => Ok(()),
            _ => Err(not_ours()),
        }
    }

    /// Takes the lock, finishes what a killed run began, and reads the state; begins one in a new folder.
    ///
    /// # Errors
    /// Those of [`Session::admit`]; `busy`; `state_too_new`.
    pub fn enter(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<Self> {
        Self::admit(root, admission)?;
        let adopted = !root.is_ours() && root.directory().is_dir() && !strangers(root.directory())?.is_empty();
        disk::create_directory(&root.control(""))?;
        let lock = Lock::exclusive(&root.control(LOCK), admission.verb)?;
        recover::tidy(root)?;
        let begin = || InstallState::begin(admission.mode.cloned().unwrap_or_default());
        let state = match InstallState::load(root) {
            Ok(Some(state)) => state,
            Ok(None) => {
                let state = recover::from_versions(root)?;
                let mut state = state.unwrap_or_else(begin);
                state.adopted = adopted;
                state.save(root)?;
                state
            }
            Err(error @ Error::Malformed { .. }) => {
                monitor.warn(&error);
                let state = match recover::from_versions(root)? {
                    Some(state) => state,
                    // Nothing was ever there, or is known of what is there.
                    None if admission.may_begin || root.folders()?.is_empty() => begin(),
                    None => return Err(error),
                };
                // A copy: until the new one is there, the damaged one says that something is installed.
                let damaged = root.control("state.json.damaged");
                disk::remove_file(&damaged)?;
                disk::copy(&root.control("state.json"), &damaged)?;
                state.save(root)?;
                state
            }
            Err(other) => return Err(other),
        };
        root.point_to(state.current.as_ref().map(|current| current.folder.as_str()));
        Ok(Self { root: root.clone(), state, _lock: lock })
    }

    /// The state of what is installed, for somebody who only reads it. A damaged one is mended on the disk; where that
    /// cannot be written, for this call alone.
    ///
    /// # Errors
    /// `not_installed`, `state_too_new`, `state_malformed`; `busy` if it has to be mended and somebody else is at work.
    pub fn look(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<InstallState> {
        let missing = || Error::NotInstalled { path: root.directory().to_owned() };
        match InstallState::load(root) {
            Err(Error::Malformed { .. }) => match Self::enter(root, admission, monitor) {
                Ok(session) => Ok(session.state.clone()),
                Err(error @ Error::Io { .. }) => {
                    monitor.warn(&error);
                    recover::from_versions(root)?.ok_or(error)
                }
                Err(other) => Err(other),
            },
            other => other?.ok_or_else(missing),
        }
    }

    /// The root.
    pub fn root(&self) -> &InstallRoot {
        &self.root
    }

    /// Writes the state and sets the link: the switch.
    pub fn commit(&self) -> Result<()> {
        self.state.save(&self.root)?;
        self.root.point_to(self.state.current.as_ref().map(|current| current.folder.as_str()));
        Ok(())
    }

    /// The current version.
    ///
    /// # Errors
    /// `not_installed`.
    pub fn current(&self) -> Result<&Installed> {
        let missing = || Error::NotInstalled { path: self.root.directory().to_owned() };
        self.state.current.as_ref().ok_or_else(missing)
    }
}

/// The names in a folder, without our own one.
fn strangers(directory: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let name = entry.map_err(Error::io("list", directory))?.file_name().to_string_lossy().into_owned();
        if name != ".vsekai" {
            found.push(name);
        }
    }
    Ok(found)
}
