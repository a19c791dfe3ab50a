//! Limits how much of a processor a build may use: each of its threads rests after it has worked, in proportion.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vsekai_updater::event::{Cancel, Event, Observer};

/// The shortest rest worth taking: shorter ones are saved up.
const MIN_REST: Duration = Duration::from_millis(20);

/// How long a rest may continue after the build was cancelled.
const REST_STEP: Duration = Duration::from_millis(50);

/// Keeps the threads of one build to a share of their time.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Percentage of its time that a thread may work.
    percent: u32,
    pub(super) cancel: Cancel,
    /// Total rest of all threads.
    rested_ms: AtomicU64,
}

impl Throttle {
    /// Allows each thread to work this percentage of the time.
    pub(super) fn new(percent: u32, cancel: Cancel) -> Self {
        Self { percent: percent.clamp(1, 100), cancel, rested_ms: AtomicU64::new(0) }
    }

    /// Rests for the work that this thread has done since its last rest. Time spent waiting counts as work.
    pub(super) fn rest(&self) {
        thread_local! {
            static SINCE: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
        }
        let now = Instant::now();
        let since = SINCE.get().unwrap_or(now);
        let mut rest = now.duration_since(since) * (100 - self.percent) / self.percent;
        if rest < MIN_REST {
            SINCE.set(Some(since));
            return;
        }
        self.rested_ms.fetch_add(u64::try_from(rest.as_millis()).unwrap_or_default(), Ordering::Relaxed);
        while !rest.is_zero() && !self.cancel.is_cancelled() {
            let step = rest.min(REST_STEP);
            std::thread::sleep(step);
            rest -= step;
        }
        SINCE.set(Some(Instant::now()));
    }

    /// Total rest of all threads.
    pub(super) fn rested(&self) -> Duration {
        Duration::from_millis(self.rested_ms.load(Ordering::Relaxed))
    }
}

impl Observer for Throttle {
    /// Rests after each section. Observers must not block, but only its own build waits for this one.
    fn on_event(&self, event: Event) {
        if matches!(event, Event::Advanced { .. }) {
            self.rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Works for about this long.
    fn work(throttle: &Throttle, time: Duration) -> Duration {
        let (begin, mut worked) = (Instant::now(), Duration::ZERO);
        while worked < time {
            let piece = Instant::now();
            while piece.elapsed() < Duration::from_millis(2) {}
            worked += piece.elapsed();
            throttle.rest();
        }
        begin.elapsed()
    }

    #[test]
    fn share_of_the_time_is_kept() {
        let throttle = Throttle::new(25, Cancel::default());
        let all = work(&throttle, Duration::from_millis(200));
        // 800 ms; a machine that is busy with other things makes it longer, never shorter than the rests.
        assert!(all >= Duration::from_millis(600), "{all:?}");
        assert!(throttle.rested() >= Duration::from_millis(400), "{:?}", throttle.rested());
    }

    #[test]
    fn whole_share_never_rests_and_an_end_cuts_a_rest_short() {
        let throttle = Throttle::new(100, Cancel::default());
        work(&throttle, Duration::from_millis(60));
        assert_eq!(throttle.rested(), Duration::ZERO);
        let throttle = Arc::new(Throttle::new(1, Cancel::default()));
        let ending = Arc::clone(&throttle);
        let begin = Instant::now();
        let worker = std::thread::spawn(move || work(&ending, Duration::from_millis(100)));
        std::thread::sleep(Duration::from_millis(150));
        throttle.cancel.cancel();
        worker.join().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
}
