//! Ctrl-C and the other signals that ask a program to end: the first requests a clean stop, a later one exits at once.
//!
//! The end of a session, a closed terminal and `timeout` send several signals in a row. Those that arrive within a
//! second of the first count as the same request.

use std::io::Write;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::event::Cancel;
use crate::install::launch::end::SHELL_BASE;

/// How long further signals belong to the first.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// The number of SIGINT.
const INTERRUPT: i32 = 2;

/// The operation that runs, and when it was first asked to stop.
static RUNNING: Mutex<Option<(Cancel, Option<Instant>)>> = Mutex::new(None);

/// The first signal that the running operation has received; 0 if there was none.
static RECEIVED: AtomicI32 = AtomicI32::new(0);

/// Connects signals to `cancel`. The handler serves all commands that this process runs, one after the other.
pub(crate) fn stop(cancel: &Cancel) {
    static HANDLER: Once = Once::new();
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some((cancel.clone(), None));
    RECEIVED.store(0, Ordering::SeqCst);
    HANDLER.call_once(listen);
}

/// The exit code for the first signal that the running operation has received, as shells compute it; `None` if there
/// was none.
pub(crate) fn exit_code() -> Option<u8> {
    match RECEIVED.load(Ordering::SeqCst) {
        0 => None,
        signal => u8::try_from(SHELL_BASE + signal).ok(),
    }
}

fn received(signal: i32) {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let is_again = match running.as_mut() {
        Some((_, Some(first))) => first.elapsed() >= SAME_REQUEST,
        Some((cancel, first @ None)) => {
            let _ = RECEIVED.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
            *first = Some(Instant::now());
            let _ = std::io::stderr()
                .write_all(b"\nStopping; what is done so far is kept. Ctrl-C again ends it at once.\n");
            cancel.cancel();
            false
        }
        None => true,
    };
    drop(running);
    if is_again {
        std::process::exit(SHELL_BASE + signal);
    }
}

/// If signals cannot be caught, they kill the process; the files on disk survive that too.
#[cfg(unix)]
fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]) else { return };
    debug_assert_eq!(SIGINT, INTERRUPT);
    let waiting = std::thread::Builder::new().name("signals".to_owned());
    let _ = waiting.spawn(move || signals.forever().for_each(received));
}

#[cfg(not(unix))]
fn listen() {
    let _ = ctrlc::set_handler(|| received(INTERRUPT));
}
