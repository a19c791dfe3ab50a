//! The rate limit in bytes per second that all requests of a client share.
//!
//! A token bucket stored as a point in time: `clear_at` is when all reserved bytes have been paid for. A reader
//! reserves bytes and then waits for its turn, so any number of readers together stay within the rate. A change applies
//! to running requests: it clears the bucket, and whoever waits goes on. Nothing sleeps here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::hours::Hours;

/// How much may pass at once after a pause. A larger burst would distort short measurements.
const BURST: Duration = Duration::from_millis(20);

/// Most bytes that one reader reserves in advance.
const QUANTUM_BYTES: u64 = 16 << 10;

/// A limit for the bodies of all requests together. Clones share it, and what they have used of it.
#[derive(Debug, Clone, Default)]
pub struct RateLimit(Arc<Mutex<Bucket>>);

#[derive(Debug, Default)]
struct Bucket {
    bytes_per_second: Option<u64>,
    hours: Option<Hours>,
    clear_at: Option<Instant>,
    /// How often the limit was changed.
    changes: u64,
}

/// When a reader may read what it has reserved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reservation {
    at: Instant,
    changes: u64,
}

impl RateLimit {
    /// At most this many bytes per second; `None`: no limit. `hours`: when it applies; `None`: always.
    pub fn new(bytes_per_second: Option<u64>, hours: Option<Hours>) -> Self {
        let limit = Self::default();
        limit.set(bytes_per_second, hours);
        limit
    }

    /// Changes the limit, also that of requests that are running.
    pub fn set(&self, bytes_per_second: Option<u64>, hours: Option<Hours>) {
        let mut bucket = self.bucket();
        if (bucket.bytes_per_second, bucket.hours) != (bytes_per_second, hours) {
            *bucket = Bucket { bytes_per_second, hours, clear_at: None, changes: bucket.changes + 1 };
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.bucket().bytes_per_second == Some(0)
    }

    /// The limit, if there is one at this time of the day.
    pub(super) fn bytes_per_second(&self) -> Option<u64> {
        let (rate, hours) = {
            let bucket = self.bucket();
            (bucket.bytes_per_second?, bucket.hours)
        };
        let Some(hours) = hours else { return Some(rate) };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        hours.hold_at(since.as_secs()).then_some(rate)
    }

    /// How much to reserve at once: at most 20 ms' worth, so that readers take turns. `None` without a limit.
    pub(super) fn quantum(&self) -> Option<u64> {
        Some((self.bytes_per_second()? / 50).clamp(1, QUANTUM_BYTES))
    }

    /// Reserves `bytes`.
    pub(super) fn reserve(&self, bytes: u64, now: Instant) -> Reservation {
        let mut bucket = self.bucket();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let at = bucket.clear_at.map_or(earliest, |at| at.max(earliest));
        bucket.clear_at = Some(at + bucket.cost(bytes));
        Reservation { at, changes: bucket.changes }
    }

    /// How long to wait before reading what was reserved. Not at all if the limit has changed since.
    pub(super) fn pause(&self, reservation: Reservation, now: Instant) -> Duration {
        let is_of_now = self.bucket().changes == reservation.changes;
        if is_of_now { reservation.at.saturating_duration_since(now) } else { Duration::ZERO }
    }

    /// Returns reserved bytes that were not used.
    pub(super) fn give_back(&self, bytes: u64) {
        let mut bucket = self.bucket();
        bucket.clear_at = bucket.clear_at.and_then(|at| at.checked_sub(bucket.cost(bytes)));
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn cost(&self, bytes: u64) -> Duration {
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reserves bytes, and says how long to wait before reading them.
    fn reserve(limit: &RateLimit, bytes: u64, now: Instant) -> Duration {
        limit.pause(limit.reserve(bytes, now), now)
    }

    #[test]
    fn many_readers_together_keep_the_rate() {
        let limit = RateLimit::new(Some(1_000_000), None);
        let quantum = limit.quantum().unwrap();
        let begun = Instant::now();
        // Each reader sleeps as told, then reads and comes back.
        let mut due: Vec<Duration> = vec![Duration::ZERO; 128];
        let mut passed = 0;
        while let Some(at) = due.iter_mut().min() {
            if *at >= Duration::from_secs(2) {
                break;
            }
            let wait = reserve(&limit, quantum, begun + *at);
            if *at + wait < Duration::from_secs(2) {
                passed += quantum;
            }
            *at += wait + Duration::from_micros(10);
        }
        assert!((1_900_000..2_100_000).contains(&passed), "{passed}");
    }

    #[test]
    fn pause_saves_up_no_more_than_the_burst() {
        let limit = RateLimit::new(Some(1000), None);
        let now = Instant::now();
        limit.reserve(1, now);
        let later = now + Duration::from_hours(1);
        assert_eq!(reserve(&limit, 1000, later), Duration::ZERO);
        assert_eq!(reserve(&limit, 1, later), Duration::from_millis(980));
    }

    #[test]
    fn unused_promise_costs_nothing() {
        let limit = RateLimit::new(Some(1000), None);
        let now = Instant::now();
        limit.reserve(20, now);
        limit.reserve(1000, now);
        limit.give_back(1000);
        assert_eq!(reserve(&limit, 1, now), Duration::ZERO);
    }

    #[test]
    fn a_change_applies_to_those_who_wait() {
        let limit = RateLimit::new(Some(10), None);
        let now = Instant::now();
        limit.reserve(10_000, now);
        let waiting = limit.reserve(10, now);
        assert!(limit.pause(waiting, now) > Duration::from_secs(900));
        limit.clone().set(Some(10), None);
        assert!(limit.pause(waiting, now) > Duration::from_secs(900), "that is no change");
        limit.clone().set(Some(1_000_000), None);
        assert_eq!(limit.pause(waiting, now), Duration::ZERO);
        assert_eq!(reserve(&limit, 1, now), Duration::ZERO, "old debts are forgotten");
        limit.set(None, None);
        assert_eq!((limit.quantum(), limit.bytes_per_second()), (None, None));
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        let limit = RateLimit::new(Some(1), None);
        assert_eq!(reserve(&limit, 1 << 30, Instant::now()), Duration::ZERO);
    }
}
