//! Going back to the previous version.

use super::verify::{Damage, verify_kept};
use super::{InstalledVersion, Session};
use crate::error::{Error, Result};
use crate::event::Monitor;

/// How closely the version to go back to is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyDepth {
    /// All of it is read.
    Full,
    /// Files that look as we left them are believed.
    Quick,
}

impl Session {
    /// Makes the previous version current again, and remembers the one that is left as bad: it is not offered
    /// again by itself.
    ///
    /// # Errors
    /// `no_previous_version`; `damaged` if the previous version is: nothing was changed then.
    pub fn roll_back(&mut self, look: VerifyDepth, monitor: &Monitor) -> Result<()> {
        self.look_at_previous(look, monitor)?;
        self.state.roll_back();
        self.commit()
    }

    /// Whether there is a previous version to go back to, and whether it is whole. Changes nothing.
    ///
    /// # Errors
    /// As [`Session::roll_back`].
    pub fn look_at_previous(&self, look: VerifyDepth, monitor: &Monitor) -> Result<()> {
        let none = || Error::NoPrevious { path: self.root().directory().to_owned() };
        let previous = self.state.previous.clone().ok_or_else(none)?;
        let kept = InstalledVersion::read(self.root(), &previous.folder).ok_or_else(none)?;
        if look == VerifyDepth::Full || !kept.is_complete() {
            let found = verify_kept(&kept, monitor)?;
            if !found.damage.is_empty() {
                let files = found.damage.iter().map(Damage::path).collect::<std::collections::HashSet<_>>().len();
                return Err(Error::Damaged { path: kept.tree().to_owned(), files: files as u64 });
            }
            // Only saves the next one from reading it again.
            kept.stamp_again(self.root(), &previous.folder, monitor).unwrap_or_else(|error| monitor.warn(&error));
        }
        Ok(())
    }
}
