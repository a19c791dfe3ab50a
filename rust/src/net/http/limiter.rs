//! The rate limit in bytes per second that all requests of a client share.
//!
//! A token bucket stored as a point in time: `clear_at` is when all reserved bytes have been paid for. A reader
//! reserves bytes and then waits for its turn, so any number of readers together stay within the rate. Pure: time is
//! an argument, and nothing sleeps here.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::hours::Hours;

/// How much may pass at once after a pause. A larger burst would distort short measurements.
const BURST: Duration = Duration::from_millis(20);

/// Most bytes that one reader reserves in advance.
const QUANTUM_BYTES: u64 = 16 << 10;

#[derive(Debug)]
pub(super) struct Limiter {
    bytes_per_second: u64,
    hours: Option<Hours>,
    clear_at: Mutex<Option<Instant>>,
}

impl Limiter {
    /// `bytes_per_second` must not be 0.
    pub(super) fn new(bytes_per_second: u64, hours: Option<Hours>) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), hours, clear_at: Mutex::new(None) }
    }

    /// Whether the limit applies now.
    pub(super) fn applies(&self) -> bool {
        let Some(hours) = self.hours else { return true };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        hours.hold_at(since.as_secs())
    }

    pub(super) fn bytes_per_second(&self) -> u64 {
        self.bytes_per_second
    }

    /// How much to reserve at once: at most 20 ms' worth, so that readers take turns.
    pub(super) fn quantum(&self) -> u64 {
        (self.bytes_per_second / 50).clamp(1, QUANTUM_BYTES)
    }

    /// Reserves `bytes`, and returns how long to wait before reading them.
    pub(super) fn reserve(&self, bytes: u64, now: Instant) -> Duration {
        let mut clear_at = self.clear_at.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let turn = clear_at.map_or(earliest, |at| at.max(earliest));
        *clear_at = Some(turn + self.cost(bytes));
        turn.saturating_duration_since(now)
    }

    /// Returns reserved bytes that were not used.
    pub(super) fn give_back(&self, bytes: u64) {
        let mut clear_at = self.clear_at.lock().unwrap_or_else(PoisonError::into_inner);
        *clear_at = clear_at.and_then(|at| at.checked_sub(self.cost(bytes)));
    }

    fn cost(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_readers_together_keep_the_rate() {
        let limiter = Limiter::new(1_000_000, None);
        let begun = Instant::now();
        // Each reader sleeps as told, then reads and comes back.
        let mut due: Vec<Duration> = vec![Duration::ZERO; 128];
        let mut passed = 0;
        while let Some(at) = due.iter_mut().min() {
            if *at >= Duration::from_secs(2) {
                break;
            }
            let wait = limiter.reserve(limiter.quantum(), begun + *at);
            if *at + wait < Duration::from_secs(2) {
                passed += limiter.quantum();
            }
            *at += wait + Duration::from_micros(10);
        }
        assert!((1_900_000..2_100_000).contains(&passed), "{passed}");
    }

    #[test]
    fn pause_saves_up_no_more_than_the_burst() {
        let limiter = Limiter::new(1000, None);
        let now = Instant::now();
        limiter.reserve(1, now);
        let later = now + Duration::from_hours(1);
        assert_eq!(limiter.reserve(1000, later), Duration::ZERO);
        assert_eq!(limiter.reserve(1, later), Duration::from_millis(980));
    }

    #[test]
    fn unused_promise_costs_nothing() {
        let limiter = Limiter::new(1000, None);
        let now = Instant::now();
        limiter.reserve(20, now);
        limiter.reserve(1000, now);
        limiter.give_back(1000);
        assert_eq!(limiter.reserve(1, now), Duration::ZERO);
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        let limiter = Limiter::new(1, None);
        assert_eq!(limiter.reserve(1 << 30, Instant::now()), Duration::ZERO);
    }
}
