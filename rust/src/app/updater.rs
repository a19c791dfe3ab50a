//! The updater as its faces see it: check, plan, update, verify, repair, roll back, switch modes, uninstall.
//!
//! ```text
//! state.json, trust/  --->  look: metadata, catalog, choice  --->  documents  --->  install::prepare, apply
//! ```
//!
//! Each call is independent: it reads the state from the disk, and all its changes are on the disk when it returns.
//! Servers learn nothing about the user; they see only requests for files, and [reports](Updater::send_reports) of players
//! who agreed to send them. What blocks an update (expired metadata, no
//! network) never blocks a start, because [`launch`](crate::install::launch) does not use the network.

use std::path::Path;

use crate::error::{Error, Result, TrustKind};
use crate::event::Monitor;
use crate::formats::release::{DEFAULT_STORE, ModeName, Why};
use crate::install::{
    self, Admission, Change, Examined, InPlace, InstallRoot, InstallState, Installed, InstalledVersion, Need, Prepared,
    Purpose, Session, SignedDigests, Trial, Uninstalled, VerifyDepth, VersionJob,
};
use crate::local::sources::{Sources, Transfer};
use crate::local::staging::Intent;
use crate::local::strategy::Link;
use crate::net::trust::signed_documents;
use crate::state::Signal;
use crate::text;
use crate::version::Version;

mod brief;
mod bundle_client;
mod desktop;
mod facts;
mod history;
mod itself;
mod news;
mod offers;
mod report;
mod repository_state;
mod restore;
mod space;

pub use facts::{Available, Checked, Defaults, Desktop, ModeInfo, Settings, Status, Updated, VersionInfo};
pub use history::{MAX_VERSIONS, VersionNotes};
pub use itself::Replaced;
pub use news::{MAX_PICTURES, Story};
pub use space::Removed;

use bundle_client::BundleClient;
use repository_state::{DocumentSources, RepositoryState};
use restore::Wanted;

/// An install root, and what its user wants.
#[derive(Debug, Clone)]
pub struct Updater {
    root: InstallRoot,
    settings: Settings,
}

impl Updater {
    /// The updater of the install root at `directory`, which need not exist yet.
    pub fn new(directory: &Path, settings: Settings) -> Result<Self> {
        Ok(Self { root: InstallRoot::at(directory)?, settings })
    }

    /// The install root.
    pub fn root(&self) -> &InstallRoot {
        &self.root
    }

    /// Looks for a newer version. Reads no file of the game, and changes only what the install remembers of metadata.
    pub fn check(&self, monitor: &Monitor) -> Result<Checked> {
        monitor.begin();
        tell_end(monitor, self.try_check(monitor))
    }

    fn try_check(&self, monitor: &Monitor) -> Result<Checked> {
        monitor.signal(Signal::Check);
        let state = self.state_or_new(monitor)?;
        let mut view = RepositoryState::open(&self.settings, &self.root, &state, monitor)?;
        let wanted = self.wanted(&mut view, &state, monitor)?;
        let mode = view.mode(&self.settings, &state)?;
        let held_back = self.held_back(&view, &state);
        let available = match wanted {
            Wanted::Nothing => None,
            Wanted::Restored(current) => Some(self.restorable(&mut view, &current)?),
            Wanted::Version(mode, version, why) => {
                let (release, bytes) = view.release(&mode, &version, &self.settings.platform)?;
                let in_place = bundle_client::bases(&self.root, state.current.as_ref());
                let bundle = bundle_client::download_bytes(&view.listed(&release, &bytes), &in_place);
                let download_bytes = bundle.unwrap_or(u64::MAX).min(release.sizes.stored_bytes);
                Some(Available { mode, version, why, sizes: release.sizes, download_bytes, notes: release.notes })
            }
        };
        let news = self.news_for_check(&mut view, &state, monitor);
        // If the install cannot be written to, or another process is changing it, only the next check costs more.
        if self.root.is_ours()
            && let Ok(mut session) = self.enter("check", monitor)
        {
            let _ = view.remember();
            if let Some(news) = &news {
                self.keep_news(news);
            }
            let known = session.state.floors.clone();
            view.raise_floors(&mut session.state);
            if session.state.floors != known {
                let _ = session.commit();
            }
        }
        monitor.signal(if available.is_some() { Signal::Found } else { Signal::NothingNew });
        let news = news.map(|news| self.stories(&news)).unwrap_or_default();
        let is_recalled = available.is_none() && view.has_recalled(state.current.as_ref());
        let (current, transfer) = (state.current, view.transfer());
        Ok(Checked { current, mode, available, held_back, is_recalled, news, transfer })
    }

