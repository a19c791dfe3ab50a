//! Starts the current version, and finds out whether it works.
//!
//! A new version is on trial until it has shown that it works: the game creates the file named by `VSEKAI_READY_FILE`,
//! runs for the grace time, or ends with exit code 0. Each start is counted before it is made. After two starts that
//! showed nothing, the previous version is restored and the new one is not offered again. A damaged previous version is
//! repaired from what is on the disk; if that is not enough, it is used as it is, provided that its program is intact.
//!
//! Only what the version did itself counts against it: a crash, or an exit code that it chose. A start that a person or
//! the system ended does not count (see [`end`]).
//!
//! The game gets the environment of this program without its secrets, see [`LaunchOptions::environment`].
//!
//! Works without network, with expired metadata, and on a read-only disk (then nothing is counted).

pub mod end;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::event::{Cancel, Event, Monitor};
use crate::formats::release::Release;
use crate::install::config::DEFAULT_GRACE;
use crate::install::link::LinkAddress;
use crate::install::{
    self, Admission, End, InstallRoot, InstallState, Installed, InstalledVersion, OpenStart, Outcome, RollbackReason,
    Session, SignedDigests, VerifyDepth, owner, running, whole,
};
use crate::local::disk;
use crate::local::sources::Sources;

/// Starts without a sign of life after which the previous version is restored.
pub const MAX_ATTEMPTS: u32 = 2;

/// Variables of the updater that hold secrets, or addresses that may contain one. A game runs content made by its
/// users, so it must not get them.
pub const SECRETS: [&str; 5] =
    ["VSEKAI_TOKEN", "VSEKAI_HTTP_AUTH", "VSEKAI_HTTP_COOKIE", "VSEKAI_PROXY", "VSEKAI_REPOSITORY"];

/// How often the game is checked while it starts, and while it is asked to end.
const TICK: Duration = Duration::from_millis(50);

/// How long after the game's end to wait for a signal that reached the game before this program.
const HEARSAY: Duration = Duration::from_millis(300);

/// How to start.
#[derive(Debug, Clone)]
pub struct LaunchOptions {
    /// Arguments for the game, after those of the publisher.
    pub arguments: Vec<OsString>,
    /// A link for the game to open. It is the last argument and comes after `--`; Godot leaves arguments after that to
    /// the game.
    pub address: Option<LinkAddress>,
    /// Changes of the game's environment: variables with a new value, or without a value to remove them. [`SECRETS`]
    /// are removed in any case.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// How long a game that does not signal readiness must run to count as started; see [`DEFAULT_GRACE`].
    pub grace: Duration,
    /// Folders that are refused as an install root.
    pub protected: Vec<PathBuf>,
    /// Stops waiting: the game continues without this program. If it has shown nothing by then, the start does not
    /// count.
    pub leave: Cancel,
    /// The signed digests of release documents.
    pub signed: SignedDigests,
    /// Another user whose install this one may start.
    pub trusted_owner: Option<u32>,
    /// Whether the player agreed to tell the publisher how new versions begin: that is then noted in the state.
    pub reports: bool,
}

impl Default for LaunchOptions {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            address: None,
            environment: Vec::new(),
            grace: DEFAULT_GRACE,
            protected: Vec::new(),
            leave: Cancel::default(),
            signed: SignedDigests::default(),
            trusted_owner: None,
            reports: false,
        }
    }
}

/// The outcome of a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Launched {
    /// The version that was started.
    pub version: String,
    /// Its mode.
    pub mode: String,
    /// The version that was rolled back because it did not start, if there was one.
    pub rolled_back_from: Option<String>,
    /// The current version, if this one was started in its place because a part of it is missing. This happens anew at
    /// each start.
    pub instead_of: Option<String>,
    /// Whether the version counts as working.
    pub is_acknowledged: bool,
    /// The game's exit code; `None` if a signal ended it.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended the game, if one did.
    pub signal: Option<i32>,
}

/// Starts the current version and waits until it ends.
///
/// # Errors
/// `not_installed`, `other_owner`, `damaged`, `launch_failed`, `state_malformed`, `state_too_new`; `cancelled` if
/// `leave` was raised while the game was running.
pub fn launch(root: &InstallRoot, options: &LaunchOptions, monitor: &Monitor) -> Result<Launched> {
    let not_installed = || Error::NotInstalled { path: root.directory().to_owned() };
    owner::check(root, options.trusted_owner)?;
    let mut state = Session::look(root, &admission(options), monitor)?;
    let mut rolled_back_from = None;
    let instead_of = whole::ready(root, &mut state, (&admission(options), options), monitor)?;
    if state.trial.is_some() {
        match count_attempt(root, options, monitor) {
            Ok((counted, left)) => (state, rolled_back_from) = (counted, left),
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            // Nothing here is worth keeping the player from the game, so this start is not counted.
            Err(error) => {
                monitor.warn(&error);
                rolled_back_from = roll_back_unwritten(root, &mut state, monitor);
            }
        }
    }
    let current = state.current.clone().ok_or_else(not_installed)?;
    let is_on_trial = state.trial.is_some();
    let start = || {
        let release = options.signed.release(root, &current, monitor)?;
        Started::start(root, &current, &release, options)
    };
    let mut started = match start() {
        Ok(started) => started,
        Err(NotStarted { error, is_of_the_system }) => {
            if is_on_trial {
                let sign = if is_of_the_system { Sign::Stopped } else { Sign::Nothing(None) };
                settle(root, &current, sign, options, monitor);
            }
            return Err(error);
        }
    };
    let version = current.version.to_string();
    monitor.emit(Event::Launched { version, rolled_back_from: rolled_back_from.clone() });
    let sign = started.wait_for_a_sign(options, monitor);
    let settle = || is_on_trial && settle(root, &current, sign, options, monitor);
    let mut is_settled = settle();
    let status = started.wait(options, monitor)?;
    // At the first attempt, another process may have had the lock.
    is_settled = is_settled || settle();
    let is_acknowledged = !is_on_trial || (is_settled && sign == Sign::Shown);
    Ok(Launched {
        version: current.version.to_string(),
        mode: current.mode.to_string(),
        rolled_back_from,
        instead_of,
        is_acknowledged,
        exit_code: status.code(),
        signal: end::signal(status),
    })
}

