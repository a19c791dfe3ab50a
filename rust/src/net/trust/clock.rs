//! How far this machine's clock may have gone back since the last check.
//!
//! A clock that is set back makes expired metadata look fresh, so a check then fails. But clocks are corrected all the
//! time: by a time server after start-up, by another system on the same machine, by the host of a virtual machine. A
//! few minutes do no harm, because metadata is valid for days. The latest time seen is still remembered, so several
//! small steps count as one large one.

use jiff::{SignedDuration, Timestamp};

use crate::text;

/// The largest step back that is ignored. Drift and corrections are smaller; Kerberos allows as much.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Whether the time in a file of `tough` is later than `now`, but by no more than the slack.
pub(super) fn is_a_little_ahead(known: &[u8], now: Timestamp) -> bool {
    let Ok(known) = serde_json::from_slice::<Timestamp>(known) else { return false };
    known > now && known.duration_since(now) <= SLACK
}

/// The error for a clock that went back.
pub(super) fn explain(now: Timestamp, known: Timestamp) -> String {
    let behind = known.duration_since(now).as_secs();
    let behind = match behind {
        0..=7199 => text::counted((behind / 60).unsigned_abs(), "minute", "minutes"),
        7200..=172_799 => format!("{} hours", behind / 3600),
        _ => format!("{} days", behind / 86_400),
    };
    format!("This machine's clock says {now:.0}, but it said {known:.0} at an earlier check: it went back by {behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn some_minutes_are_allowed_and_no_more() {
        let now = at(1_000_000);
        let is_allowed = |known: i64| is_a_little_ahead(format!("\"{}\"", at(known)).as_bytes(), now);
        assert!(is_allowed(1_000_001) && is_allowed(1_000_300));
        assert!(!is_allowed(1_000_301) && !is_allowed(9_000_000));
        // It did not go back.
        assert!(!is_allowed(1_000_000) && !is_allowed(999_999));
        assert!(!is_a_little_ahead(b"no time", now) && !is_a_little_ahead(b"", now));
    }

    #[test]
    fn clock_is_explained() {
        let text = explain(at(0), at(3 * 86_400));
        assert_eq!(
            text,
            "This machine's clock says 1970-01-01T00:00:00Z, but it said 1970-01-04T00:00:00Z at an earlier check: it \
             went back by 3 days"
        );
    }
}
