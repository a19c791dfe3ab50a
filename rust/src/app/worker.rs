//! Runs one operation of the updater on a thread of its own, for faces that must not block, such as Godot's main
//! thread.
//!
//! ```text
//! Options + work  --->  Worker::start  --->  any number of messages  --->  Message::Done, once and last
//! ```
//!
//! Promises that every worker sends `Done` exactly once, even if its thread panics, and that messages cannot pile up:
//! progress is merged in one place and read on demand. The work is a function of the caller; [`Context`] has the parts
//! that take more than one call of [`Updater`](crate::app::updater::Updater) or [`launch`](crate::install::launch).

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::event::throughput::{Progress, Throughput};
use crate::event::{Cancel, Event, Monitor, Observer};
use crate::formats::release::Sizes;
use crate::local::plan::Summary;
use crate::net::http::RateLimit;

mod hints;
mod players;
mod task;

pub use task::{Context, Planning, is_unasked};

#[cfg(test)]
mod tests;

/// The code of a [`Failure`] that is a bug of the updater.
pub const INTERNAL: &str = "internal";

/// The code of a call that makes no sense now, such as to continue what is not paused. No error of the library has it.
pub const UNAVAILABLE: &str = "unavailable";

/// What the user has configured, unchecked: the worker's thread checks it.
#[derive(Debug, Default)]
pub struct Options {
    /// The install root, an absolute path.
    pub directory: PathBuf,
    /// Empty: the mode that the install follows.
    pub mode: String,
    /// Exactly this version is installed. Empty: the one that is offered.
    pub version: String,
    /// The repository and its mirrors. Empty: those that the install came from.
    pub repository: Vec<String>,
    /// The trusted `root.json`, if one is configured, or why it cannot be read.
    pub trust_root: Option<Result<Vec<u8>>>,
    /// Shared with the owner, who may change it meanwhile.
    pub rate_limit: RateLimit,
    /// Empty: the system's proxy settings.
    pub proxy: String,
    /// Whether the player agreed to tell the publisher how new versions begin.
    pub reports: bool,
}

/// Problems with the configured paths and addresses, one sentence each, for an editor to show before anything runs.
/// `is_trust_root_there` is `None` if no file is configured.
pub fn warnings(directory: &Path, repository: &[String], is_trust_root_there: Option<bool>) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if directory.as_os_str().is_empty() {
        warnings.push("install_dir is empty: set the folder to install the game in.");
    } else if !directory.is_absolute() {
        warnings.push("install_dir must be an absolute path, or start with user://.");
    }
    if repository.is_empty() {
        warnings.push("repository_urls is empty: the first install needs the address of a repository.");
    } else if repository.iter().any(|place| place.trim().is_empty()) {
        warnings.push("repository_urls has an empty entry: remove it, or set it to a URL or a folder.");
    }
    match is_trust_root_there {
        None => warnings.push("trust_root is empty: the first install needs the publisher's root.json."),
        Some(false) => warnings.push("trust_root is set to a file that does not exist."),
        Some(true) => {}
    }
    warnings
}

/// What an update will do, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSummary {
    /// The version that the update leads to.
    pub version: String,
    /// The work.
    pub summary: Summary,
    /// Sizes of the whole version.
    pub sizes: Sizes,
    /// Nothing is installed yet.
    pub is_first_install: bool,
    /// The version is lower than the installed one.
    pub is_downgrade: bool,
    /// Free disk space, in bytes; `None` if unknown.
    pub free_bytes: Option<u64>,
}

impl PlanSummary {
    /// The download size, in bytes: see [`Summary::download_bytes`].
    pub fn download_bytes(&self) -> u64 {
        self.summary.download_bytes(self.sizes)
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable; see `docs/errors.md`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The underlying errors, outermost first.
    pub causes: Vec<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: error.code().to_owned(), message: error.message(), causes: error.causes() }
    }
}

impl Failure {
    fn internal(what: &str) -> Self {
        Self { code: INTERNAL.to_owned(), message: format!("Internal error: {what}"), causes: Vec::new() }
    }

