//! Progress of long operations: a line on a terminal, lines with `--json`, otherwise nothing.

mod line;
mod numbers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::event::{Cancel, Event, Monitor, Observer, Phase};
use serde::Serialize;

use crate::cli::arguments::Global;
use crate::cli::output::Output;
use crate::cli::signals;

use line::Bar;
pub(crate) use line::{clear, expect};

/// Shortest time between two progress lines.
const INTERVAL: Duration = Duration::from_millis(100);

/// The monitor for this run, with Ctrl-C connected to it. `has_steps` is set for an update, whose steps are known.
pub(crate) fn monitor(global: &Global, has_steps: bool) -> Monitor {
    let cancel = Cancel::default();
    signals::stop(&cancel);
    let mut monitor = Monitor { cancel, ..Monitor::default() };
    if let Some(threads) = global.threads {
        monitor.threads = usize::from(threads);
    }
    monitor.observer = if global.json { Arc::new(Lines::default()) } else { Arc::new(Bar::new(global, has_steps)) };
    monitor
}

/// Prints one JSON object per line. Sums up progress, so that a fast disk does not flood the reader.
#[derive(Default)]
struct Lines {
    state: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    phase: Option<Phase>,
    total_bytes: u64,
    done_bytes: u64,
    received_bytes: u64,
    told: Option<Instant>,
}

#[derive(Serialize)]
struct ProgressLine {
    event: &'static str,
    phase: Option<Phase>,
    done_bytes: u64,
    total_bytes: u64,
    received_bytes: u64,
}

impl Observer for Lines {
    fn on_event(&self, event: Event) {
        let mut tally = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { phase, total_bytes } => {
                *tally =
                    Tally { phase: Some(phase), total_bytes, received_bytes: tally.received_bytes, ..Tally::default() };
                Output::json_line(&event);
            }
            Event::Advanced { bytes, .. } => tally.done_bytes += bytes,
            Event::Received { bytes } => tally.received_bytes += bytes,
            _ => Output::json_line(&event),
        }
        if tally.told.is_none_or(|told| told.elapsed() >= INTERVAL) && tally.phase.is_some() {
            tally.told = Some(Instant::now());
            Output::json_line(&ProgressLine {
                event: "progress",
                phase: tally.phase,
                // Chunks that are read again because they were damaged do not count twice.
                done_bytes: if tally.total_bytes == 0 {
                    tally.done_bytes
                } else {
                    tally.done_bytes.min(tally.total_bytes)
                },
                total_bytes: tally.total_bytes,
                received_bytes: tally.received_bytes,
            });
        }
    }
}
