//! The parts of an operation that take more than one call of the library.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::{Options, PlanSummary};
use crate::app::host;
use crate::app::updater::{Checked, Defaults, Settings, Status, Updated, Updater, signed_digests};
use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::release::{ModeName, Why};
use crate::install::launch::{self, LaunchOptions, Launched};
use crate::install::link::LinkAddress;
use crate::install::{InstallRoot, Prepared};
use crate::local::disk;
use crate::net::http::{HttpOptions, Network};
use crate::version::Version;

/// Whether a check also plans the update that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planning {
    /// Somebody is asked about every update.
    Always,
    /// Updates come by themselves: somebody is only asked where they may not, see [`is_unasked`].
    IfAsked,
    /// Nobody is asked about anything.
    Never,
}

impl Planning {
    fn is_wanted(self, checked: &Checked) -> bool {
        match self {
            Self::Always => true,
            Self::IfAsked => !is_unasked(checked),
            Self::Never => false,
        }
    }
}

/// Whether what a check has found may be installed without a question: it replaces an installed version by a higher
/// one, by one for a version that was withdrawn, or by the same one. A first install, also after an uninstall or in
/// another folder, and a lower version of another mode are somebody's decision.
pub fn is_unasked(checked: &Checked) -> bool {
    match (&checked.current, &checked.available) {
        (Some(current), Some(found)) => found.why == Why::Recalled || found.version >= current.version,
        _ => false,
    }
}

/// Given to the work of a [`Worker`](super::Worker), on its thread.
pub struct Context {
    /// Carries events to the owner of the worker, and the request to stop.
    pub monitor: Monitor,
    pub(super) leave: Cancel,
    pub(super) announce: Box<dyn Fn(PlanSummary) + Send>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    /// The updater of these options. Lowers the priority of this thread.
    pub fn updater(&self, options: Options) -> Result<Updater> {
        check_directory(&options.directory)?;
        lower_priority();
        let directory = options.directory.clone();
        Updater::new(&directory, settings(options)?)
    }

    /// Asks the repository for a newer version, and finds out what updating to it would do, if that is wanted.
    pub fn check(&self, options: Options, planning: Planning) -> Result<(Checked, Option<PlanSummary>)> {
        let updater = self.updater(options)?;
        let checked = updater.check(&self.monitor)?;
        self.monitor.cancel.check()?;
        let now = checked.current.as_ref().map(|current| &current.version);
        let mut summary = None;
        if checked.available.is_some() && planning.is_wanted(&checked) {
            match updater.plan(&self.silent()) {
                Ok(prepared) => summary = prepared.map(|prepared| summarize(&prepared, now)),
                // The result of the check is valid anyway; the update will fail in the same way.
                Err(error) => self.monitor.warn(&error),
            }
        }
        self.monitor.cancel.check()?;
        Ok((checked, summary))
    }

    /// Installs, updates or resumes. The plan is sent to the owner of the worker before it is carried out.
    pub fn update(&self, options: Options) -> Result<Updated> {
        let updater = self.updater(options)?;
        let now = self.installed(&updater);
        updater.update_as_planned(&self.monitor, &|prepared| (self.announce)(summarize(prepared, now.as_ref())))
    }

    /// What an update would do if the install followed this mode; no plan if there would be nothing to do.
    pub fn plan_mode(&self, options: Options, name: String) -> Result<(ModeName, Option<PlanSummary>)> {
        check_directory(&options.directory)?;
        let mode = ModeName::new(&name)?;
        let updater = self.updater(Options { mode: name, ..options })?;
        let prepared = updater.plan(&self.silent())?;
        self.monitor.cancel.check()?;
        let now = self.installed(&updater);
        Ok((mode, prepared.map(|prepared| summarize(&prepared, now.as_ref()))))
    }

    /// The status of an install; a folder without an install has a status, too.
    pub fn status(&self, options: Options) -> Result<Status> {
        let updater = self.updater(options)?;
        match updater.status(&self.monitor) {
            Err(Error::NotInstalled { .. }) => Ok(Status {
                directory: updater.root().directory().to_owned(),
                install_id: String::new(),
                mode: updater.mode(),
                current: None,
                previous: None,
                missing: None,
                trial: None,
                bad: Vec::new(),
                repository: Vec::new(),
                is_resumable: false,
                busy: None,
                is_integrated: false,
                starts_at_login: false,
                downloaded: None,
            }),
            other => other,
        }
    }