    /// Finds out what an update would do, without changing anything; `None` if there is nothing to do.
    pub fn plan(&self, monitor: &Monitor) -> Result<Option<Prepared>> {
        monitor.begin();
        Session::admit(&self.root, &self.admission("update"))?;
        let state = self.state_or_new(monitor)?;
        let mut view = RepositoryState::open_read_only(&self.settings, &self.root, &state, monitor)?;
        let wanted = self.wanted(&mut view, &state, monitor)?;
        match self.job_for(&mut view, &wanted, &state, Intent::DryRun, monitor)? {
            Some((job, _)) => install::prepare(&self.root, &state, job, monitor).map(Some),
            None => Ok(None),
        }
    }

    /// Installs, updates or resumes, so that the install has the version that it should have.
    pub fn update(&self, monitor: &Monitor) -> Result<Updated> {
        self.update_as_planned(monitor, &|_| {})
    }

    /// Like [`Self::update`]. Calls `on_plan` right before the plan is carried out; it must return at once.
    pub fn update_as_planned(&self, monitor: &Monitor, on_plan: &dyn Fn(&Prepared)) -> Result<Updated> {
        monitor.begin();
        let outcome = self.try_update(monitor, on_plan);
        if let Ok(updated) = &outcome {
            monitor.signal(if updated.why.is_none() { Signal::NothingNew } else { Signal::Finished });
        }
        tell_end(monitor, outcome)
    }

    fn try_update(&self, monitor: &Monitor, on_plan: &dyn Fn(&Prepared)) -> Result<Updated> {
        Session::admit(&self.root, &self.admission("update"))?;
        // Creates a new folder only when there is something to put into it.
        let session = if self.root.is_ours() { Some(self.enter("update", monitor)?) } else { None };
        monitor.signal(Signal::Check);
        let known = session.as_ref().map_or_else(|| InstallState::begin(self.mode()), |session| session.state.clone());
        let mut view = match RepositoryState::open(&self.settings, &self.root, &known, monitor) {
            Ok(view) => view,
            Err(error) => return self.restore_without(session, error, monitor),
        };
        let wanted = self.wanted(&mut view, &known, monitor)?;
        if !matches!(wanted, Wanted::Nothing) {
            monitor.signal(Signal::Found);
        }
        let mut metadata = Transfer::default();
        let job = self.job_for(&mut view, &wanted, &known, Intent::Apply, monitor)?.map(|(job, transfer)| {
            metadata.add(transfer);
            job
        });
        let mut session = match session {
            Some(session) => session,
            None => self.enter("update", monitor)?,
        };
        if self.settings.discard {
            install::discard(&self.root, monitor)?;
        }
        view.remember()?;
        self.note(&mut session, &view)?;
        self.take_news_along(&mut view, &session.state, monitor);
        let has_new_repository = !known.repository.is_empty() && known.repository != session.state.repository;
        let from = session.state.current.clone();
        if wanted.why() == Some(Why::Incomplete) && matches!(wanted, Wanted::Version(..)) {
            // Nothing is left of the version, so it cannot be one to go back to.
            session.state.current = None;
        }
        let mut report = install::Installation::default();
        if let Some(job) = job {
            let prepared = install::prepare(&self.root, &session.state, job, monitor)?;
            on_plan(&prepared);
            report = prepared.apply(&mut session, wanted.why(), monitor)?;
        } else {
            // Whatever is staged is for a version that is already in place, or is no longer offered.
            install::discard(&self.root, monitor)?;
            report.saved_files = session.clean(monitor)?;
        }
        self.show_version(&mut session, monitor)?;
        let current = session.current()?.clone();
        let mode = view.mode(&self.settings, &session.state)?;
        let held_back = self.held_back(&view, &session.state);
        let from = from.map(|from| from.version).filter(|from| *from != current.version);
        metadata.add(view.transfer());
        let (why, is_recalled) = (wanted.why(), view.has_recalled(Some(&current)));
        let has_new_root = view.starts_over();
        Ok(Updated {
            mode,
            current,
            from,
            why,
            held_back,
            is_recalled,
            has_new_repository,
            has_new_root,
            report,
            metadata,
        })
    }

