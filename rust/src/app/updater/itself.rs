//! A program that replaces itself by the one of an install root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Updater;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::{InstalledVersion, RollbackReason, this_launcher};
use crate::local::{disk, program};

/// How long a new program may take to say its version.
const START: Duration = Duration::from_mins(1);

const TICK: Duration = Duration::from_millis(20);

/// What became of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is the new one now.
    Yes,
    /// It already had the same content.
    IsSame,
    /// It is newer than the installed version.
    IsNewer,
}

impl Updater {
    /// Gives `program`, which is the running one, the content of the current version's entry program, once that has
    /// shown that it starts. One that does not is put aside, as in a trial.
    ///
    /// # Errors
    /// `damaged` if the installed one is not as published, `launch_failed` if it does not start; the program is as it
    /// was.
    pub fn replace_program(&self, program: &Path, monitor: &Monitor) -> Result<Replaced> {
        // Held until the end: it also keeps others from replacing the program.
        let mut session = self.enter("self-update", monitor)?;
        let current = session.current()?.clone();
        if this_launcher()?.cmp_precedence(&current.version).is_gt() {
            return Ok(Replaced::IsNewer);
        }
        let tree = self.root.versions(&current.folder);
        let damaged = || Error::Damaged { path: tree.clone(), files: 1 };
        let installed = InstalledVersion::read(&self.root, &current.folder).ok_or_else(damaged)?;
        let entry = &installed.documents.release.entry.path;
        let table = &installed.documents.table;
        let published = table.find(entry).and_then(|node| table.digest(node)).ok_or_else(damaged)?;
        if disk::sha256(program)? == published {
            session.state.acknowledge();
            session.commit()?;
            return Ok(Replaced::IsSame);
        }
        let new = entry.below(&tree);
        if disk::sha256(&new)? != published {
            return Err(damaged());
        }
        if let Err(error) = start(&new) {
            if session.state.roll_back(RollbackReason::DidNotStart) {
                session.commit()?;
            }
            return Err(error);
        }
        program::replace(program, &new)?;
        session.state.acknowledge();
        session.commit()?;
        Ok(Replaced::Yes)
    }
}

/// Asks a program for its version.
fn start(program: &Path) -> Result<()> {
    let path = || PathBuf::from(program);
    let failed = |source| Error::LaunchFailed { path: path(), source };
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if begun.elapsed() > START {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(std::io::ErrorKind::TimedOut.into()));
        }
        std::thread::sleep(TICK);
    };
    if status.success() { Ok(()) } else { Err(failed(std::io::Error::other(status.to_string()))) }
}
