//! Ranks mirrors: which one to ask first, and which ones to avoid for now. Pure: time is an argument.
//!
//! The caller's order applies with three exceptions: mirrors that are down come last; mirrors that requested a pause
//! come just before those; a mirror that costs three times as much as another (because it is slow, or often lacks the
//! chunk) comes after that other. A mirror that is down gets an occasional request to detect that it is back.

use std::time::{Duration, Instant};

const FIRST_COOLDOWN: Duration = Duration::from_secs(1);
const MAX_COOLDOWN: Duration = Duration::from_mins(1);

/// How many times as expensive as the cheapest mirror a mirror must be to lose its place in the caller's order.
const DEAR: f64 = 3.0;

/// Weight of the newest answer in the running means.
const NEWEST: f64 = 0.1;

/// Number of answers after which the means are used.
const ENOUGH_ANSWERS: u32 = 8;

#[derive(Debug)]
pub(super) struct Mirrors {
    mirrors: Vec<Mirror>,
    failures_to_down: u32,
}

#[derive(Debug)]
struct Mirror {
    failures: u32,
    down: Option<Down>,
    paused_until: Option<Instant>,
    seconds: f64,
    /// Share of requests that returned a sound chunk, as a running mean from 0 to 1.
    hits: f64,
    answers: u32,
}

#[derive(Debug, Clone, Copy)]
struct Down {
    probe_at: Instant,
    cooldown: Duration,
    probing: bool,
}

impl Mirrors {
    /// `failures_to_down` is the number of failures in a row, over all chunks, after which a mirror counts as down.
    pub(super) fn new(count: usize, failures_to_down: u32) -> Self {
        let mirror = || Mirror { failures: 0, down: None, paused_until: None, seconds: 0.0, hits: 1.0, answers: 0 };
        Self { mirrors: (0..count).map(|_| mirror()).collect(), failures_to_down: failures_to_down.max(1) }
    }

    /// All mirrors, in the order to ask them for one chunk. The caller must ask the first: it may be a probe.
    pub(super) fn order(&mut self, now: Instant) -> Vec<usize> {
        let cheapest = self.mirrors.iter().filter(|m| m.down.is_none()).filter_map(Mirror::cost).reduce(f64::min);
        let mut order: Vec<usize> = (0..self.mirrors.len()).collect();
        order.sort_by_key(|&at| (self.mirrors[at].class(cheapest, now), at));
        // Only one request probes a mirror that is down; the others must not wait for a likely failure.
        if let Some(mirror) = order.first().and_then(|&at| self.mirrors.get_mut(at))
            && let Some(down) = &mut mirror.down
        {
            down.probe_at = now + down.cooldown;
            down.probing = true;
        }
        order
    }

    pub(super) fn is_down(&self, at: usize) -> bool {
        self.mirrors[at].down.is_some()
    }

    /// How much of the pause that this mirror requested is left.
    pub(super) fn pause_left(&self, at: usize, now: Instant) -> Duration {
        self.mirrors[at].paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub(super) fn pause(&mut self, at: usize, until: Instant) {
        let mirror = &mut self.mirrors[at];
        mirror.paused_until = mirror.paused_until.max(Some(until));
    }

    /// The mirror returned a body for the chunk, not yet verified.
    pub(super) fn answered(&mut self, at: usize, took: Duration) {
        let mirror = &mut self.mirrors[at];
        mirror.well(took);
        mirror.hits = mean(mirror.hits, 1.0);
    }

    /// The mirror works, but does not have the chunk.
    pub(super) fn missed(&mut self, at: usize, took: Duration) {
        let mirror = &mut self.mirrors[at];
        mirror.well(took);
        mirror.hits = mean(mirror.hits, 0.0);
    }

    /// The body that the mirror returned failed verification.
    pub(super) fn lied(&mut self, at: usize) {
        // Undoes the hit of its answer, and counts a miss.
        let mirror = &mut self.mirrors[at];
        mirror.hits = mean(mean(mirror.hits, 0.0), 0.0);
    }

    /// The request failed. Returns whether the mirror now counts as down, and did not before.
    pub(super) fn failed(&mut self, at: usize, now: Instant) -> bool {
        let mirror = &mut self.mirrors[at];
        mirror.failures = mirror.failures.saturating_add(1);
        if let Some(down) = &mut mirror.down {
            // Ignore late failures of requests that were sent before it went down.
            if std::mem::take(&mut down.probing) {
                down.cooldown = (down.cooldown * 2).min(MAX_COOLDOWN);
                down.probe_at = now + down.cooldown;
            }
            return false;
        }
        if mirror.failures < self.failures_to_down {
            return false;
        }
        mirror.down = Some(Down { probe_at: now + FIRST_COOLDOWN, cooldown: FIRST_COOLDOWN, probing: false });
        true
    }
}

impl Mirror {
    fn well(&mut self, took: Duration) {
        self.failures = 0;
        self.down = None;
        let seconds = took.as_secs_f64();
        self.seconds = if self.answers == 0 { seconds } else { mean(self.seconds, seconds) };
        self.answers = self.answers.saturating_add(1);
    }

