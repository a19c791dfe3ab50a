//! Updates that disturb nobody: one that takes a few seconds at most, before a start from the desktop's menu, and one
//! that is only downloaded.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::repository_state::RepositoryState;
use super::restore::Wanted;
use super::{Updater, current_of};
use crate::app::worker::is_unasked;
use crate::error::Result;
use crate::event::{Cancel, Monitor};
use crate::install::{self, InstallState, Installed, InstalledVersion, Need};
use crate::local::staging::Intent;
use crate::version::Version;

/// How often to look whether the caller wants to stop.
const TICK: Duration = Duration::from_millis(50);

impl Updater {
    /// Downloads the version that [`Self::update`] would bring, and puts it beside the current one: an update then only
    /// switches to it. Returns that version; `None` if there is nothing to do. The state is not told.
    ///
    /// # Errors
    /// As [`Self::update`]; `not_installed` if nothing is installed.
    pub fn download(&self, monitor: &Monitor) -> Result<Option<Version>> {
        let monitor = &monitor.without_states();
        let mut session = self.enter("download", monitor)?;
        let known = session.state.clone();
        current_of(&self.root, &known)?;
        let mut view = RepositoryState::open(&self.settings, &self.root, &known, monitor)?;
        let Wanted::Version(mode, version, why) = self.wanted(&mut view, &known, monitor)? else { return Ok(None) };
        let wanted = Wanted::Version(mode, version.clone(), why);
        let job = self.job_for(&mut view, &wanted, &known, Intent::Apply, monitor)?;
        view.remember()?;
        self.note(&mut session, &view)?;
        if let Some((job, _)) = job {
            install::prepare(&self.root, &session.state, job, monitor)?.bring(&session, monitor)?;
        }
        Ok(Some(version))
    }

    /// The version that [`Self::download`] has put beside the current one, if it is whole. A check may say that it is not
    /// wanted any more.
    pub(super) fn downloaded(&self, state: &InstallState, monitor: &Monitor) -> Option<Version> {
        let current = state.current.as_ref()?;
        let mut found = None;
        for folder in self.root.folders().ok()?.into_iter().filter(|folder| !state.needs(folder)) {
            let Ok(release) = InstalledVersion::release(&self.root, &folder) else { continue };
            let (mode, version) = (&release.mode, &release.version);
            let is_followed = *mode == state.mode || *mode == current.mode;
            let is_bad = state.bad.iter().any(|(bad_mode, bad)| (bad_mode, bad) == (mode, version));
            let is_allowed = state.floors.get(mode).is_none_or(|oldest| version >= oldest);
            if is_followed && is_allowed && !is_bad && *version > current.version && found.as_ref() < Some(version) {
                let beside = Installed::of(&release, folder);
                if install::first_missing(&self.root, &beside, Need::All, monitor).is_none() {
                    found = Some(beside.version);
                }
            }
        }
        found
    }

    /// Looks for a newer version and installs it, if both take no longer than this and nobody has to be asked. What has
    /// come by then is kept, and the next update goes on from it. Returns the version that was installed, if one was.
    /// Does nothing while the current version is on trial.
    ///
    /// # Errors
    /// `cancelled` after that time, and what [`Self::check`] and [`Self::update`] return.
    pub fn update_briefly(&self, longest: Duration, monitor: &Monitor) -> Result<Option<Version>> {
        let cancel = Cancel::default();
        let limited = Monitor { cancel: cancel.clone(), ..Monitor::default() };
        let end = Instant::now() + longest;
        let (done, ended) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || cancel_at(end, &cancel, &monitor.cancel, &ended));
            let outcome = self.update_unasked(&limited);
            drop(done);
            outcome
        })
    }

    fn update_unasked(&self, monitor: &Monitor) -> Result<Option<Version>> {
        if self.status(monitor)?.trial.is_some() || !is_unasked(&self.check(monitor)?) {
            return Ok(None);
        }
        let updated = self.update(monitor)?;
        Ok(updated.why.map(|_| updated.current.version))
    }
}

pub(super) fn cancel_at(end: Instant, cancel: &Cancel, outer: &Cancel, ended: &Receiver<()>) {
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        if outer.is_cancelled() || Instant::now() >= end {
            cancel.cancel();
            return;
        }
    }
}