fn admission(options: &LaunchOptions) -> Admission<'_> {
    Admission {
        verb: "launch",
        protected: &options.protected,
        adopt: false,
        may_begin: false,
        mode: None,
        trusted_owner: options.trusted_owner,
    }
}

fn enter(root: &InstallRoot, options: &LaunchOptions, monitor: &Monitor) -> Result<Session> {
    Session::enter(root, &admission(options), monitor)
}

/// Counts a start, or rolls back if there were enough. Returns the state, and the version that was left.
fn count_attempt(
    root: &InstallRoot,
    options: &LaunchOptions,
    monitor: &Monitor,
) -> Result<(InstallState, Option<String>)> {
    let mut session = enter(root, options, monitor)?;
    if let Some(trial) = &mut session.state.trial
        && trial.open.as_ref().is_some_and(OpenStart::is_abandoned)
    {
        // The process that waited for the outcome was killed, which says nothing about the version.
        trial.attempts = trial.attempts.saturating_sub(1);
    }
    let attempts = session.state.trial.as_ref().map_or(0, |trial| trial.attempts);
    if attempts >= MAX_ATTEMPTS {
        let left = session.state.current.as_ref().map(|current| current.version.to_string());
        // From the disk alone, because a start does not wait for the network. Further damage is left to a repair.
        match session.make_ready(VerifyDepth::Quick, &|| Ok(Sources::default()), monitor) {
            Ok(()) => {
                session.state.roll_back(RollbackReason::DidNotStart);
                // A full disk is not a reason to start a version that does not work, and leftovers do no harm.
                if let Err(error) = session.commit().and_then(|()| session.clean(monitor).map(drop)) {
                    monitor.warn(&error);
                }
                return Ok((session.state.clone(), left));
            }
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            // The previous version would not start either, so try the new one again.
            Err(error) => monitor.warn(&error),
        }
    }
    if let Some(trial) = &mut session.state.trial {
        trial.attempts = attempts.saturating_add(1);
        trial.open = OpenStart::here();
    }
    session.commit()?;
    Ok((session.state.clone(), None))
}

/// Rolls back for this start only, because the root cannot be changed now. Returns the version that was left.
fn roll_back_unwritten(root: &InstallRoot, state: &mut InstallState, monitor: &Monitor) -> Option<String> {
    let has_enough = state.trial.as_ref().is_some_and(|trial| trial.attempts >= MAX_ATTEMPTS);
    let previous = state.previous.as_ref().and_then(|previous| InstalledVersion::read(root, &previous.folder));
    let left = state.current.as_ref().map(|current| current.version.to_string());
    let previous = previous.filter(|_| has_enough)?;
    let is_whole = previous.is_complete();
    if !is_whole && !install::can_start(&previous) {
        return None;
    }
    if !is_whole {
        state.previous.iter().for_each(|previous| install::warn_of(root, &previous.folder, monitor));
    }
    left.filter(|_| state.roll_back(RollbackReason::DidNotStart))
}

/// What the game has shown within its grace time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// The version works.
    Shown,
    /// It ended without showing that it works.
    Nothing(Option<End>),
    /// A person or the system stopped it. This says nothing about the version, so the start does not count.
    Stopped,
}

/// Records what a version on trial has shown, unless another is on trial by now. Returns false if that failed.
fn settle(root: &InstallRoot, current: &Installed, sign: Sign, options: &LaunchOptions, monitor: &Monitor) -> bool {
    let done = enter(root, options, monitor).and_then(|mut session| {
        let Some(trial) = session.state.trial.as_mut().filter(|trial| trial.folder == current.folder) else {
            return Ok(());
        };
        let (open, is_over) = (trial.open.take(), trial.attempts >= MAX_ATTEMPTS);
        match sign {
            Sign::Shown => {
                session.state.acknowledge();
                if options.reports {
                    session.state.note_outcome(current, Outcome::Started);
                }
                session.commit()?;
                session.clean(monitor).map(drop)
            }
            Sign::Stopped => {
                trial.attempts = trial.attempts.saturating_sub(1);
                session.commit()
            }
            // The start was already counted before it was made.
            Sign::Nothing(ended) => {
                let is_known = open.is_none() && trial.ended == ended;
                trial.ended = ended;
                if is_over && options.reports {
                    session.state.note_outcome(current, Outcome::Failed);
                } else if is_known {
                    return Ok(());
                }
                session.commit()
            }
        }
    });
    match done {
        Ok(()) => true,
        // Nothing is lost, because the start was already counted.
        Err(_) if matches!(sign, Sign::Nothing(_)) => false,
        Err(error) => {
            monitor.warn(&error);
            false
        }
    }
}

