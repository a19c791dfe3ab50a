//! Progress, rate and remaining time of a phase, computed from its events, for user interfaces.
//!
//! While something is downloaded, rate and time are those of the line; otherwise those of the content. The numbers do
//! not jump: the rate is an average over the last seconds, and there is no estimate until there is enough data. Pure:
//! the caller passes the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Event, Phase};

/// The rate is averaged over this time.
const WINDOW: Duration = Duration::from_secs(3);

/// Shortest time between two samples.
const SPACING: Duration = Duration::from_millis(100);

/// Shortest time over which a rate is meaningful.
const SHORTEST: Duration = Duration::from_millis(250);

/// A line that stands still is news, too.
const SILENCE: Duration = Duration::from_secs(1);

/// A download may be larger than its estimate by this part of it before another size is told.
const SLACK: u64 = 20;

/// Progress of the current phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Plain bytes done; never more than `total_bytes`.
    pub done_bytes: u64,
    /// Plain bytes of the whole phase.
    pub total_bytes: u64,
    /// Average over the last seconds; 0 while unknown.
    pub bytes_per_second: f64,
    /// Estimated from the rate; `None` while that is unknown.
    pub seconds_left: Option<f64>,
    /// Bytes that arrived from repositories, which may be folders: of the download, once it is planned, with what
    /// earlier runs have spared it.
    pub received_bytes: u64,
    /// All bytes of the download, never less than `received_bytes`; `None` if unknown, or if nothing is downloaded. It is
    /// the same in each run.
    pub download_bytes: Option<u64>,
}

/// How fast a count grows.
#[derive(Debug, Default)]
struct Pace {
    count: u64,
    samples: VecDeque<(Instant, u64)>,
}

impl Pace {
    fn from(now: Instant, count: u64) -> Self {
        Self { count, samples: VecDeque::from([(now, count)]) }
    }