    /// What to do about it, without commands of the command line, and with the name of the node's property if one is
    /// wrong; may be empty.
    pub fn hint(&self) -> &'static str {
        hints::of(self)
    }

    /// What a player reads about it, by the code.
    pub fn player_text(&self) -> &'static str {
        players::text(&self.code)
    }

    /// Whether the owner has configured something wrong, or nothing where it is needed: a fault for a programmer to see.
    pub fn is_of_configuration(&self) -> bool {
        hints::is_of_configuration(self)
    }

    /// Lines to copy into a bug report. `engine` is the host program; the path `home` is replaced by `~`.
    pub fn details(&self, operation: &str, engine: &str, home: Option<&Path>) -> String {
        let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        let version = env!("CARGO_PKG_VERSION");
        let mut lines = vec![format!("{}: {}", self.code, self.message)];
        lines.extend(self.causes.iter().map(|cause| format!("  {cause}")));
        lines.push(format!("operation: {operation}"));
        lines.push(format!("vsekai-updater {version}, {engine}, {system} {processor}"));
        let text = lines.join("\n");
        match home.map(Path::to_string_lossy).filter(|home| home.len() > 1) {
            Some(home) => text.replace(home.trim_end_matches(['/', '\\']), "~"),
            None => text,
        }
    }

    /// Whether the operation was cancelled, which is not a fault.
    pub fn is_cancelled(&self) -> bool {
        self.code == Error::Cancelled.code()
    }
}

/// What a worker sends to its owner.
#[derive(Debug)]
pub enum Message<R> {
    /// The state has changed, the game has started, or there is a warning.
    Event(Event),
    /// An update is about to carry out this plan.
    Planned(PlanSummary),
    /// The work has ended.
    Done(Result<R, Failure>),
}

/// A thread that does one piece of work, whose result is an `R`.
#[derive(Debug)]
pub struct Worker<R> {
    cancel: Cancel,
    leave: Cancel,
    pace: Arc<Mutex<Throughput>>,
    messages: Receiver<Message<R>>,
    thread: Option<JoinHandle<()>>,
    is_done: bool,
}

impl<R: Send + 'static> Worker<R> {
    /// Starts the work. Whatever goes wrong arrives as [`Message::Done`].
    pub fn start(options: Options, work: impl FnOnce(Options, &Context) -> Result<R> + Send + 'static) -> Self {
        let (sender, messages) = mpsc::channel();
        let (cancel, leave, pace) = (Cancel::default(), Cancel::default(), Arc::<Mutex<Throughput>>::default());
        let observer = ChannelObserver { sender: sender.clone(), pace: Arc::clone(&pace) };
        let monitor = Monitor { observer: Arc::new(observer), cancel: cancel.clone(), ..Monitor::default() };
        let plans = sender.clone();
        let announce = Box::new(move |plan| drop(plans.send(Message::Planned(plan))));
        let context = Context { monitor, leave: leave.clone(), announce };
        let done = sender.clone();
        let run = move || {
            // After a panic only the channel is used.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(options, &context)));
            let result = match caught {
                Ok(result) => result.map_err(Failure::from),
                Err(panic) => Err(Failure::internal(panic_message(panic.as_ref()))),
            };
            let _ = done.send(Message::Done(result));
        };
        let thread = std::thread::Builder::new().name("vsekai-updater".to_owned()).spawn(run);
        let thread = thread.map_err(|error| {
            let _ = sender.send(Message::Done(Err(Failure::internal(&format!(
                "no thread can be started: {}",
                crate::text::system_reason(&error)
            )))));
        });
        Self { cancel, leave, pace, messages, thread: thread.ok(), is_done: false }
    }

    /// The messages since the last call; none after [`Message::Done`].
    pub fn messages(&mut self) -> Vec<Message<R>> {
        let mut all = Vec::new();
        while !self.is_done {
            match self.messages.try_recv() {
                Ok(message) => {
                    self.is_done = matches!(message, Message::Done(_));
                    all.push(message);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.is_done = true;
                    all.push(Message::Done(Err(Failure::internal("its thread is gone"))));
                }
            }
        }
        all
    }

    /// The progress, if it has changed since the last call.
    pub fn progress(&self) -> Option<Progress> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).news(Instant::now())
    }

    /// Asks the work to stop; [`Message::Done`] follows when it has. A running game is asked to quit.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether [`Worker::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Asks the work to stop waiting for a game, which keeps running.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Waits until the work has stopped, for at most `longest`. False: it is still running, and is abandoned.
    pub fn join(mut self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        while !self.is_done {
            match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(message) => self.is_done = matches!(message, Message::Done(_)),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => self.is_done = true,
            }
        }
        // The last message has been sent: the thread ends at once.
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

/// Passes events on to the owner of the worker; progress is merged in one place instead.
struct ChannelObserver<R> {
    sender: Sender<Message<R>>,
    pace: Arc<Mutex<Throughput>>,
}

impl<R: Send> Observer for ChannelObserver<R> {
    fn on_event(&self, event: Event) {
        match event {
            Event::StateChanged { .. } | Event::Warned { .. } | Event::Launched { .. } => {
                let _ = self.sender.send(Message::Event(event));
            }
            _ => self.pace.lock().unwrap_or_else(PoisonError::into_inner).note(&event, Instant::now()),
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}