struct Started {
    child: Child,
    program: PathBuf,
    ready: PathBuf,
    status: Option<ExitStatus>,
    /// Keeps the version's files as long as the game runs: the game inherits this lock.
    _marker: Option<File>,
}

/// The game could not be started.
struct NotStarted {
    error: Error,
    /// Whether any other program would have failed to start in the same way.
    is_of_the_system: bool,
}

impl From<Error> for NotStarted {
    fn from(error: Error) -> Self {
        Self { error, is_of_the_system: false }
    }
}

impl Started {
    fn start(
        root: &InstallRoot,
        current: &Installed,
        release: &Release,
        options: &LaunchOptions,
    ) -> Result<Self, NotStarted> {
        let tree = root.versions(&current.folder);
        let program = release.entry.path.below(&tree);
        let ready = running::ready_file(root);
        let marker = running::mark(root, &current.folder).ok();
        let _ = disk::remove_file(&ready);
        let mut command = command(&program, &tree, release);
        pass_on(options, release, &mut command);
        command.env("VSEKAI_READY_FILE", &ready);
        command.env("VSEKAI_VERSION", release.version.to_string()).env("VSEKAI_MODE", release.mode.as_str());
        command.env("VSEKAI_INSTALL_DIR", root.directory());
        let child = command.spawn().map_err(|e| NotStarted {
            is_of_the_system: end::is_of_the_system(&e),
            error: Error::LaunchFailed { path: program.clone(), source: e },
        })?;
        Ok(Self { child, program, ready, status: None, _marker: marker })
    }

    /// Waits until the game has shown whether it works, or the grace time is over.
    fn wait_for_a_sign(&mut self, options: &LaunchOptions, monitor: &Monitor) -> Sign {
        let begun = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.status = Some(status);
                return self.judge(status, options, monitor);
            }
            if self.ready.exists() || begun.elapsed() >= options.grace {
                return Sign::Shown;
            }
            if monitor.cancel.is_cancelled() || options.leave.is_cancelled() {
                return Sign::Stopped;
            }
            std::thread::sleep(TICK);
        }
    }

    /// Judges the end of the game within its grace time.
    fn judge(&self, status: ExitStatus, options: &LaunchOptions, monitor: &Monitor) -> Sign {
        let is_told = || monitor.cancel.is_cancelled() || options.leave.is_cancelled();
        if self.ready.exists() || (status.success() && !is_told()) {
            return Sign::Shown;
        }
        if end::is_by_others(status) {
            return Sign::Stopped;
        }
        // Ctrl-C reaches the game and this program at the same time, but this program may handle it later.
        let ended = Instant::now();
        while !is_told() && ended.elapsed() < HEARSAY {
            std::thread::sleep(TICK);
        }
        if is_told() {
            Sign::Stopped
        } else {
            Sign::Nothing(Some(End { exit_code: status.code(), signal: end::signal(status) }))
        }
    }

    fn wait(mut self, options: &LaunchOptions, monitor: &Monitor) -> Result<ExitStatus> {
        let mut is_told = false;
        let status = loop {
            if let Some(status) = self.status {
                break status;
            }
            let failed = |e: std::io::Error| Error::LaunchFailed { path: self.program.clone(), source: e };
            self.status = self.child.try_wait().map_err(failed)?;
            if self.status.is_none() {
                options.leave.check()?;
            }
            if monitor.cancel.is_cancelled() && !is_told {
                is_told = true;
                ask_to_end(&mut self.child);
            }
            if self.status.is_none() {
                std::thread::sleep(TICK);
            }
        };
        let _ = disk::remove_file(&self.ready);
        Ok(status)
    }
}

/// Passes the arguments and the environment to the game.
fn pass_on(options: &LaunchOptions, release: &Release, command: &mut Command) {
    command.args(&options.arguments);
    if let Some(address) = &options.address {
        let is_separator = |word: &OsStr| word == "--" || word == "++";
        let mut words = release.entry.arguments.iter().map(OsStr::new);
        if !words.any(is_separator) && !options.arguments.iter().any(|word| is_separator(word)) {
            command.arg("--");
        }
        command.arg(address.as_str());
    }
    for (name, value) in &options.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    for name in SECRETS {
        command.env_remove(name);
    }
}

fn command(program: &Path, tree: &Path, release: &Release) -> Command {
    let mut command = Command::new(program);
    command.args(&release.entry.arguments).current_dir(tree);
    command
}

#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    let _ = child.kill();
}
