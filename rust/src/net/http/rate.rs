//! The rates of a body: the most that we take, and the least that a sender must give.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::client::timed_out;
use super::failure::Failure;
use super::limiter::RateLimit;

/// Slowest rate of a body. A slower sender is treated as an attempt to stall us.
const FLOOR_BYTES_PER_SECOND: u64 = 1024;

/// How soon a change of the limit reaches who waits for it.
const TICK: Duration = Duration::from_millis(100);

/// One body's share of the rate limit. Time spent here does not count against the sender.
pub(super) struct Turn<'a> {
    limit: &'a RateLimit,
    prepaid: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(limit: &'a RateLimit) -> Self {
        Self { limit, prepaid: 0 }
    }

    pub(super) async fn wait(&mut self, remaining: Option<u64>) {
        let Some(quantum) = self.limit.quantum() else { return };
        let want = quantum.min(remaining.unwrap_or(u64::MAX));
        if self.prepaid < want {
            let reservation = self.limit.reserve(want - self.prepaid, Instant::now());
            self.prepaid = want;
            loop {
                let pause = self.limit.pause(reservation, Instant::now());
                if pause.is_zero() {
                    break;
                }
                sleep(pause.min(TICK)).await;
            }
        }
    }

    /// A piece may be larger than what was reserved. The rest becomes a debt, for which all readers wait.
    pub(super) fn pay(&mut self, bytes: u64) {
        if bytes > self.prepaid && self.limit.bytes_per_second().is_some() {
            self.limit.reserve(bytes - self.prepaid, Instant::now());
        }
        self.prepaid = self.prepaid.saturating_sub(bytes);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.limit.give_back(self.prepaid);
    }
}

/// Checks that a body arrives at the minimum rate, over windows of the time spent waiting for it.
pub(super) struct MinimumRate {
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl MinimumRate {
    pub(super) fn new(window: Duration) -> Self {
        Self { window, waited: Duration::ZERO, bytes: 0 }
    }

    pub(super) fn received(&mut self, bytes: u64, waited: Duration) -> Result<(), Failure> {
        self.bytes += bytes;
        self.waited += waited;
        if self.waited < self.window {
            return Ok(());
        }
        let due = self.waited.as_millis() * u128::from(FLOOR_BYTES_PER_SECOND) / 1000;
        if u128::from(self.bytes) < due {
            return Err(timed_out("less than 1 KiB/s", self.waited));
        }
        *self = Self::new(self.window);
        Ok(())
    }
}
