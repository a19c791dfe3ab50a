//! Does what the updater can do on a thread of its own: for faces that must not wait, such as Godot's main thread.
//!
//! ```text
//! Wish + Task  --->  Worker::start  --->  messages, any number  --->  Message::Done, once and last
//! ```
//!
//! Promises that each worker says `Done` exactly once, even if its thread panics, and that what it tells never piles
//! up: progress is gathered in one place and read when somebody wants it. Does not decide anything: one task, one
//! call of [`Updater`](crate::app::updater::Updater) or [`launch`](crate::install::launch).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::updater::{Checked, ModeInfo, Status, Updated};
use crate::error::{Error, Result};
use crate::event::throughput::{Progress, Throughput};
use crate::event::{Cancel, Event, Monitor, Observer};
use crate::formats::release::{ModeName, Sizes};
use crate::install::launch::Launched;
use crate::install::{Installed, Prepared, Report, Verified};
use crate::local::plan::Summary;

mod task;

#[cfg(test)]
mod tests;

/// The code of a [`Failed`] that is our own fault.
pub const INTERNAL: &str = "internal";

/// What is wanted, as people write it; it is checked on the worker's thread.
#[derive(Debug, Default)]
pub struct Wish {
    /// The install root, absolute.
    pub directory: PathBuf,
    /// Empty: the mode that the install follows.
    pub mode: String,
    /// Mirrors of the repository. Empty: those that the install came from.
    pub repository: Vec<String>,
    /// The trusted `root.json`, if one was named.
    pub trust_root: Option<Result<Vec<u8>>>,
    /// Nothing: as fast as it goes.
    pub rate_limit_bytes_per_second: Option<u64>,
    /// Empty: as the environment says.
    pub proxy: String,
}

/// What is wrong with the places that were named, in a sentence each: for an editor, which warns before anything is
/// tried. `is_trust_root_there` is nothing if no file is named.
pub fn warnings(directory: &Path, repository: &[String], is_trust_root_there: Option<bool>) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if directory.as_os_str().is_empty() {
        warnings.push("install_dir is empty: name the folder that the game is installed in.");
    } else if !directory.is_absolute() {
        warnings.push("install_dir must be the whole path of a folder, or begin with user://.");
    }
    if repository.is_empty() {
        warnings.push("repository_urls is empty: a first install needs to know where the game comes from.");
    } else if repository.iter().any(|place| place.trim().is_empty()) {
        warnings.push("repository_urls has an empty entry: remove it, or name an URL or a folder.");
    }
    match is_trust_root_there {
        None => warnings.push("trust_root is empty: a first install needs the publisher's root.json."),
        Some(false) => warnings.push("trust_root names a file that is not there."),
        Some(true) => {}
    }
    warnings
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Ask the repository; with `plan` also find out what an update would do.
    Check {
        /// Whether to make the plan.
        plan: bool,
    },
    /// Install, update or resume.
    Update,
    /// Read all files.
    Verify,
    /// Read all files and make them whole.
    Repair,
    /// Go back to the version before.
    RollBack,
    /// List the modes.
    ListModes,
    /// Follow this one.
    SwitchMode(String),
    /// Find out what following this one would bring, and change nothing.
    PlanMode(String),
    /// Start the game and wait until it ends.
    Launch(Vec<OsString>),
    /// Register with the desktop, by this name.
    Integrate(String),
    /// Take that back.
    Unintegrate,
    /// Remove the install.
    Uninstall,
    /// What is known without asking anybody.
    ReadStatus,
}

/// What an update will do, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanMade {
    /// To this version.
    pub version: String,
    /// The work.
    pub summary: Summary,
    /// What the version amounts to.
    pub sizes: Sizes,
    /// Nothing is installed yet.
    pub is_first_install: bool,
    /// Room on the disk, in bytes; nothing if that is not known.
    pub free_bytes: Option<u64>,
}

impl PlanMade {
    /// What will be received, in bytes: the plain size, less what compression saved on all of the version.
    pub fn download_bytes(&self) -> u64 {
        if self.summary.fetch_bytes > 0 {
            return self.summary.fetch_bytes;
        }
        let (plain, Sizes { stored_bytes, tree_bytes, .. }) = (self.summary.fetch_plain_bytes, self.sizes);
        if tree_bytes == 0 || stored_bytes >= tree_bytes {
            return plain;
        }
        let share = u128::from(plain) * u128::from(stored_bytes) / u128::from(tree_bytes);
        u64::try_from(share).unwrap_or(plain)
    }
}

/// What a task gives.
#[derive(Debug)]
pub enum Outcome {
    /// Of a check, and the plan if one was wanted and could be made.
    Checked(Box<Checked>, Option<PlanMade>),
    /// Of an update.
    Updated(Box<Updated>),
    /// Of a verification.
    Verified(Verified),
    /// Of a repair: what was found, and the work if there was any.
    Repaired(Verified, Option<Report>),
    /// What is current now.
    RolledBack(Installed),
    /// All modes.
    Modes(Vec<ModeInfo>),
    /// The mode that is followed now.
    Switched(ModeName),
    /// What an update would do if this mode were followed; nothing: there would be nothing to do.
    ModePlanned(ModeName, Option<PlanMade>),
    /// The game has ended.
    Played(Launched),
    /// Registered.
    Integrated,
    /// Not registered any more.
    Unintegrated,
    /// Removed.
    Uninstalled,
    /// What is installed, and whether anything is.
    Status(Box<Status>),
}