    /// Starts the game and waits until it has ended. Then a thread of its own tells the publisher how a new version began,
    /// if the player agreed: nobody waits for that.
    pub fn launch(&self, options: Options, arguments: Vec<OsString>, address: Option<LinkAddress>) -> Result<Launched> {
        check_directory(&options.directory)?;
        let leave = self.leave.clone();
        let root = InstallRoot::at(&options.directory)?;
        let how = LaunchOptions {
            arguments,
            address,
            environment: host::game_environment(),
            protected: host::protected(),
            leave,
            signed: signed_digests(&root, &std::env::temp_dir()),
            reports: options.reports,
            ..LaunchOptions::default()
        };
        let launched = launch::launch(&root, &how, &self.monitor);
        if options.reports && !matches!(launched, Err(Error::Cancelled)) {
            // Whether that works is nobody's concern.
            let _ = self.updater(options).and_then(report);
        }
        launched
    }

    /// For work that must not change the state that the owner sees, such as looking ahead.
    pub fn silent(&self) -> Monitor {
        Monitor { cancel: self.monitor.cancel.clone(), ..Monitor::default() }
    }

    /// The installed version.
    fn installed(&self, updater: &Updater) -> Option<Version> {
        updater.status(&self.silent()).ok()?.current.map(|current| current.version)
    }
}

/// How long the thread that sends reports may live. Nobody waits for it.
const LONGEST_REPORT: Duration = Duration::from_mins(1);

/// Takes the reports that wait before anything else can want the lock, and sends them in the background.
fn report(updater: Updater) -> Result<()> {
    let reports = updater.take_reports()?;
    if !reports.is_empty() {
        let send = move || drop(updater.send_reports(&reports, LONGEST_REPORT));
        let _ = std::thread::Builder::new().name("vsekai-reports".to_owned()).spawn(send);
    }
    Ok(())
}

/// A relative path would depend on where the program was started.
fn check_directory(directory: &Path) -> Result<()> {
    let invalid = |reason: &str| Err(Error::invalid("install_dir", reason.to_owned()));
    if directory.as_os_str().is_empty() {
        return invalid("no folder is set");
    }
    if directory.is_absolute() { Ok(()) } else { invalid("the path must be absolute") }
}

/// Keeps this thread and those that it starts from starving rendering.
#[cfg(target_os = "linux")]
fn lower_priority() {
    const STEPS: i32 = 10;
    // On Linux the priority belongs to the thread. Lower than that of the program; being refused does no harm.
    let ours = rustix::process::getpriority_process(None).unwrap_or(0);
    let _ = rustix::process::setpriority_process(None, ours.saturating_add(STEPS).min(19));
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

fn settings(options: Options) -> Result<Settings> {
    let mode = Some(options.mode).filter(|mode| !mode.is_empty()).map(|mode| ModeName::new(&mode)).transpose()?;
    let version = Some(options.version).filter(|version| !version.is_empty());
    let network = Network::new(&HttpOptions {
        proxy: Some(options.proxy).filter(|proxy| !proxy.is_empty()),
        no_proxy: host::no_proxy(),
        rate_limit: options.rate_limit,
        ..HttpOptions::default()
    })?;
    let (repository, trust_root) = host::built_in();
    let trust_root = Some(trust_root.to_owned()).filter(|root| !root.is_empty());
    Ok(Settings {
        defaults: Defaults { repository, trust_root, ..Defaults::default() },
        repository: options.repository,
        trust_root: options.trust_root.transpose()?,
        mode,
        version: version.map(|version| Version::parse(&version)).transpose()?,
        caches: host::shared_cache_folder().into_iter().collect(),
        protected: host::protected(),
        ..Settings::new(network)
    })
}

fn summarize(prepared: &Prepared, installed: Option<&Version>) -> PlanSummary {
    let version = &prepared.release().version;
    PlanSummary {
        version: version.to_string(),
        summary: *prepared.summary(),
        sizes: prepared.release().sizes,
        is_first_install: installed.is_none(),
        is_downgrade: installed.is_some_and(|installed| version < installed),
        free_bytes: free_bytes(prepared.root().directory()),
    }
}

/// `None` where the system does not say.
fn free_bytes(directory: &Path) -> Option<u64> {
    disk::free_bytes(directory).ok().filter(|free| *free != u64::MAX)
}
