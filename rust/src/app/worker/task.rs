//! What each task is in calls of the library.

use std::path::Path;

use super::{Context, Outcome, PlanMade, Task, Wish};
use crate::app::host;
use crate::app::updater::{Defaults, Settings, Status, Updater};
use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::install::launch::{self, LaunchOptions};
use crate::install::{InstallRoot, Prepared};
use crate::local::disk;
use crate::net::http::{HttpOptions, Network};
use crate::net::trust::ClockGuard;

/// Blocks until it is done.
pub(super) fn carry_out(wish: Wish, task: Task, context: &Context) -> Result<Outcome> {
    check_directory(&wish.directory)?;
    if let Task::Launch(arguments) = task {
        let leave = context.leave.clone();
        let options = LaunchOptions { arguments, grace: launch::DEFAULT_GRACE, protected: host::protected(), leave };
        let played = launch::launch(&InstallRoot::at(&wish.directory)?, &options, &context.monitor)?;
        return Ok(Outcome::Played(played));
    }
    step_back();
    if let Task::PlanMode(name) = task {
        return plan_mode(wish, name, context);
    }
    let directory = wish.directory.clone();
    let updater = Updater::new(&directory, settings(wish)?)?;
    let monitor = &context.monitor;
    Ok(match task {
        Task::Check { plan } => check(&updater, plan, context)?,
        Task::Update => {
            let is_first = is_first(&updater, context);
            Outcome::Updated(updater.update_as_planned(monitor, &|plan| context.plan(plan, is_first))?.into())
        }
        Task::Verify => Outcome::Verified(updater.verify(monitor)?),
        Task::Repair => {
            let (found, report) = updater.repair(monitor)?;
            Outcome::Repaired(found, report)
        }
        Task::RollBack => Outcome::RolledBack(updater.roll_back(monitor)?),
        Task::ListModes => Outcome::Modes(updater.modes(monitor)?),
        Task::SwitchMode(name) => Outcome::Switched(updater.switch_mode(&ModeName::new(&name)?, monitor)?),
        Task::Integrate(name) => {
            updater.integrate(&host::desktop(&name, false)?, monitor)?;
            Outcome::Integrated
        }
        Task::Unintegrate => {
            updater.unintegrate(monitor)?;
            Outcome::Unintegrated
        }
        Task::Uninstall => {
            updater.uninstall(monitor)?;
            Outcome::Uninstalled
        }
        Task::ReadStatus => Outcome::Status(status(&updater, context)?.into()),
        Task::Launch(_) | Task::PlanMode(_) => return Err(Error::Cancelled),
    })
}

/// A folder that depends on where the program was started is nobody's wish.
fn check_directory(directory: &Path) -> Result<()> {
    let invalid = |reason: &str| Err(Error::Invalid { what: "install_dir", reason: reason.to_owned() });
    if directory.as_os_str().is_empty() {
        return invalid("no folder is named");
    }
    if directory.is_absolute() { Ok(()) } else { invalid("it must be the whole path of a folder, from its root on") }
}

/// What draws the screen comes first: this thread and all that it starts take what is left of the processor.
#[cfg(target_os = "linux")]
fn step_back() {
    const STEPS: i32 = 10;
    // On Linux this is of one thread. Below what the program itself was given; that it is refused is no reason to stop.
    let ours = rustix::process::getpriority_process(None).unwrap_or(0);
    let _ = rustix::process::setpriority_process(None, ours.saturating_add(STEPS).min(19));
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

fn settings(wish: Wish) -> Result<Settings> {
    let mode = Some(wish.mode).filter(|mode| !mode.is_empty()).map(|mode| ModeName::new(&mode)).transpose()?;
    let network = Network::new(&HttpOptions {
        proxy: Some(wish.proxy).filter(|proxy| !proxy.is_empty()),
        rate_limit_bytes_per_second: wish.rate_limit_bytes_per_second,
        ..HttpOptions::default()
    })?;
    Ok(Settings {
        repository: wish.repository,
        trust_root: wish.trust_root.transpose()?,
        mode,
        defaults: Defaults::default(),
        platform: Platform::current(),
        version: None,
        at_once: false,
        adopt: false,
        discard: false,
        clock_guard: ClockGuard::Keep,
        network,
        caches: host::shared_cache_folder().into_iter().collect(),
        write_cache: None,
        scratch: std::env::temp_dir(),
        protected: host::protected(),
    })
}

fn check(updater: &Updater, plan: bool, context: &Context) -> Result<Outcome> {
    let checked = updater.check(&context.monitor)?;
    context.monitor.cancel.check()?;
    let is_first = checked.current.is_none();
    let mut made = None;
    if plan && checked.available.is_some() {
        match updater.plan(&quiet(context)) {
            Ok(prepared) => made = prepared.map(|prepared| plan_made(&prepared, is_first)),
            // What was found is true all the same; the update will say it again.
            Err(error) => context.monitor.warn(&error),
        }
    }
    context.monitor.cancel.check()?;
    Ok(Outcome::Checked(checked.into(), made))
}

fn plan_mode(wish: Wish, name: String, context: &Context) -> Result<Outcome> {
    let mode = ModeName::new(&name)?;
    let directory = wish.directory.clone();
    let updater = Updater::new(&directory, settings(Wish { mode: name, ..wish })?)?;
    let prepared = updater.plan(&quiet(context))?;
    context.monitor.cancel.check()?;
    let is_first = is_first(&updater, context);
    Ok(Outcome::ModePlanned(mode, prepared.map(|prepared| plan_made(&prepared, is_first))))
}

/// To look ahead is no change of state.
fn quiet(context: &Context) -> crate::event::Monitor {
    crate::event::Monitor { cancel: context.monitor.cancel.clone(), ..crate::event::Monitor::default() }
}

fn is_first(updater: &Updater, context: &Context) -> bool {
    updater.status(&quiet(context)).map_or(true, |status| status.current.is_none())
}

pub(super) fn plan_made(prepared: &Prepared, is_first_install: bool) -> PlanMade {
    PlanMade {
        version: prepared.release().version.to_string(),
        summary: *prepared.summary(),
        sizes: prepared.release().sizes,
        is_first_install,
        free_bytes: free_bytes(prepared.root().directory()),
    }
}

/// Nothing where the system does not say.
fn free_bytes(directory: &Path) -> Option<u64> {
    disk::free_bytes(directory).ok().filter(|free| *free != u64::MAX)
}

/// Where nothing is installed, that is what is known.
fn status(updater: &Updater, context: &Context) -> Result<Status> {
    match updater.status(&context.monitor) {
        Err(Error::NotInstalled { .. }) => Ok(Status {
            directory: updater.root().directory().to_owned(),
            mode: updater.mode(),
            current: None,
            previous: None,
            trial: None,
            bad: Vec::new(),
            repository: Vec::new(),
            is_resumable: false,
            is_integrated: false,
        }),
        other => other,
    }
}