    /// Writes what was learned about the repository into the state, before anything relies on it.
    fn note(&self, session: &mut Session, view: &RepositoryState) -> Result<()> {
        let before = session.state.clone();
        view.note(&self.settings, &mut session.state)?;
        if let Some(version) = &self.settings.version {
            // The user asked for this version by name, so it is no longer bad.
            let mode = view.mode(&self.settings, &session.state)?;
            session.state.bad.retain(|bad| *bad != (mode.clone(), version.clone()));
        }
        if session.state == before { Ok(()) } else { session.commit() }
    }

    /// The job of bringing a version in, and the transfer that preparing it took, in addition to metadata.
    fn job(
        &self,
        view: &mut RepositoryState,
        (mode, version): (&ModeName, &Version),
        current: Option<&Installed>,
        intent: Intent,
        monitor: &Monitor,
    ) -> Result<(VersionJob, Transfer)> {
        let (release, bytes) = view.release(mode, version, &self.settings.platform)?;
        let sources = repository_state::sources(&self.settings, view.network(), &view.stores())?;
        let in_place = bundle_client::bases(&self.root, current);
        let is_there =
            |base: &bundle_client::InstalledBase| base.kept.documents.release.index.sha256 == release.index.sha256;
        let mut offered = None;
        if sources.remote.is_some() && !in_place.iter().any(is_there) {
            let listed = view.listed(&release, &bytes);
            offered = BundleClient::open(view.network().clone(), &view.places(), &release, &in_place, listed, monitor);
        }
        let documents =
            view.documents(&release, bytes, DocumentSources { bases: &in_place, client: offered.as_mut() })?;
        let (mut offers, mut link, mut transfer) = (Vec::new(), Link::default(), Transfer::default());
        if let Some(offered) = &mut offered {
            offers = offered.offers(&documents);
            (link, transfer) = (offered.link(), offered.transfer());
        }
        let in_place = in_place.into_iter().map(|base| InPlace::unread(base.kept)).collect();
        let scratch = self.settings.scratch.clone();
        Ok((
            VersionJob { documents, in_place, sources, offers, link, purpose: Purpose::Update, intent, scratch },
            transfer,
        ))
    }

    /// Reads all kept versions, the current one first, and compares them with what was signed.
    pub fn verify(&self, monitor: &Monitor) -> Result<Vec<Examined>> {
        let state = self.state(monitor)?;
        current_of(&self.root, &state)?;
        install::examine(&self.root, &state, &signed_digests(&self.root, &self.settings.scratch), monitor)
    }

    /// Repairs every kept version. Each version takes what it can from the other one; only what neither has is
    /// downloaded. Needs no metadata, so it also works with an expired repository. Returns what was found and what was
    /// done.
    ///
    /// # Errors
    /// The first one that prevented a repair; the versions that could be repaired are whole nevertheless.
    pub fn repair(&self, monitor: &Monitor) -> Result<Vec<Examined>> {
        monitor.begin();
        tell_end(monitor, self.try_repair(monitor))
    }

    fn try_repair(&self, monitor: &Monitor) -> Result<Vec<Examined>> {
        let mut session = self.enter("repair", monitor)?;
        session.current()?;
        let mut failure = None;
        let signed = signed_digests(&self.root, &self.settings.scratch);
        for installed in session.state.kept() {
            let outcome = self.restore_documents(&session.state, installed, &signed, monitor);
            failure = keep_first(failure, outcome)?;
        }
        let mut all = install::examine(&self.root, &session.state, &signed, monitor)?;
        let mut is_told = false;
        for at in 0..all.len() {
            let others = self.others(&session.state, &all, at);
            // Its documents are lost, which was reported above.
            if all[at].found.nodes.is_empty() {
                continue;
            }
            // However many versions need repair, report the states of one repair.
            let quiet = if is_told { monitor.without_states() } else { monitor.clone() };
            is_told |= !all[at].found.damage.is_empty();
            let folder = all[at].installed.folder.clone();
            let sources = self.sources(&session.state, monitor);
            let mended = sources.and_then(|it| session.mend(&folder, &all[at].found, others, it, &quiet));
            failure = keep_first(failure, mended.map(|report| all[at].repaired = report))?;
        }
        match failure {
            Some(error) => Err(error),
            None => session.clean(monitor).map(|_| all),
        }
    }

