//! The rates of a body: the most that we take, and the least that a sender must give.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::client::timed_out;
use super::failure::Failure;
use super::limiter::Limiter;

/// Slowest rate of a body. A slower sender is treated as an attempt to stall us.
const FLOOR_BYTES_PER_SECOND: u64 = 1024;

/// One body's share of the rate limit. Time spent here does not count against the sender.
pub(super) struct Turn<'a> {
    limiter: Option<&'a Limiter>,
    prepaid: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(limiter: Option<&'a Limiter>) -> Self {
        Self { limiter, prepaid: 0 }
    }

    pub(super) async fn wait(&mut self, remaining: Option<u64>) {
        let Some(limiter) = self.limiter.filter(|limiter| limiter.applies()) else { return };
        let want = limiter.quantum().min(remaining.unwrap_or(u64::MAX));
        if self.prepaid < want {
            let pause = limiter.reserve(want - self.prepaid, Instant::now());
            self.prepaid = want;
            sleep(pause).await;
        }
    }

    /// A piece may be larger than what was reserved. The rest becomes a debt, for which all readers wait.
    pub(super) fn pay(&mut self, bytes: u64) {
        let Some(limiter) = self.limiter else { return };
        if bytes > self.prepaid && limiter.applies() {
            limiter.reserve(bytes - self.prepaid, Instant::now());
        }
        self.prepaid = self.prepaid.saturating_sub(bytes);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(limiter) = self.limiter {
            limiter.give_back(self.prepaid);
        }
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
