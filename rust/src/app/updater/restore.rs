//! Restores an installed version of which a part is missing, such as a folder that was deleted, or a file that a virus
//! scanner removed.

use super::bundle_client;
use super::repository_state::RepositoryState;
use super::{Available, Updated, Updater};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::{Choice, ModeName, Why};
use crate::install::{
    self, Documents, InPlace, InstallState, Installed, InstalledVersion, Need, Purpose, Session, VersionJob,
};
use crate::local::sources::Transfer;
use crate::local::staging::Intent;
use crate::local::strategy::Link;
use crate::state::Signal;
use crate::version::Version;

/// What an install lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing: it is complete and up to date.
    Nothing,
    /// Another version, or a first one.
    Version(ModeName, Version, Why),
    /// A missing part of the installed version.
    Restored(Installed),
}

impl Wanted {
    pub(super) fn why(&self) -> Option<Why> {
        match self {
            Self::Nothing => None,
            Self::Version(.., why) => Some(*why),
            Self::Restored(_) => Some(Why::Incomplete),
        }
    }
}

impl Updater {
    /// What this install should get: a newer version, otherwise the missing part of the current one.
    pub(super) fn wanted(&self, view: &mut RepositoryState, state: &InstallState, monitor: &Monitor) -> Result<Wanted> {
        if let Choice::Take { mode, offer, why } = view.choose(&self.settings, state)? {
            return Ok(Wanted::Version(mode.clone(), offer.version.clone(), why));
        }
        let Some(current) = self.incomplete(state, monitor) else { return Ok(Wanted::Nothing) };
        let is_known = InstalledVersion::known(&self.root, &current.folder).is_some();
        if is_known || view.release(&current.mode, &current.version, &current.platform).is_ok() {
            return Ok(Wanted::Restored(current));
        }
        // Nothing says any more what was installed, so treat it as not installed.
        let mut gone = state.clone();
        gone.current = None;
        Ok(match view.choose(&self.settings, &gone)? {
            Choice::Take { mode, offer, .. } => Wanted::Version(mode.clone(), offer.version.clone(), Why::Incomplete),
            Choice::Stay => Wanted::Nothing,
        })
    }

    /// The current version, if a part of it is missing.
    fn incomplete(&self, state: &InstallState, monitor: &Monitor) -> Option<Installed> {
        let current = state.current.clone()?;
        install::first_missing(&self.root, &current, Need::All, monitor).map(|_| current)
    }

    /// What `check` reports about a version to restore.
    pub(super) fn restorable(&self, view: &mut RepositoryState, current: &Installed) -> Result<Available> {
        let release = match InstalledVersion::known(&self.root, &current.folder) {
            Some(kept) => kept.documents.release,
            None => view.release(&current.mode, &current.version, &current.platform)?.0,
        };
        let (mode, version) = (current.mode.clone(), current.version.clone());
        let download_bytes = release.sizes.stored_bytes;
        Ok(Available {
            mode,
            version,
            why: Why::Incomplete,
            sizes: release.sizes,
            download_bytes,
            notes: release.notes,
        })
    }

    /// The job for what is wanted, and the transfer that preparing it took; `None` if nothing is wanted.
    pub(super) fn job_for(
        &self,
        view: &mut RepositoryState,
        wanted: &Wanted,
        state: &InstallState,
        intent: Intent,
        monitor: &Monitor,
    ) -> Result<Option<(VersionJob, Transfer)>> {
        let current = state.current.as_ref();
        match wanted {
            Wanted::Nothing => Ok(None),
            Wanted::Version(mode, version, _) => self.job(view, (mode, version), current, intent, monitor).map(Some),
            Wanted::Restored(installed) => {
                let kept = InstalledVersion::known(&self.root, &installed.folder);
                let named = (&installed.mode, &installed.version);
                let (job, transfer) = match (self.job(view, named, current, intent, monitor), &kept) {
                    (Ok(found), _) => found,
                    (Err(error), Some(kept)) if !matches!(error, Error::Cancelled) => {
                        // The repository no longer has the version, but may still have its chunks.
                        monitor.warn(&error);
                        (self.local_job(state, kept.documents.clone(), intent, monitor)?, Transfer::default())
                    }
                    (Err(error), _) => return Err(error),
                };
                if kept.is_none() && intent == Intent::Apply {
                    // These documents show that what is left of the version is ours.
                    InstalledVersion::write_documents(&self.root, &installed.folder, &job.documents)?;
                }
                Ok(Some((self.as_repair(job, kept, installed, monitor)?, transfer)))
            }
        }
    }

    /// A job without the repository: uses what this machine has, and the stores that the install came from.
    fn local_job(
        &self,
        state: &InstallState,
        documents: Documents,
        intent: Intent,
        monitor: &Monitor,
    ) -> Result<VersionJob> {
        let in_place = bundle_client::bases(&self.root, state.current.as_ref());
        Ok(VersionJob {
            documents,
            in_place: in_place.into_iter().map(|base| InPlace::unread(base.kept)).collect(),
            sources: self.sources(state, monitor)?,
            offers: Vec::new(),
            link: Link::default(),
            purpose: Purpose::Update,
            intent,
            scratch: self.settings.scratch.clone(),
        })
    }

    /// Turns a job into a repair of what is left of the version.
    fn as_repair(
        &self,
        mut job: VersionJob,
        kept: Option<InstalledVersion>,
        installed: &Installed,
        monitor: &Monitor,
    ) -> Result<VersionJob> {
        let of_documents = || InstalledVersion::of(&self.root, &installed.folder, job.documents.clone());
        let kept = kept.unwrap_or_else(of_documents);
        let found = install::glance(&kept, monitor)?;
        job.in_place.retain(|other| other.kept.tree() != kept.tree());
        job.in_place.insert(0, InPlace { kept, nodes: Some(found.nodes) });
        job.purpose = Purpose::Repair(installed.folder.clone());
        Ok(job)
    }

    /// Restores the current version when the repository cannot be read, if a part is missing and the remaining sources
    /// suffice.
    ///
    /// # Errors
    /// `error`, the reason why the repository cannot be read, if there is nothing to restore or it cannot be done.
    pub(super) fn restore_without(&self, session: Option<Session>, error: Error, monitor: &Monitor) -> Result<Updated> {
        let Some(mut session) = session.filter(|_| !matches!(error, Error::Cancelled)) else { return Err(error) };
        let Some(installed) = self.incomplete(&session.state, monitor) else { return Err(error) };
        let Some(kept) = InstalledVersion::known(&self.root, &installed.folder) else { return Err(error) };
        monitor.signal(Signal::Found);
        let state = session.state.clone();
        let done = self
            .local_job(&state, kept.documents.clone(), Intent::Apply, monitor)
            .and_then(|job| self.as_repair(job, Some(kept), &installed, monitor))
            .and_then(|job| install::prepare(&self.root, &state, job, monitor))
            .and_then(|prepared| prepared.apply(&mut session, None, monitor));
        match done {
            Ok(report) => {
                monitor.warn(&error);
                let current = session.current()?.clone();
                Ok(Updated::restored(state.mode, current, report))
            }
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(reason) => {
                monitor.warn(&reason);
                Err(error)
            }
        }
    }
}