    /// The other kept versions than the one at position `at`, with the condition of their files if it is still known.
    fn others(&self, state: &InstallState, all: &[Examined], at: usize) -> Vec<InPlace> {
        let beside = state.kept().zip(all).enumerate().filter(|(other, _)| *other != at);
        let read = |(_, (installed, version)): (usize, (&Installed, &Examined))| {
            let kept = InstalledVersion::read(&self.root, &installed.folder)?;
            let nodes = version.repaired.is_none().then(|| version.found.nodes.clone());
            Some(InPlace { kept, nodes })
        };
        beside.filter_map(read).collect()
    }

    /// The sources of chunks for a repair: the repositories that the user named, then those that the install came from.
    fn sources(&self, state: &InstallState, monitor: &Monitor) -> Result<Sources> {
        let named = self.settings.repository.iter().map(|place| repository_state::below(place, DEFAULT_STORE));
        let stores: Vec<String> = named.chain(state.stores.iter().cloned()).collect();
        let network = repository_state::network(&self.settings, state, monitor)?;
        repository_state::sources(&self.settings, &network, &stores)
    }

    /// Gets the documents of a version again if they are missing or not the signed ones.
    fn restore_documents(
        &self,
        state: &InstallState,
        installed: &Installed,
        signed: &SignedDigests,
        monitor: &Monitor,
    ) -> Result<()> {
        let is_known = || InstalledVersion::known(&self.root, &installed.folder).is_some();
        if let Some(wanted) = signed.differing(&self.root, installed) {
            if install::mend_release(&self.root, installed, wanted)? && is_known() {
                return Ok(());
            }
        } else if is_known() {
            return Ok(());
        }
        let mut view = RepositoryState::open(&self.settings, &self.root, state, monitor)?;
        let (release, bytes) = view.release(&installed.mode, &installed.version, &installed.platform)?;
        let documents = view.documents(&release, bytes, DocumentSources { bases: &[], client: None })?;
        InstalledVersion::write_documents(&self.root, &installed.folder, &documents)
    }

    /// Goes back to the previous version, after repairing it if necessary. The version that is left is not offered
    /// again.
    pub fn roll_back(&self, monitor: &Monitor) -> Result<Installed> {
        monitor.begin();
        tell_end(monitor, self.try_roll_back(monitor))
    }

    fn try_roll_back(&self, monitor: &Monitor) -> Result<Installed> {
        let mut session = self.enter("rollback", monitor)?;
        monitor.signal(Signal::RollBack);
        session.current()?;
        if let Some(previous) = &session.state.previous
            && let Err(error) = self.restore_documents(
                &session.state,
                previous,
                &signed_digests(&self.root, &self.settings.scratch),
                monitor,
            )
        {
            monitor.warn(&error);
        }
        let state = session.state.clone();
        let outcome = session.roll_back(VerifyDepth::Full, &|| self.sources(&state, monitor), monitor);
        if let Err(Error::NoPrevious { .. }) = outcome {
            // An earlier run may have been stopped right after the switch.
            session.clean(monitor)?;
        }
        outcome?;
        // The switch is done, so leftovers are not a reason to fail.
        session.clean(monitor).map_or_else(|error| monitor.warn(&error), drop);
        monitor.signal(Signal::Finished);
        session.current().cloned()
    }

    /// Makes the install follow another mode; the next update brings its version.
    pub fn switch_mode(&self, mode: &ModeName, monitor: &Monitor) -> Result<ModeName> {
        let mut session = self.enter("mode switch", monitor)?;
        session.current()?;
        let mut view = RepositoryState::open(&self.settings, &self.root, &session.state, monitor)?;
        let resolved = view.resolve(mode)?;
        view.remember()?;
        session.state.mode = mode.clone();
        session.commit()?;
        Ok(resolved)
    }

    /// Which versions became current, and when; oldest first. Only the last ones are remembered.
    pub fn history(&self, monitor: &Monitor) -> Result<Vec<Change>> {
        Ok(self.state(monitor)?.history)
    }