    /// Expected seconds for one sound chunk, once enough is known.
    fn cost(&self) -> Option<f64> {
        (self.answers >= ENOUGH_ANSWERS).then(|| self.seconds.max(1e-3) / self.hits.max(0.01))
    }

    fn class(&self, cheapest: Option<f64>, now: Instant) -> u8 {
        if self.down.is_some_and(|down| now < down.probe_at) {
            3
        } else if self.paused_until.is_some_and(|until| now < until) {
            2
        } else if let (Some(cost), Some(cheapest)) = (self.cost(), cheapest) {
            u8::from(cost > cheapest * DEAR)
        } else {
            0
        }
    }
}

fn mean(old: f64, new: f64) -> f64 {
    old * (1.0 - NEWEST) + new * NEWEST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn dead_mirror_goes_last_and_is_probed_by_one_request_at_a_time() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 2);
        assert!(!roster.failed(0, now));
        assert!(roster.failed(0, now), "the second failure in a row");
        assert_eq!(roster.order(now), [1, 0]);
        let later = now + after(1.5);
        assert_eq!(roster.order(later), [0, 1], "the probe");
        assert_eq!(roster.order(later), [1, 0], "everyone else");
    }

    #[test]
    fn mirror_that_is_back_takes_its_place_again() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 1);
        roster.failed(0, now);
        roster.answered(0, after(0.01));
        assert_eq!(roster.order(now), [0, 1]);
    }

    #[test]
    fn probes_of_a_dead_mirror_become_rare() {
        let mut now = Instant::now();
        let mut roster = Mirrors::new(2, 1);
        roster.failed(0, now);
        let mut probes = 0;
        for _ in 0..600 {
            now += after(1.0);
            if roster.order(now)[0] == 0 {
                probes += 1;
                roster.failed(0, now);
            }
        }
        assert!((8..20).contains(&probes), "{probes} in ten minutes");
    }

    #[test]
    fn success_in_between_forgives() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 2);
        for _ in 0..10 {
            roster.failed(0, now);
            roster.missed(0, after(0.02));
        }
        assert!(!roster.is_down(0));
    }

    #[test]
    fn slow_mirror_gives_way_to_a_fast_one_but_not_to_a_slightly_faster_one() {
        let now = Instant::now();
        let mut roster = Mirrors::new(3, 1);
        for _ in 0..20 {
            roster.answered(0, after(0.2));
            roster.answered(1, after(0.15));
        }
        assert_eq!(roster.order(now), [0, 1, 2]);
        for _ in 0..20 {
            roster.answered(1, after(0.02));
        }
        assert_eq!(roster.order(now), [1, 2, 0]);
    }

    #[test]
    fn mirror_that_lies_gives_way() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 1);
        for _ in 0..40 {
            roster.answered(0, after(0.02));
            roster.lied(0);
            roster.answered(1, after(0.02));
        }
        assert_eq!(roster.order(now), [1, 0]);
    }

    #[test]
    fn mirror_without_the_chunks_gives_way() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 1);
        for _ in 0..40 {
            roster.missed(0, after(0.02));
            roster.answered(1, after(0.02));
        }
        assert_eq!(roster.order(now), [1, 0]);
    }

    #[test]
    fn pause_that_was_asked_for_is_kept() {
        let now = Instant::now();
        let mut roster = Mirrors::new(2, 1);
        roster.pause(0, now + after(5.0));
        assert_eq!(roster.order(now), [1, 0]);
        assert_eq!(roster.pause_left(0, now + after(2.0)), after(3.0));
        assert_eq!(roster.order(now + after(6.0)), [0, 1]);
    }
}
