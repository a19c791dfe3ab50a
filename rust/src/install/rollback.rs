//! Going back to the previous version.

use super::heal::take_as_it_is;
use super::takeover::InPlace;
use super::verify::{Condition, glance, verify_kept};
use super::{InstalledVersion, RollbackReason, Session};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::local::sources::Sources;

/// How closely the version to go back to is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyDepth {
    /// Every file is read.
    Full,
    /// Files with unchanged stamps are trusted. If the version cannot be repaired, it is used anyway as long as it can
    /// be started, because the version being left does not start.
    Quick,
}

impl Session {
    /// Makes the previous version current again, repairing it if needed, and marks the version left as bad, so that it
    /// is not offered again automatically.
    ///
    /// # Errors
    /// Those of [`Session::make_ready`].
    pub fn roll_back(
        &mut self,
        look: VerifyDepth,
        sources: &dyn Fn() -> Result<Sources>,
        monitor: &Monitor,
    ) -> Result<()> {
        self.make_ready(look, sources, monitor)?;
        self.state.roll_back(RollbackReason::Asked);
        self.commit()
    }

    /// Repairs the previous version if it is damaged: from data on the disk, then from `sources`. If the missing data
    /// is not available, the version is used as it is, with a warning, as long as it can be started.
    ///
    /// # Errors
    /// `no_previous_version`; `damaged` if it cannot be repaired and would not start; errors of the disk. The current
    /// version is then unchanged.
    pub fn make_ready(
        &mut self,
        look: VerifyDepth,
        sources: &dyn Fn() -> Result<Sources>,
        monitor: &Monitor,
    ) -> Result<()> {
        let root = self.root().clone();
        let previous = self.state.previous.clone();
        let previous = previous.ok_or_else(|| Error::NoPrevious { path: root.directory().to_owned() })?;
        let damaged = |files| Error::Damaged { path: root.versions(&previous.folder), files };
        let kept = InstalledVersion::known(&root, &previous.folder).ok_or_else(|| damaged(1))?;
        let found = match look {
            VerifyDepth::Quick if kept.is_complete() => return Ok(()),
            VerifyDepth::Quick => glance(&kept, monitor)?,
            VerifyDepth::Full => verify_kept(&kept, monitor)?,
        };
        let current = self.state.current.as_ref().and_then(|current| InstalledVersion::read(&root, &current.folder));
        let others = current.map(InPlace::unread).into_iter().collect();
        let quiet = monitor.without_states();
        let mended = sources().and_then(|sources| self.mend(&previous.folder, &found, others, sources, &quiet));
        let has_content = found.nodes.iter().all(|condition| *condition != Condition::Damaged);
        match mended {
            Ok(_) => Ok(()),
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(error) if look == VerifyDepth::Quick || has_content || error.is_for_want_of_bytes() => {
                take_as_it_is(&root, &previous.folder, error, monitor).map_err(|error| {
                    monitor.warn(&error);
                    damaged(found.damaged_files())
                })
            }
            Err(error) => Err(error),
        }
    }
}