    /// The state of the install, without network access.
    pub fn status(&self, monitor: &Monitor) -> Result<Status> {
        let state = self.state(monitor)?;
        let staged = std::fs::read_dir(self.root.control("staging"));
        let is_resumable = staged.is_ok_and(|mut entries| entries.next().is_some());
        let missing = |current| install::first_missing(&self.root, current, Need::All, monitor);
        let missing = state.current.as_ref().and_then(missing).map(|path| path.display().to_string());
        Ok(Status {
            downloaded: self.downloaded(&state, monitor),
            directory: self.root.directory().to_owned(),
            install_id: state.install_id,
            mode: state.mode,
            current: state.current,
            previous: state.previous,
            missing,
            trial: state.trial.map(|trial| Trial { open: None, ..trial }),
            bad: state.bad,
            repository: state.repository.iter().map(|place| text::address(place)).collect(),
            is_resumable,
            // Asking takes the lock for a moment, so only if there is reason to.
            busy: is_resumable.then(|| self.root.holder()).flatten(),
            is_integrated: state.integration.is_some(),
            starts_at_login: state.login.is_some(),
        })
    }

    /// Removes the install. Files that we did not put there stay.
    pub fn uninstall(&self, monitor: &Monitor) -> Result<Uninstalled> {
        install::uninstall(&self.root, &self.admission("uninstall"), monitor)
    }

    /// The mode of a new install.
    pub fn mode(&self) -> ModeName {
        self.settings.mode.clone().unwrap_or_else(|| self.settings.defaults.mode.clone())
    }

    fn admission<'a>(&'a self, verb: &'a str) -> Admission<'a> {
        Admission {
            verb,
            protected: &self.settings.protected,
            adopt: self.settings.adopt,
            may_begin: verb == "update",
            mode: Some(self.settings.mode.as_ref().unwrap_or(&self.settings.defaults.mode)),
            trusted_owner: self.settings.trusted_owner,
        }
    }

    /// Opens a session to change an install. Only the verb `update` may create a new install.
    pub fn enter(&self, verb: &str, monitor: &Monitor) -> Result<Session> {
        if verb != "update" && !self.root.is_ours() {
            return Err(Error::NotInstalled { path: self.root.directory().to_owned() });
        }
        Session::enter(&self.root, &self.admission(verb), monitor)
    }

    /// The state of an existing install, repaired if necessary and possible.
    fn state(&self, monitor: &Monitor) -> Result<InstallState> {
        Session::look(&self.root, &self.admission("status"), monitor)
    }

    fn state_or_new(&self, monitor: &Monitor) -> Result<InstallState> {
        match self.state(monitor) {
            Err(Error::NotInstalled { .. }) => Ok(InstallState::begin(self.mode())),
            other => other,
        }
    }
}

/// Moves to the last state of an operation that has failed or was cancelled.
fn tell_end<T>(monitor: &Monitor, outcome: Result<T>) -> Result<T> {
    match &outcome {
        Err(Error::Cancelled) => monitor.signal(Signal::Cancel),
        Err(_) => monitor.signal(Signal::Fail),
        Ok(_) => {}
    }
    outcome
}

/// What an install remembers of signed release documents, to compare the installed ones with. `scratch` is a folder for
/// temporary files.
pub fn signed_digests(root: &InstallRoot, scratch: &Path) -> SignedDigests {
    SignedDigests::new(signed_documents(&root.trust(), scratch))
}

fn current_of<'a>(root: &InstallRoot, state: &'a InstallState) -> Result<&'a Installed> {
    state.current.as_ref().ok_or_else(|| Error::NotInstalled { path: root.directory().to_owned() })
}

/// Keeps the first of several failures, so that the work can continue. Only a cancellation ends it at once.
fn keep_first(first: Option<Error>, outcome: Result<()>) -> Result<Option<Error>> {
    match outcome {
        Err(Error::Cancelled) => Err(Error::Cancelled),
        Err(error) => Ok(Some(first.unwrap_or(error))),
        Ok(()) => Ok(first),
    }
}

/// The error for a catalog that is older than one that this install has seen.
fn went_back(mode: &ModeName, seen: u64, now: u64) -> Error {
    let reason = format!("the catalog is at {now} in mode {mode}, and was at {seen} before");
    Error::trust(TrustKind::Rollback, reason)
}
