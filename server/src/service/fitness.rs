//! Whether this server may sign: it has the keys that the repository names, and its clock is right.
//!
//! Both are looked at before every signature and by `/readyz`. A server that is unfit serves players as before, and
//! changes nothing: it would sign what they refuse, or what another server's signature makes worthless.

use chrono::{DateTime, Utc};

use super::Service;
use super::renew::expiry;
use crate::db::View;
use crate::error::{Error, Result};
use crate::model::Time;

/// How far the clocks of the database and of this process may be apart, in microseconds.
const MAX_APART: i64 = 5 * 60 * 1_000_000;

/// How much later than a signature of now the last one may end, in seconds.
const MAX_AHEAD_S: i64 = 3600;

/// How long a timestamp is valid, in seconds.
const TIMESTAMP_S: i64 = 7 * 86_400;

impl Service {
    /// Fails if this server must not sign for the repository as it is now.
    ///
    /// # Errors
    /// `keys_missing`, `clock_wrong`, and those of the database.
    pub async fn check_fitness(&self) -> Result<()> {
        let view = self.db.view().await?;
        if view.metadata.is_empty() {
            return Ok(());
        }
        self.check_clock(&view).await?;
        self.signer.check_keys(view.metadata).await
    }

    /// Fails if the clock of this process differs from that of the database, or is behind that of whoever signed last.
    pub(super) async fn check_clock(&self, view: &View) -> Result<()> {
        let before = Time::now();
        let theirs = self.db.clock().await?;
        let apart = if theirs < before { before.0 - theirs.0 } else { (theirs.0 - Time::now().0).max(0) };
        if apart > MAX_APART {
            let reason = format!(
                "The clock of this server is {} s away from that of its database; set both right",
                apart / 1_000_000
            );
            return Err(Error::Unavailable { code: "clock_wrong", reason });
        }
        let ends = expiry(view, "timestamp").filter(|_| !self.trust_clock);
        match ends {
            Some(ends) if is_from_the_future(ends, before) => {
                let reason = format!(
                    "The timestamp in force is valid until {ends}, longer than one of this server would be: its clock is \
                     behind, or that of whoever signed last was ahead. If this clock is right, set trust_clock"
                );
                Err(Error::Unavailable { code: "clock_wrong", reason })
            }
            _ => Ok(()),
        }
    }
}

fn is_from_the_future(ends: DateTime<Utc>, now: Time) -> bool {
    ends.timestamp() > now.0 / 1_000_000 + TIMESTAMP_S + MAX_AHEAD_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_a_right_clock_is_not_from_the_future() {
        let now = Time::now();
        let after = |seconds: i64| DateTime::from_timestamp(now.0 / 1_000_000 + seconds, 0).unwrap();
        assert!(!is_from_the_future(after(TIMESTAMP_S), now));
        assert!(!is_from_the_future(after(TIMESTAMP_S + 60), now));
        assert!(is_from_the_future(after(TIMESTAMP_S + 2 * 3600), now));
        assert!(is_from_the_future(after(TIMESTAMP_S + 9 * 86_400), now));
    }
}