    fn set(&mut self, count: u64, now: Instant) {
        self.count = count;
        if self.samples.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= SPACING) {
            self.samples.push_back((now, count));
        }
        self.forget(now);
    }

    /// Keeps one sample from before the window, so that the rate covers all of it.
    fn forget(&mut self, now: Instant) {
        while self.samples.get(1).is_some_and(|(time, _)| now.saturating_duration_since(*time) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    fn rate(&self, now: Instant) -> f64 {
        let Some((since, before)) = self.samples.front() else { return 0.0 };
        let time = now.saturating_duration_since(*since);
        if time < SHORTEST {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bytes = self.count.saturating_sub(*before) as f64;
        bytes / time.as_secs_f64()
    }
}

/// Measures the progress of one phase after another from their events.
#[derive(Debug, Default)]
pub struct Throughput {
    phase: Option<Phase>,
    total_bytes: u64,
    content: Pace,
    line: Pace,
    expected_bytes: u64,
    earlier_bytes: u64,
    is_news: bool,
    told: Option<Instant>,
}

impl Throughput {
    /// Records an event. Events without progress change nothing.
    pub fn note(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Started { phase, total_bytes } => {
                self.phase = Some(*phase);
                self.total_bytes = *total_bytes;
                self.content = Pace::from(now, 0);
                self.line = Pace::from(now, self.line.count);
            }
            Event::Advanced { bytes, .. } => {
                // A chunk that comes twice, because the first copy was bad, is not progress.
                let most = if self.total_bytes == 0 { u64::MAX } else { self.total_bytes };
                self.content.set(self.content.count.saturating_add(*bytes).min(most), now);
            }
            Event::Expected { bytes, earlier_bytes } => {
                if self.expected_bytes == 0 {
                    // What came before is not of the download whose size a person was told.
                    self.line = Pace::from(now, 0);
                }
                self.expected_bytes = self.line.count.saturating_add(*bytes);
                self.earlier_bytes = self.earlier_bytes.saturating_add(*earlier_bytes);
            }
            Event::Received { bytes } => self.line.set(self.line.count.saturating_add(*bytes), now),
            _ => return,
        }
        self.is_news = true;
    }

    /// The progress, if it has changed since the last call and the phase has an amount. A line that stands still is
    /// told from time to time.
    pub fn news(&mut self, now: Instant) -> Option<Progress> {
        let is_silent =
            self.is_downloading() && self.told.is_none_or(|told| now.saturating_duration_since(told) >= SILENCE);
        let is_news = (std::mem::take(&mut self.is_news) || is_silent) && self.total_bytes > 0;
        let phase = self.phase.filter(|_| is_news)?;
        self.told = Some(now);
        self.content.forget(now);
        self.line.forget(now);
        Some(self.progress(phase, now))
    }

    fn is_downloading(&self) -> bool {
        self.line.count < self.expected_bytes
    }

    fn progress(&self, phase: Phase, now: Instant) -> Progress {
        let done_bytes = self.content.count.min(self.total_bytes);
        let (rate, left) = if self.is_downloading() {
            (self.line.rate(now), self.expected_bytes - self.line.count)
        } else {
            (self.content.rate(now), self.total_bytes - done_bytes)
        };
        let whole = |bytes: u64| bytes.saturating_add(self.earlier_bytes);
        // A total that changes a little would only raise doubts.
        let expected = self.expected_bytes;
        let most =
            if self.line.count <= expected.saturating_add(expected / SLACK) { expected } else { self.line.count };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds_left = (rate > 0.0).then(|| left as f64 / rate);
        Progress {
            phase,
            done_bytes,
            total_bytes: self.total_bytes,
            bytes_per_second: rate,
            seconds_left,
            received_bytes: whole(if expected > 0 { self.line.count.min(most) } else { self.line.count }),
            download_bytes: (expected > 0).then(|| whole(most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((progress.phase, progress.done_bytes, progress.total_bytes), (PHASE, 5_000, 10_000));
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

    #[test]
    fn a_download_is_told_as_the_line_brings_it() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        pace.note(&Event::Received { bytes: 40 }, begun);
        pace.note(&Event::Expected { bytes: 3_000, earlier_bytes: 0 }, begun);
        pace.note(&Event::Started { phase: PHASE, total_bytes: 1_000_000 }, begun);
        // Most of the content is on this disk, and counts at once.
        pace.note(&Event::Advanced { phase: PHASE, bytes: 900_000 }, after(begun, 10));
        for step in 1..=20 {
            pace.note(&Event::Received { bytes: 100 }, after(begun, step * 100));
        }
        let progress = pace.news(after(begun, 2_000)).unwrap();
        assert_eq!((progress.received_bytes, progress.download_bytes), (2_000, Some(3_000)));
        assert!((progress.bytes_per_second - 1_000.0).abs() < 1.0, "{progress:?}");
        assert!((progress.seconds_left.unwrap() - 1.0).abs() < 0.01, "{progress:?}");
        // A little more than was expected is no reason to name another size.
        pace.note(&Event::Received { bytes: 1_100 }, after(begun, 2_050));
        let progress = pace.news(after(begun, 2_050)).unwrap();
        assert_eq!((progress.received_bytes, progress.download_bytes), (3_000, Some(3_000)));
        // Much more: the rest is told as content.
        pace.note(&Event::Received { bytes: 900 }, after(begun, 2_100));
        let progress = pace.news(after(begun, 2_100)).unwrap();
        assert_eq!((progress.received_bytes, progress.download_bytes), (4_000, Some(4_000)));
    }

    #[test]
    fn what_earlier_runs_have_brought_counts_as_done_but_not_for_the_rate() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        pace.note(&Event::Expected { bytes: 3_000, earlier_bytes: 7_000 }, begun);
        pace.note(&Event::Started { phase: PHASE, total_bytes: 1_000_000 }, begun);
        for step in 1..=20 {
            pace.note(&Event::Received { bytes: 100 }, after(begun, step * 100));
        }
        let progress = pace.news(after(begun, 2_000)).unwrap();
        assert_eq!((progress.received_bytes, progress.download_bytes), (9_000, Some(10_000)));
        assert!((progress.bytes_per_second - 1_000.0).abs() < 1.0, "{progress:?}");
        assert!((progress.seconds_left.unwrap() - 1.0).abs() < 0.01, "{progress:?}");
    }

    #[test]
    fn a_line_that_stands_still_is_told_without_an_event() {
        let (begun, mut pace) = (Instant::now(), Throughput::default());
        pace.note(&Event::Expected { bytes: 1_000_000, earlier_bytes: 0 }, begun);
        pace.note(&Event::Started { phase: PHASE, total_bytes: 1_000_000 }, begun);
        pace.note(&Event::Received { bytes: 500_000 }, after(begun, 1_000));
        assert!(pace.news(after(begun, 1_000)).is_some());
        assert_eq!(pace.news(after(begun, 1_500)), None, "too soon");
        let slower = pace.news(after(begun, 10_000)).unwrap();
        assert!(slower.bytes_per_second < 60_000.0, "{slower:?}");
    }
}