/// Why a task was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Stable; see `docs/errors.md`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// The reasons behind it, outermost first.
    pub causes: Vec<String>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(&error);
        while let Some(reason) = cause {
            causes.push(reason.to_string());
            cause = reason.source();
        }
        let hint = error.hint().unwrap_or_default().to_owned();
        Self { code: error.code().to_owned(), message: error.to_string(), hint, causes }
    }
}

impl Failed {
    fn internal(what: &str) -> Self {
        Self {
            code: INTERNAL.to_owned(),
            message: format!("The updater itself failed: {what}"),
            hint: "This is a mistake in the program. Try again; if it stays, report it with the details.".to_owned(),
            causes: Vec::new(),
        }
    }

    /// Some lines to copy into a report. `engine` is the program that this runs in; `home` is not shown.
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

    /// Whether somebody wanted it to stop.
    pub fn is_cancelled(&self) -> bool {
        self.code == Error::Cancelled.code()
    }
}

/// What a worker tells.
#[derive(Debug)]
pub enum Message {
    /// The state changed, the game was started, or something was wrong that does not stop the work.
    Event(Event),
    /// An update begins to do this.
    Planned(PlanMade),
    /// It is over.
    Done(Result<Outcome, Failed>),
}

/// A thread that does one task.
#[derive(Debug)]
pub struct Worker {
    cancel: Cancel,
    leave: Cancel,
    pace: Arc<Mutex<Throughput>>,
    messages: Receiver<Message>,
    thread: Option<JoinHandle<()>>,
    is_done: bool,
}

impl Worker {
    /// Starts it. Whatever is wrong comes as [`Message::Done`].
    pub fn start(wish: Wish, task: Task) -> Self {
        Self::spawn(move |context| task::carry_out(wish, task, context))
    }

    fn spawn(work: impl FnOnce(&Context) -> Result<Outcome> + Send + 'static) -> Self {
        let (sender, messages) = mpsc::channel();
        let (cancel, leave, pace) = (Cancel::default(), Cancel::default(), Arc::<Mutex<Throughput>>::default());
        let teller = Teller { sender: sender.clone(), pace: Arc::clone(&pace) };
        let monitor = Monitor { observer: Arc::new(teller), cancel: cancel.clone(), ..Monitor::default() };
        let context = Context { monitor, leave: leave.clone(), sender: sender.clone() };
        let run = move || {
            let sender = context.sender.clone();
            // Nothing of it is used after a panic but the channel.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&context)));
            let done = match caught {
                Ok(outcome) => outcome.map_err(Failed::from),
                Err(panic) => Err(Failed::internal(words_of(panic.as_ref()))),
            };
            let _ = sender.send(Message::Done(done));
        };
        let thread = std::thread::Builder::new().name("vsekai-updater".to_owned()).spawn(run);
        let thread = thread.map_err(|error| {
            let _ = sender.send(Message::Done(Err(Failed::internal(&format!("no thread can be started: {error}")))));
        });
        Self { cancel, leave, pace, messages, thread: thread.ok(), is_done: false }
    }

    /// What was told since the last call; after [`Message::Done`] nothing more.
    pub fn messages(&mut self) -> Vec<Message> {
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
                    all.push(Message::Done(Err(Failed::internal("its thread is gone"))));
                }
            }
        }
        all
    }

    /// How far it is, if that has changed since the last call.
    pub fn progress(&self) -> Option<Progress> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).news(Instant::now())
    }

    /// Asks it to stop; it says [`Message::Done`] when it has. A game that was started is asked to end.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether [`Worker::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Asks it to stop waiting for a game: that goes on.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Waits until it has stopped, for at most this long. False: it still runs, and is left to itself.
    pub fn join(mut self, longest: Duration) -> bool {
        let end = Instant::now() + longest;
        while !self.is_done {
            match self.messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(message) => self.is_done = matches!(message, Message::Done(_)),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => self.is_done = true,
            }
        }
        // It has said its last word: what is left of the thread is short.
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

/// What a task is given.
struct Context {
    monitor: Monitor,
    leave: Cancel,
    sender: Sender<Message>,
}

impl Context {
    fn plan(&self, prepared: &Prepared, is_first_install: bool) {
        let _ = self.sender.send(Message::Planned(task::plan_made(prepared, is_first_install)));
    }
}

struct Teller {
    sender: Sender<Message>,
    pace: Arc<Mutex<Throughput>>,
}

impl Observer for Teller {
    fn on_event(&self, event: Event) {
        match event {
            Event::StateChanged { .. } | Event::Warned { .. } | Event::Launched { .. } => {
                let _ = self.sender.send(Message::Event(event));
            }
            _ => self.pace.lock().unwrap_or_else(PoisonError::into_inner).note(&event, Instant::now()),
        }
    }
}

/// What a panic says.
fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gives no reason")
}
