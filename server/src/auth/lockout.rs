//! Locks out addresses that send too many wrong tokens, for a minute. Requests without a valid token are refused then
//! without being looked at further; valid tokens of the same address go on working.

use std::net::IpAddr;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::client::network;
use crate::error::{Error, Result};
use crate::limit::{at_least_1, check};

/// How long a lockout lasts.
const LOCKED: Duration = Duration::from_mins(1);

/// Most addresses that are locked out at once.
const MAX_LOCKED: u64 = 100_000;

/// Counts wrong tokens by address.
#[derive(Debug)]
pub struct Lockout {
    wrong_tokens: DefaultKeyedRateLimiter<IpAddr>,
    locked: moka::sync::Cache<IpAddr, ()>,
}

impl Lockout {
    /// Allows this many wrong tokens a minute from each address, and at least 1.
    pub fn new(wrong_tokens_per_minute: u32) -> Self {
        Self {
            wrong_tokens: RateLimiter::keyed(Quota::per_minute(at_least_1(wrong_tokens_per_minute))),
            locked: moka::sync::Cache::builder().max_capacity(MAX_LOCKED).time_to_live(LOCKED).build(),
        }
    }

    /// Fails if the address is locked out.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn check(&self, address: IpAddr) -> Result<()> {
        if self.locked.contains_key(&network(address)) {
            return Err(Error::TooManyRequests { retry_after_s: LOCKED.as_secs() });
        }
        Ok(())
    }

    /// Counts a wrong token, and locks the address out if that was one too many.
    pub fn note_wrong_token(&self, address: IpAddr) {
        let address = network(address);
        if check(&self.wrong_tokens, &address).is_err() {
            self.locked.insert(address, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_lock_out_their_network() {
        let lockout = Lockout::new(3);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..4 {
            lockout.check(one).unwrap();
            lockout.note_wrong_token(one);
        }
        assert!(lockout.check(one).is_err());
        assert!(lockout.check("2001:db8::ffff".parse().unwrap()).is_err());
        assert!(lockout.check("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }
}
