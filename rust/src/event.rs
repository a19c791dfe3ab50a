//! What long work tells its caller while it runs, and how the caller stops it.
//!
//! The library never prints: it emits [`Event`]s to an [`Observer`]. Observers are called from worker
//! threads and must return at once.

pub mod throughput;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::state::{Signal, State};

/// A part of the work that has a name and an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading an installed tree to learn which chunks it can give.
    ScanSeed,
    /// Reading the directory entries of the new archive.
    ReadLayout,
    /// Getting chunks and writing them to their places.
    Assemble,
    /// Cutting, compressing and storing.
    Make,
    /// Checking content against its ids.
    Verify,
    /// Sending chunks to a server.
    Upload,
    /// Compressing chunks together.
    Bundle,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A phase began.
    Started {
        /// Which.
        phase: Phase,
        /// Plain bytes that it will handle; 0 if not known yet.
        total_bytes: u64,
    },
    /// A phase moved on.
    Advanced {
        /// Which.
        phase: Phase,
        /// Plain bytes done since the last event.
        bytes: u64,
    },
    /// Bytes of chunk bodies arrived from the network or a store.
    Received {
        /// How many, as stored (compressed).
        bytes: u64,
    },
    /// A phase ended.
    Finished {
        /// Which.
        phase: Phase,
    },
    /// The updater is in another state now.
    StateChanged {
        /// Which.
        state: State,
    },
    /// The game was started.
    Launched {
        /// Its version.
        version: String,
        /// The version that was left because it did not start, if one was.
        rolled_back_from: Option<String>,
    },
    /// Something was wrong, and the work goes on without it.
    Warned {
        /// The error's stable code.
        code: &'static str,
        /// The sentence.
        message: String,
    },
}

/// Receives [`Event`]s.
pub trait Observer: Send + Sync {
    /// Called for each event, from any thread. Must not block.
    fn on_event(&self, event: Event);
}

/// An [`Observer`] that hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&self, _event: Event) {}
}

/// Passes on everything but changes of state.
struct WithoutStates(Arc<dyn Observer>);

impl Observer for WithoutStates {
    fn on_event(&self, event: Event) {
        if !matches!(event, Event::StateChanged { .. }) {
            self.0.on_event(event);
        }
    }
}

/// What long work is given: whom to tell, when to stop, how many threads to use.
#[derive(Clone)]
pub struct Monitor {
    /// Hears the events.
    pub observer: Arc<dyn Observer>,
    /// Stops the work.
    pub cancel: Cancel,
    /// Worker threads for hashing, compression and file work; at least 1.
    pub threads: usize,
    /// The state of the operation; clones share it.
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
    /// Tells nobody, uses all cores.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { observer: Arc::new(Silent), cancel: Cancel::default(), threads, state: SharedState::default() }
    }
}

impl Monitor {
    /// Passes an event on.
    pub fn emit(&self, event: Event) {
        self.observer.on_event(event);
    }

    /// Begins an operation: whatever came before it on this monitor, the updater was at rest.
    pub fn begin(&self) {
        *self.state.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Idle;
    }

    /// Takes the updater to the state that this leads to, and tells the observer.
    ///
    /// A signal without meaning in the present state is a mistake of this program: it panics in builds with debug
    /// assertions, and is a warning that changes nothing in others.
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
            self.warn(&Error::Unsupported { what });
        }
    }

    /// The same for work inside other work: it has states of its own, of which nobody is told.
    #[must_use]
    pub fn without_states(&self) -> Self {
        let observer = Arc::new(WithoutStates(Arc::clone(&self.observer)));
        Self { observer, state: SharedState::default(), ..self.clone() }
    }

    /// Says that something was wrong and the work goes on without it.
    pub fn warn(&self, error: &Error) {
        self.emit(Event::Warned { code: error.code(), message: error.to_string() });
    }
}

/// A flag that the caller raises to stop work; all clones share it.
///
/// Work looks at it between chunks, stops, and leaves what it has in a state to go on from.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// [`Error::Cancelled`] once [`Cancel::cancel`] was called.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
