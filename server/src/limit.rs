//! Rate limits: how many changes and chunk uploads one client may make.
//!
//! Reads are not limited here: they are cheap, and a proxy or a CDN in front does that better. A client is a token, or
//! an address if there is no valid token.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

use crate::client::network;
use crate::error::{Error, Result};

/// Size of a burst, in seconds' worth of the allowed rate.
const BURST_S: u32 = 20;

/// Number of clients above which idle ones are forgotten.
const SHRINK_AT: usize = 100_000;

/// The allowed rates.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Requests per second that change something, per client.
    pub writes_per_second: u32,
    /// Chunk uploads per second, per token.
    pub puts_per_second: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    Token(Uuid),
    Address(IpAddr),
}

/// Counts requests against the allowed [`Rates`].
#[derive(Debug)]
pub struct Limiter {
    writes: DefaultKeyedRateLimiter<Client>,
    puts: DefaultKeyedRateLimiter<Uuid>,
    rates: Rates,
}

impl Limiter {
    /// Limits clients to these rates, each of which is at least 1.
    pub fn new(rates: Rates) -> Self {
        let second =
            |rate: u32| Quota::per_second(at_least_1(rate)).allow_burst(at_least_1(rate.saturating_mul(BURST_S)));
        Self {
            writes: RateLimiter::keyed(second(rates.writes_per_second)),
            puts: RateLimiter::keyed(second(rates.puts_per_second)),
            rates,
        }
    }

    /// Counts a request that changes something.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_write(&self, token: Option<Uuid>, address: IpAddr) -> Result<()> {
        check(&self.writes, &token.map_or(Client::Address(network(address)), Client::Token))
    }

    /// Counts the upload of a chunk.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_put(&self, token: Uuid) -> Result<()> {
        check(&self.puts, &token)
    }

    /// Counts the upload of this many chunks together. More than a burst count as one, or they could never be sent.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check_puts(&self, token: Uuid, chunks: usize) -> Result<()> {
        let burst = self.rates.puts_per_second.saturating_mul(BURST_S);
        let count = at_least_1(u32::try_from(chunks).unwrap_or(u32::MAX).min(burst));
        match self.puts.check_key_n(&token, count) {
            Ok(outcome) => {
                outcome.map_err(|not_until| too_many(not_until.wait_time_from(DefaultClock::default().now())))
            }
            Err(_) => Ok(()),
        }
    }
}

/// A rate that can be used: 0 becomes 1.
pub(crate) fn at_least_1(rate: u32) -> NonZeroU32 {
    NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN)
}

/// Counts one more for this key, and fails if that is too many.
pub(crate) fn check<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    if limiter.len() > SHRINK_AT {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|not_until| too_many(not_until.wait_time_from(DefaultClock::default().now())))
}

fn too_many(wait: Duration) -> Error {
    Error::TooManyRequests { retry_after_s: wait.as_secs() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_count_each_also_if_they_come_together() {
        let limiter = Limiter::new(Rates { writes_per_second: 1, puts_per_second: 10 });
        limiter.check_puts(Uuid::nil(), 150).unwrap();
        limiter.check_put(Uuid::nil()).unwrap();
        assert!(matches!(limiter.check_puts(Uuid::nil(), 100), Err(Error::TooManyRequests { retry_after_s: 5..=6 })));
        limiter.check_puts(Uuid::max(), 4096).unwrap();
    }

    #[test]
    fn who_writes_too_much_waits_and_others_do_not() {
        let limiter = Limiter::new(Rates { writes_per_second: 1, puts_per_second: 1 });
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..BURST_S {
            limiter.check_write(None, one).unwrap();
        }
        assert!(matches!(limiter.check_write(None, one), Err(Error::TooManyRequests { retry_after_s: 1..=2 })));
        limiter.check_write(None, two).unwrap();
        limiter.check_write(Some(Uuid::nil()), one).unwrap();
    }
}
