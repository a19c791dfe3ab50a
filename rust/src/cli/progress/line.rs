//! The line on a terminal: `[3/4] Downloading  45% ██████▍        16.2 MB of 36.0 MB, 3.0 MB/s, 7 s left`.
//!
//! There is one line at a time. Whatever is printed elsewhere takes it away first.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::event::{Event, Observer, Phase};
use crate::state::State;
use crate::text;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::arguments::Global;
use crate::cli::style;

use super::numbers::{Step, numbers};

/// The line of the command that runs.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// What the running update is going to download, in bytes; 0 if unknown.
static EXPECTED: Mutex<u64> = Mutex::new(0);

/// The steps of an update, in their order.
const STEPS: [(State, &str); 4] = [
    (State::Checking, "Checking"),
    (State::PreparingUpdate, "Preparing"),
    (State::DownloadingUpdate, "Downloading"),
    (State::ApplyingUpdate, "Installing"),
];

/// The line while the amount of work is not known, and when it is.
const NO_AMOUNT: &str = "{prefix} {spinner}";
const AMOUNT: &str = "{prefix} {percent:>3}% {bar:14} {wide_msg}";

/// Takes the line away, because something else is printed.
pub(crate) fn clear() {
    if let Some(progress) = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        progress.finish_and_clear();
    }
}

/// Says how much the update is going to download.
pub(crate) fn expect(download_bytes: u64) {
    *EXPECTED.lock().unwrap_or_else(PoisonError::into_inner) = download_bytes;
}

pub(super) struct Bar {
    progress: ProgressBar,
    quiet: bool,
    verbose: bool,
    has_steps: bool,
    state: Mutex<Step>,
    timed: Mutex<Timed>,
    /// The code of the last finding: one hint is enough for all findings of a code.
    hinted: Mutex<&'static str>,
}

