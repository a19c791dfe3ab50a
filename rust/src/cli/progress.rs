//! Progress of long operations: a bar on a terminal, lines with `--json`, otherwise nothing.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::event::{Cancel, Event, Monitor, Observer, Phase};
use crate::text;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::arguments::Global;
use crate::cli::output::Output;
use crate::cli::signals;

/// Shortest time between two progress lines.
const INTERVAL: Duration = Duration::from_millis(100);

/// The monitor for this run, with Ctrl-C connected to it.
pub(crate) fn monitor(global: &Global) -> Monitor {
    let cancel = Cancel::default();
    signals::stop(&cancel);
    let mut monitor = Monitor { cancel, ..Monitor::default() };
    if let Some(threads) = global.threads {
        monitor.threads = usize::from(threads);
    }
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    monitor.observer = if global.json {
        Arc::new(Lines::default())
    } else {
        let hidden = global.quiet || global.no_progress || is_dumb || !std::io::stderr().is_terminal();
        Arc::new(Bar::new(hidden, global.quiet))
    };
    monitor
}

struct Bar {
    progress: ProgressBar,
    quiet: bool,
    /// The code of the last finding: one hint is enough for all findings of a code.
    hinted: Mutex<&'static str>,
}

impl Bar {
    fn new(hidden: bool, quiet: bool) -> Self {
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        let progress = ProgressBar::with_draw_target(None, target);
        Self { progress, quiet, hinted: Mutex::new("") }
    }

    fn say(&self, text: &str) {
        self.progress.suspend(|| {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
        });
    }
}

impl Observer for Bar {
    fn on_event(&self, event: Event) {
        match event {
            Event::Started { phase, total_bytes } => {
                let template = if total_bytes == 0 {
                    "{msg:10} {spinner}"
                } else {
                    "{msg:10} {wide_bar} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left"
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    self.progress.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
                }
                self.progress.reset();
                self.progress.set_length(total_bytes);
                self.progress.set_message(name(phase));
            }
            Event::Advanced { bytes, .. } => self.progress.inc(bytes),
            Event::Finished { .. } => self.progress.finish_and_clear(),
            Event::Found { code, prevents, can_be_allowed, message, hint, .. } if prevents || !self.quiet => {
                let allow =
                    if prevents && can_be_allowed { format!(" Or give --allow {code}.") } else { String::new() };
                let last = std::mem::replace(&mut *self.hinted.lock().unwrap_or_else(PoisonError::into_inner), code);
                let hint = if last == code { String::new() } else { format!("\n  {hint}{allow}") };
                let weight = if prevents { "error" } else { "warning" };
                self.say(&format!("{weight}: {} [{code}]{hint}", text::line(&message)));
            }
            Event::Warned { message, .. } if !self.quiet => self.say(&format!("warning: {}", text::line(&message))),
            _ => {}
        }
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::ScanSeed => "Reading",
        Phase::ReadLayout => "Preparing",
        Phase::Assemble => "Writing",
        Phase::Make => "Making",
        Phase::Verify => "Verifying",
        Phase::Upload => "Uploading",
        Phase::Bundle => "Bundling",
    }
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
