//! The parts of an operation that take more than one call of the library.

use std::ffi::OsString;
use std::path::Path;

use super::{Options, PlanSummary};
use crate::app::host;
use crate::app::updater::{Checked, Defaults, Settings, Status, Updated, Updater, signed_digests};
use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::release::ModeName;
use crate::install::launch::{self, LaunchOptions, Launched};
use crate::install::{InstallRoot, Prepared};
use crate::local::disk;
use crate::net::http::{HttpOptions, Network};

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

    /// Asks the repository for a newer version; with `plan`, also finds out what updating to it would do.
    pub fn check(&self, options: Options, plan: bool) -> Result<(Checked, Option<PlanSummary>)> {
        let updater = self.updater(options)?;
        let checked = updater.check(&self.monitor)?;
        self.monitor.cancel.check()?;
        let is_first = checked.current.is_none();
        let mut summary = None;
        if plan && checked.available.is_some() {
            match updater.plan(&self.silent()) {
                Ok(prepared) => summary = prepared.map(|prepared| summarize(&prepared, is_first)),
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
        let is_first = self.is_first(&updater);
        updater.update_as_planned(&self.monitor, &|prepared| (self.announce)(summarize(prepared, is_first)))
    }

    /// What an update would do if the install followed this mode; no plan if there would be nothing to do.
    pub fn plan_mode(&self, options: Options, name: String) -> Result<(ModeName, Option<PlanSummary>)> {
        check_directory(&options.directory)?;
        let mode = ModeName::new(&name)?;
        let updater = self.updater(Options { mode: name, ..options })?;
        let prepared = updater.plan(&self.silent())?;
        self.monitor.cancel.check()?;
        let is_first = self.is_first(&updater);
        Ok((mode, prepared.map(|prepared| summarize(&prepared, is_first))))
    }

    /// The status of an install; a folder without an install has a status, too.
    pub fn status(&self, options: Options) -> Result<Status> {
        let updater = self.updater(options)?;
        match updater.status(&self.monitor) {
            Err(Error::NotInstalled { .. }) => Ok(Status {
                directory: updater.root().directory().to_owned(),
                mode: updater.mode(),
                current: None,
                previous: None,
                missing: None,
                trial: None,
                bad: Vec::new(),
                repository: Vec::new(),
                is_resumable: false,
                is_integrated: false,
            }),
            other => other,
        }
    }

    /// Starts the game and waits until it has ended.
    pub fn launch(&self, options: &Options, arguments: Vec<OsString>) -> Result<Launched> {
        check_directory(&options.directory)?;
        let leave = self.leave.clone();
        let root = InstallRoot::at(&options.directory)?;
        let options = LaunchOptions {
            arguments,
            environment: host::game_environment(),
            protected: host::protected(),
            leave,
            signed: signed_digests(&root, &std::env::temp_dir()),
            ..LaunchOptions::default()
        };
        launch::launch(&root, &options, &self.monitor)
    }

    /// Looking ahead must not change the state that the owner sees.
    fn silent(&self) -> Monitor {
        Monitor { cancel: self.monitor.cancel.clone(), ..Monitor::default() }
    }

    fn is_first(&self, updater: &Updater) -> bool {
        updater.status(&self.silent()).map_or(true, |status| status.current.is_none())
    }
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
    let network = Network::new(&HttpOptions {
        proxy: Some(options.proxy).filter(|proxy| !proxy.is_empty()),
        rate_limit_bytes_per_second: options.rate_limit_bytes_per_second,
        ..HttpOptions::default()
    })?;
    let (repository, trust_root) = host::built_in();
    let trust_root = Some(trust_root.to_owned()).filter(|root| !root.is_empty());
    Ok(Settings {
        defaults: Defaults { repository, trust_root, ..Defaults::default() },
        repository: options.repository,
        trust_root: options.trust_root.transpose()?,
        mode,
        caches: host::shared_cache_folder().into_iter().collect(),
        protected: host::protected(),
        ..Settings::new(network)
    })
}

fn summarize(prepared: &Prepared, is_first_install: bool) -> PlanSummary {
    PlanSummary {
        version: prepared.release().version.to_string(),
        summary: *prepared.summary(),
        sizes: prepared.release().sizes,
        is_first_install,
        free_bytes: free_bytes(prepared.root().directory()),
    }
}

/// `None` where the system does not say.
fn free_bytes(directory: &Path) -> Option<u64> {
    disk::free_bytes(directory).ok().filter(|free| *free != u64::MAX)
}