impl Bar {
    pub(super) fn new(global: &Global, has_steps: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let hidden = global.quiet || global.no_progress || is_dumb || !std::io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        let progress = ProgressBar::with_draw_target(None, target);
        set_template(&progress, NO_AMOUNT);
        expect(0);
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.clone());
        Self {
            progress,
            quiet: global.quiet,
            verbose: global.verbose,
            has_steps,
            state: Mutex::default(),
            timed: Mutex::default(),
            hinted: Mutex::new(""),
        }
    }

    fn say(&self, text: &str) {
        self.progress.suspend(|| style::say(text));
    }

    /// A step begins. Those of an update have a number.
    fn begin(&self, label: &'static str, number: Option<usize>, is_download: bool) {
        self.time(Some(label));
        let mut step = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if step.label == label {
            return;
        }
        *step = Step { label, is_download, ..Step::default() };
        let head = number.map_or_else(|| label.to_owned(), |number| format!("[{number}/{}] {label}", STEPS.len()));
        // Otherwise the bytes of the last step would stand beside 0 % until the next drawing.
        set_template(&self.progress, NO_AMOUNT);
        self.progress.reset();
        self.progress.set_prefix(head);
        self.draw(&mut step, Instant::now());
        drop(step);
        if !self.progress.is_hidden() {
            self.progress.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// This step runs from now on, or none. Says how long the one before it has taken, to those who want to know more.
    fn time(&self, label: Option<&'static str>) {
        let ended = self.timed.lock().unwrap_or_else(PoisonError::into_inner).go_on(label, Instant::now());
        if let Some(line) = ended.filter(|_| self.verbose) {
            self.say(&line);
        }
    }

    fn state_changed(&self, state: State) {
        if let Some(at) = STEPS.iter().position(|(step, _)| *step == state) {
            let number = self.has_steps.then_some(at + 1);
            self.begin(STEPS[at].1, number, state == State::DownloadingUpdate);
        } else {
            self.time(None);
        }
    }

    fn phase_started(&self, phase: Phase, total_bytes: u64) {
        // The steps of an update say what their phases are for.
        if !self.has_steps {
            self.begin(name(phase), None, phase == Phase::Upload);
        }
        let expected = *EXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        step.is_download = self.has_steps && phase == Phase::Assemble && expected > 0;
        step.done_bytes = 0;
        let total_bytes = if step.is_download { expected } else { total_bytes };
        step.total_bytes = total_bytes;
        step.throughput.note(&Event::Started { phase, total_bytes }, Instant::now());
        self.draw(&mut step, Instant::now());
    }

    fn advanced(&self, phase: Phase, bytes: u64, is_received: bool) {
        let mut step = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if step.is_download != is_received {
            return;
        }
        step.done_bytes = step.done_bytes.saturating_add(bytes);
        let now = Instant::now();
        step.throughput.note(&Event::Advanced { phase, bytes }, now);
        self.draw(&mut step, now);
    }

    fn draw(&self, step: &mut Step, now: Instant) {
        set_template(&self.progress, if step.total_bytes == 0 { NO_AMOUNT } else { AMOUNT });
        if step.total_bytes > 0 {
            // An estimate may be too small: the line says 99 % until the step is over.
            let most =
                if step.is_download { step.total_bytes - step.total_bytes.div_ceil(100) } else { step.total_bytes };
            self.progress.set_length(step.total_bytes);
            self.progress.set_position(step.done_bytes.min(most));
            self.progress.set_message(numbers(step, now));
        }
    }

    fn found(&self, finding: &Finding<'_>) {
        let Finding { code, prevents, can_be_allowed, message, hint } = *finding;
        let allow = if prevents && can_be_allowed { format!(" Or give --allow {code}.") } else { String::new() };
        let last = std::mem::replace(&mut *self.hinted.lock().unwrap_or_else(PoisonError::into_inner), code);
        let hint = if last == code { String::new() } else { format!("\n  {hint}{allow}") };
        let weight = if prevents { "error" } else { "warning" };
        self.say(&format!("{weight}: {} [{code}]{hint}", text::line(message)));
    }
}

/// The step that runs, and since when.
#[derive(Default)]
struct Timed(Option<(&'static str, Instant)>);

impl Timed {
    /// Another step runs, or none. Returns what is said of the one that has ended.
    fn go_on(&mut self, label: Option<&'static str>, now: Instant) -> Option<String> {
        if self.0.map(|(running, _)| running) == label {
            return None;
        }
        let (ended, began) = std::mem::replace(&mut self.0, label.map(|label| (label, now)))?;
        Some(format!("{:7.1} s  {ended}", now.duration_since(began).as_secs_f64()))
    }
}

fn set_template(progress: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        progress.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
}

#[derive(Clone, Copy)]
struct Finding<'a> {
    code: &'static str,
    prevents: bool,
    can_be_allowed: bool,
    message: &'a str,
    hint: &'static str,
}

impl Observer for Bar {
    fn on_event(&self, event: Event) {
        match event {
            Event::StateChanged { state } => self.state_changed(state),
            Event::Started { phase, total_bytes } => self.phase_started(phase, total_bytes),
            Event::Advanced { phase, bytes } => self.advanced(phase, bytes, false),
            Event::Received { bytes, .. } => self.advanced(Phase::Assemble, bytes, true),
            // The next step of an update follows at once.
            Event::Finished { .. } if !self.has_steps => {
                self.time(None);
                self.progress.finish_and_clear();
            }
            // The terminal is the game's.
            Event::Launched { version, rolled_back_from } => {
                self.progress.finish_and_clear();
                if let Some(left) = rolled_back_from.filter(|_| !self.quiet) {
                    self.say(&format!("{left} failed to start twice, so {version} is started instead."));
                }
            }
            Event::Found { code, prevents, can_be_allowed, message, hint, .. } if prevents || !self.quiet => {
                self.found(&Finding { code, prevents, can_be_allowed, message: &message, hint });
            }
            Event::Warned { message, .. } if !self.quiet => self.say(&format!("warning: {}", text::line(&message))),
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.time(None);
        self.progress.finish_and_clear();
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
        Phase::Move => "Moving",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_with_the_time_that_each_has_taken() {
        let (begin, mut timed) = (Instant::now(), Timed::default());
        let mut at = |seconds, label| timed.go_on(label, begin + Duration::from_secs(seconds));
        assert_eq!(at(0, Some("Checking")), None);
        assert_eq!(at(2, Some("Checking")), None);
        assert_eq!(at(3, Some("Downloading")), Some("    3.0 s  Checking".to_owned()));
        assert_eq!(at(10, None), Some("    7.0 s  Downloading".to_owned()));
        assert_eq!(at(20, None), None);
    }
}
