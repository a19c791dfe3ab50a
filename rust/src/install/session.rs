//! The right to change an install root: holds its lock and its state.

use std::fs;
use std::path::PathBuf;

use super::{InstallRoot, InstallState, Installed, LOCK, foreign, owner, recover};
use crate::error::{Error, Format, Result};
use crate::event::{Event, Monitor};
use crate::formats::release::ModeName;
use crate::local::disk;
use crate::local::lock::Lock;

/// The conditions for opening a session: which folders are accepted, and how.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The operation, such as `update`; shown to other processes that find the root locked.
    pub verb: &'a str,
    /// Folders that are always refused, such as the home folder.
    pub protected: &'a [PathBuf],
    /// Accept a folder that contains files of the user. They stay, and serve as a seed.
    pub adopt: bool,
    /// Start with an empty state if `state.json` is damaged and cannot be reconstructed. Set by commands that install.
    pub may_begin: bool,
    /// The mode of a new root; `None` for the default mode.
    pub mode: Option<&'a ModeName>,
    /// Another user whose install this one may change.
    pub trusted_owner: Option<u32>,
}

/// A locked install root and its state.
#[derive(Debug)]
pub struct Session {
    root: InstallRoot,
    /// The state. Callers change it and then call [`Self::commit`].
    pub state: InstallState,
    _lock: Lock,
}

impl Session {
    /// Refuses folders in which nothing may be installed, without changing anything.
    ///
    /// # Errors
    /// `invalid_argument` for a protected folder; `other_owner` for an install of another user; `destination_not_ours`
    /// for a folder with files that is not adopted.
    pub fn admit(root: &InstallRoot, admission: &Admission<'_>) -> Result<()> {
        let directory = root.directory();
        let protected = admission.protected.iter().filter_map(|path| disk::canonicalize(path).ok());
        if protected.into_iter().any(|path| path == directory) {
            let reason = format!("{} cannot be used for a game; use a folder below it", directory.display());
            return Err(Error::invalid("folder", reason));
        }
        owner::check(root, admission.trusted_owner)?;
        if root.is_ours() {
            return Ok(());
        }
        let not_ours = || Error::DestinationNotOurs { path: directory.to_owned() };
        if root.is_arriving() {
            return Err(not_ours());
        }
        match fs::symlink_metadata(directory) {
            Ok(found) if !found.is_dir() => return Err(not_ours()),
            Ok(_) => {}
            Err(_) => return Ok(()),
        }
        let strangers = strangers(root)?;
        // Even an adopted folder must not use our own names.
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

    /// Takes the lock, finishes what a killed run began, and reads the state. Creates a state in a new folder.
    ///
    /// # Errors
    /// Those of [`Session::admit`]; `busy`; `state_too_new`.
    pub fn enter(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<Self> {
        Self::admit(root, admission)?;
        let adopted = !root.is_ours() && root.directory().is_dir() && !strangers(root)?.is_empty();
        disk::create_control_directory(root.directory())?;
        disk::create_control_directory(root.control("").components().as_path())?;
        recover::free_lock(root, monitor)?;
        let lock = Lock::exclusive(&root.control(LOCK), admission.verb)?;
        recover::tidy(root, monitor)?;
        let begin = || InstallState::begin(admission.mode.cloned().unwrap_or_default());
        let state = match InstallState::load(root) {
            Ok(Some(state)) => {
                state.protect(root);
                state
            }
            Ok(None) => {
                let found = recover::from_versions(root)?;
                if found.is_some() {
                    say_rebuilt(root, monitor);
                }
                let mut state = found.unwrap_or_else(begin);
                state.adopted = adopted;
                state.save(root)?;
                state
            }
            Err(error @ Error::Malformed { .. }) => {
                monitor.warn(&error);
                let state = match recover::from_versions(root)? {
                    Some(state) => {
                        say_rebuilt(root, monitor);
                        state
                    }
                    // No version is installed, or none can be identified.
                    None if admission.may_begin || root.folders()?.is_empty() => begin(),
                    None => return Err(error),
                };
                // A copy, not a rename: until the new state is written, the damaged one marks the folder as ours.
                let (current, damaged) = (root.control("state.json"), root.control("state.json.damaged"));
                if disk::is_irregular(&current) {
                    foreign::set_aside(root, &current, monitor)?;
                } else {
                    disk::remove_all(&damaged)?;
                    disk::copy(&current, &damaged)?;
                }
                state.save(root)?;
                state
            }
            Err(other) => return Err(other),
        };
        root.point_to(state.current.as_ref().map(|current| current.folder.as_str()));
        Ok(Self { root: root.clone(), state, _lock: lock })
    }

    /// The state, for callers that only read it. A damaged state is repaired on the disk or, if that is read-only, for
    /// this call.
    ///
    /// # Errors
    /// `not_installed`, `state_too_new`, `state_malformed`; `busy` if it needs repair while another process works on
    /// the root.
    pub fn look(root: &InstallRoot, admission: &Admission<'_>, monitor: &Monitor) -> Result<InstallState> {
        let missing = || Error::NotInstalled { path: root.directory().to_owned() };
        let loaded = match InstallState::load(root) {
            // The versions on the disk show that the state is lost, so it can be repaired.
            Ok(None) if root.is_ours() => {
                let reason = "it is missing".to_owned();
                Err(Error::malformed(Format::State, 0, reason))
            }
            other => other,
        };
        match loaded {
            Err(Error::Malformed { .. }) => match Self::enter(root, admission, monitor) {
                Ok(session) => Ok(session.state.clone()),
                Err(error @ (Error::Io { .. } | Error::OtherOwner { .. })) => {
                    monitor.warn(&error);
                    recover::from_versions(root)?.ok_or(error)
                }
                Err(other) => Err(other),
            },
            other => other?.ok_or_else(missing),
        }
    }

    /// The install root.
    pub fn root(&self) -> &InstallRoot {
        &self.root
    }

    /// Writes the state and updates the link `current`. This is the switch.
    pub fn commit(&self) -> Result<()> {
        self.state.save(&self.root)?;
        self.root.point_to(self.state.current.as_ref().map(|current| current.folder.as_str()));
        Ok(())
    }

    /// The current version.
    ///
    /// # Errors
    /// `not_installed` if there is none.
    pub fn current(&self) -> Result<&Installed> {
        let missing = || Error::NotInstalled { path: self.root.directory().to_owned() };
        self.state.current.as_ref().ok_or_else(missing)
    }
}

/// Says what it means that the state was lost.
fn say_rebuilt(root: &InstallRoot, monitor: &Monitor) {
    let path = root.control("state.json");
    let message = format!(
        "{} was lost and was rebuilt from the versions that are installed; the address of the repository, the chosen \
         mode and the versions that did not start are forgotten",
        path.display()
    );
    let code = Error::malformed(Format::State, 0, String::new()).code();
    monitor.emit(Event::Warned { code, message });
}

/// The names in an install root, except our `.vsekai` and what an uninstallation has left for the user.
fn strangers(root: &InstallRoot) -> Result<Vec<String>> {
    let (directory, mut found) = (root.directory(), Vec::new());
    for entry in fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let name = entry.map_err(Error::io("list", directory))?.file_name().to_string_lossy().into_owned();
        if name != ".vsekai" && !root.is_saved_folder(&name) {
            found.push(name);
        }
    }
    Ok(found)
}
