//! How long operations report their progress, and how the caller stops them.
//!
//! The library never prints: it emits [`Event`]s to an [`Observer`]. Observers are called from worker threads and must
//! return at once.

pub mod throughput;
pub mod whole;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::state::{Signal, State};

/// A stage of an operation, with an amount of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading an installed tree to find the chunks it can supply.
    ScanSeed,
    /// Reading the entries of the new archive.
    ReadLayout,
    /// Acquiring chunks and writing them to their files.
    Assemble,
    /// Chunking, compressing and storing a tree.
    Make,
    /// Checking content against its digests.
    Verify,
    /// Sending chunks to a server.
    Upload,
    /// Compressing chunks together.
    Bundle,
    /// Copying an install to another folder.
    Move,
}

/// Something that happened during an operation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A phase began.
    Started {
        /// The phase that began.
        phase: Phase,
        /// Plain bytes that it will process; 0 if not known yet.
        total_bytes: u64,
    },
    /// A phase progressed.
    Advanced {
        /// The phase that progressed.
        phase: Phase,
        /// Plain bytes done since the last event.
        bytes: u64,
    },
    /// The operation has planned what it will receive.
    Expected {
        /// Size as stored (compressed), in bytes: an estimate.
        bytes: u64,
        /// What earlier runs have spared it.
        earlier_bytes: u64,
    },
    /// Bytes of chunks or bundles arrived from a repository, over the network or from a folder, whether they turn out to
    /// be of use or not.
    Received {
        /// Size as stored (compressed), in bytes.
        bytes: u64,
    },
    /// A phase ended.
    Finished {
        /// The phase that ended.
        phase: Phase,
    },
    /// The updater entered another state.
    StateChanged {
        /// The new state.
        state: State,
    },
    /// The game was started.
    Launched {
        /// Its version, as text.
        version: String,
        /// The version that did not start and was replaced by this one, if any.
        rolled_back_from: Option<String>,
    },
    /// A check of a build before it is published found something.
    Found {
        /// The finding's stable code.
        code: &'static str,
        /// Whether it prevents publishing.
        prevents: bool,
        /// Whether the publisher can allow it.
        can_be_allowed: bool,
        /// The file or folder concerned, if there is one.
        path: Option<String>,
        /// The problem, as a sentence.
        message: String,
        /// How to fix it.
        hint: &'static str,
    },
    /// A problem that does not stop the operation.
    Warned {
        /// The error's stable code, see [`Error::code`].
        code: &'static str,
        /// The error as a sentence, safe to show.
        message: String,
    },
}

/// Receives [`Event`]s.
pub trait Observer: Send + Sync {
    /// Called for each event, from any thread. Must not block.
    fn on_event(&self, event: Event);
}

/// An [`Observer`] that ignores every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&self, _event: Event) {}
}

/// Passes on everything except changes of state.
struct WithoutStates(Arc<dyn Observer>);

impl Observer for WithoutStates {
    fn on_event(&self, event: Event) {
        if !matches!(event, Event::StateChanged { .. }) {
            self.0.on_event(event);
        }
    }
}

/// The context of a long operation: its observer, its cancel flag and its number of threads.
#[derive(Clone)]
pub struct Monitor {
    /// Receives the events.
    pub observer: Arc<dyn Observer>,
    /// Stops the operation.
    pub cancel: Cancel,
    /// Worker threads for hashing, compression and file work; at least 1.
    pub threads: usize,
    /// The updater's state; clones of the monitor share it.
    pub state: SharedState,
}

/// The updater's state during one operation.
#[derive(Debug, Clone, Default)]
pub struct SharedState(Arc<Mutex<State>>);

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Monitor({} threads)", self.threads)
    }
}

impl Default for Monitor {
    /// No observer, all cores.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { observer: Arc::new(Silent), cancel: Cancel::default(), threads, state: SharedState::default() }
    }
}

impl Monitor {
    /// Sends an event to the observer.
    pub fn emit(&self, event: Event) {
        self.observer.on_event(event);
    }

    /// Begins an operation in the state `Idle`, whatever came before it on this monitor.
    pub fn begin(&self) {
        *self.state.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Idle;
    }

    /// Moves the updater to the state that the signal leads to, and tells the observer.
    ///
    /// A signal that the current state does not expect is a bug: it panics in builds with debug assertions, and in
    /// others it is a warning that changes nothing.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        if let Some(next) = before.next(signal) {
            *state = next;
            drop(state);
            self.emit(Event::StateChanged { state: next });
        } else {
            drop(state);
            debug_assert!(false, "{signal:?} means nothing in the state {before:?}");
            let what = format!("{signal:?} in the state {before:?}");
            self.warn(&Error::unsupported(what));
        }
    }

    /// A monitor for an operation inside another one: it has a state of its own, whose changes are not reported.
    #[must_use]
    pub fn without_states(&self) -> Self {
        let observer = Arc::new(WithoutStates(Arc::clone(&self.observer)));
        Self { observer, state: SharedState::default(), ..self.clone() }
    }

    /// Reports a problem that does not stop the operation.
    pub fn warn(&self, error: &Error) {
        self.emit(Event::Warned { code: error.code(), message: error.message_with_causes() });
    }
}

/// A flag that the caller raises to stop an operation; all clones share it.
///
/// Operations check it between chunks. A stopped operation can be resumed from the state that it leaves.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the operation to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns [`Error::Cancelled`] once [`Cancel::cancel`] was called.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
