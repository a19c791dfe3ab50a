//! What the repository offers: its modes, its versions, and what a rollout holds back from this install.

use super::repository_state::RepositoryState;
use super::{ModeInfo, Settings, Updater, VersionInfo};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::{Choice, ModeName};
use crate::install::InstallState;
use crate::version::Version;

/// Most versions whose date and size are looked up: each can cost a request.
const MAX_DATED: usize = 20;

impl Updater {
    /// The modes of the repository, by name.
    ///
    /// # Errors
    /// Those of opening the repository.
    pub fn modes(&self, monitor: &Monitor) -> Result<Vec<ModeInfo>> {
        let state = self.state_or_new(monitor)?;
        let view = RepositoryState::open(&self.settings, &self.root, &state, monitor)?;
        Ok(view.modes(&self.settings.platform, &state.mode))
    }

    /// The versions that the repository lists, newest first: those of one mode, or those of each mode after the other.
    /// The first of them have a date and a size.
    ///
    /// # Errors
    /// `mode_unknown`; those of opening the repository.
    pub fn versions(&self, mode: Option<&ModeName>, monitor: &Monitor) -> Result<Vec<VersionInfo>> {
        let state = self.state_or_new(monitor)?;
        let mut view = RepositoryState::open(&self.settings, &self.root, &state, monitor)?;
        let mut all = view.versions(&self.settings.platform, &state, mode)?;
        for info in all.iter_mut().take(MAX_DATED) {
            monitor.cancel.check()?;
            let here = info.platforms.iter().find(|platform| **platform == self.settings.platform);
            let Some(platform) = here.or(info.platforms.first()).cloned() else { continue };
            match view.release(&info.mode, &info.version, &platform) {
                Ok((release, _)) => {
                    info.published_at = Some(release.published_at);
                    info.download_bytes = Some(release.sizes.stored_bytes);
                }
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                // The catalog still says that the version exists.
                Err(_) => {}
            }
        }
        Ok(all)
    }

    /// The version that this install would get now if it did not wait for a rollout; `None` if it waits for none.
    pub(super) fn held_back(&self, view: &RepositoryState, state: &InstallState) -> Option<Version> {
        if self.settings.at_once || self.settings.version.is_some() {
            return None;
        }
        let at_once = Settings { at_once: true, ..self.settings.clone() };
        let (now, then) = (view.choose(&self.settings, state).ok()?, view.choose(&at_once, state).ok()?);
        match then {
            Choice::Take { offer, .. } if then != now => Some(offer.version.clone()),
            _ => None,
        }
    }
}
