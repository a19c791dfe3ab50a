//! Frees disk space: removes the version that is kept for a rollback.

use serde::Serialize;

use super::Updater;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::used_bytes;
use crate::version::Version;

/// What was removed to free space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The version that a rollback would have returned to; `None` if there was none.
    pub version: Option<Version>,
    /// How much less the install takes, in bytes. 0 while the version is still running: it goes later.
    pub freed_bytes: u64,
}

impl Updater {
    /// Removes the version that a rollback returns to, which frees its space, and what else is not needed.
    ///
    /// # Errors
    /// `not_installed`; `invalid_argument` while the current version is on trial, because it may need to go back.
    pub fn remove_previous(&self, monitor: &Monitor) -> Result<Removed> {
        let mut session = self.enter("clean", monitor)?;
        session.current()?;
        if let Some(current) = session.state.trial.as_ref().and(session.state.current.as_ref()) {
            let reason =
                format!("{} is on trial: start it once first, because it may have to go back", current.version);
            return Err(Error::invalid("previous version", reason));
        }
        let before = used_bytes(&self.root);
        let previous = session.state.forget_previous();
        if previous.is_some() {
            session.commit()?;
        }
        session.clean(monitor)?;
        let freed_bytes = before.saturating_sub(used_bytes(&self.root));
        Ok(Removed { version: previous.map(|previous| previous.version), freed_bytes })
    }
}
