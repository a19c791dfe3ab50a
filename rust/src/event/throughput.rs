//! Progress, rate and remaining time of a phase, computed from its events, for user interfaces.
//!
//! The numbers do not jump: the rate is an average over the last seconds, and there is no estimate until there is
//! enough data. Pure: the caller passes the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Event;

/// The rate is averaged over this time.
const WINDOW: Duration = Duration::from_secs(3);

/// Shortest time between two samples.
const SPACING: Duration = Duration::from_millis(100);

/// Shortest time over which a rate is meaningful.
const SHORTEST: Duration = Duration::from_millis(250);

/// Progress of the current phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Plain bytes done; never more than `total_bytes`.
    pub done_bytes: u64,
    /// Plain bytes of the whole phase.
    pub total_bytes: u64,
    /// Average over the last seconds; 0 while unknown.
    pub bytes_per_second: f64,
    /// Estimated from the rate; `None` while that is unknown.
    pub seconds_left: Option<f64>,
}

/// Measures the progress of one phase after another from their events.
#[derive(Debug, Default)]
pub struct Throughput {
    total_bytes: u64,
    done_bytes: u64,
    samples: VecDeque<(Instant, u64)>,
    is_news: bool,
}

impl Throughput {
    /// Records an event. Events without progress change nothing.
    pub fn note(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Started { total_bytes, .. } => {
                *self = Self { total_bytes: *total_bytes, is_news: true, ..Self::default() };
                self.samples.push_back((now, 0));
            }
            Event::Advanced { bytes, .. } => {
                // A chunk that comes twice, because the first copy was bad, is not progress.
                let most = if self.total_bytes == 0 { u64::MAX } else { self.total_bytes };
                self.done_bytes = self.done_bytes.saturating_add(*bytes).min(most);
                self.is_news = true;
                if self.samples.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= SPACING) {
                    self.samples.push_back((now, self.done_bytes));
                }
                // Keeps one sample from before the window, so that the rate covers all of it.
                while self.samples.get(1).is_some_and(|(time, _)| now.saturating_duration_since(*time) >= WINDOW) {
                    self.samples.pop_front();
                }
            }
            _ => {}
        }
    }

    /// The progress, if it has changed since the last call and the phase has an amount.
    pub fn news(&mut self, now: Instant) -> Option<Progress> {
        let is_news = std::mem::take(&mut self.is_news) && self.total_bytes > 0;
        is_news.then(|| self.progress(now))
    }

    fn progress(&self, now: Instant) -> Progress {
        let done_bytes = self.done_bytes.min(self.total_bytes);
        let rate = self.rate(now);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds_left = (rate > 0.0).then(|| (self.total_bytes - done_bytes) as f64 / rate);
        Progress { done_bytes, total_bytes: self.total_bytes, bytes_per_second: rate, seconds_left }
    }

    fn rate(&self, now: Instant) -> f64 {
        let Some((since, before)) = self.samples.front() else { return 0.0 };
        let time = now.saturating_duration_since(*since);
        if time < SHORTEST {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bytes = self.done_bytes.saturating_sub(*before) as f64;
        bytes / time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    const PHASE: Phase = Phase::Assemble;

    fn after(begun: Instant, millis: u64) -> Instant {
        begun + Duration::from_millis(millis)
    }

    #[test]
    fn a_steady_pace_is_told_as_it_is() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        pace.note(&Event::Started { phase: PHASE, total_bytes: 10_000 }, begun);
        for step in 1..=50 {
            pace.note(&Event::Advanced { phase: PHASE, bytes: 100 }, after(begun, step * 100));
        }
        let progress = pace.news(after(begun, 5_000)).unwrap();
        assert_eq!((progress.done_bytes, progress.total_bytes), (5_000, 10_000));
        assert!((progress.bytes_per_second - 1_000.0).abs() < 1.0, "{progress:?}");
        assert!((progress.seconds_left.unwrap() - 5.0).abs() < 0.01, "{progress:?}");
        assert_eq!(pace.news(after(begun, 5_001)), None, "nothing happened since");
    }

    #[test]
    fn what_stands_still_slows_down_and_is_forgotten() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        pace.note(&Event::Started { phase: PHASE, total_bytes: 1_000_000 }, begun);
        pace.note(&Event::Advanced { phase: PHASE, bytes: 500_000 }, after(begun, 1_000));
        for step in 0..40 {
            pace.note(&Event::Advanced { phase: PHASE, bytes: 1 }, after(begun, 1_100 + step * 100));
        }
        let slow = pace.news(after(begun, 5_000)).unwrap();
        assert!(slow.bytes_per_second < 20.0, "{slow:?}");
    }

    #[test]
    fn nothing_is_estimated_from_nothing() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        assert_eq!(pace.news(begun), None);
        pace.note(&Event::Started { phase: PHASE, total_bytes: 0 }, begun);
        assert_eq!(pace.news(begun), None, "a phase without an amount");
        pace.note(&Event::Started { phase: PHASE, total_bytes: 10 }, begun);
        pace.note(&Event::Advanced { phase: PHASE, bytes: 25 }, after(begun, 1));
        let early = pace.news(after(begun, 1)).unwrap();
        assert_eq!((early.done_bytes, early.seconds_left), (10, None), "more than there is, too soon to tell");
    }
}
