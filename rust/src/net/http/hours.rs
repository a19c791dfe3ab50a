//! Hours of the day, such as from 18:00 to 2:00.

use crate::error::{Error, Result};

const DAY_MINUTES: i64 = 24 * 60;

/// No clock on Earth is further from UTC.
const MAX_OFFSET_MINUTES: i64 = 18 * 60;

/// A part of each day, by a clock with a fixed offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: i64,
    to: i64,
    offset: i64,
}

impl Hours {
    /// From one minute of the day until another one, which is not included; across midnight if it is the earlier one. The
    /// whole day if both are the same. `offset_minutes` is what local time is ahead of UTC.
    ///
    /// # Errors
    /// `invalid_argument` for what is no minute of a day, or no offset.
    pub fn new(from_minute: i64, to_minute: i64, offset_minutes: i64) -> Result<Self> {
        let is_minute = |minute: i64| (0..DAY_MINUTES).contains(&minute);
        if !is_minute(from_minute) || !is_minute(to_minute) {
            return Err(Error::invalid("hours", "use minutes from 0 to 1439"));
        }
        if offset_minutes.abs() > MAX_OFFSET_MINUTES {
            return Err(Error::invalid("hours", "the offset from UTC is more than 18 hours"));
        }
        Ok(Self { from: from_minute, to: to_minute, offset: offset_minutes })
    }

    /// Whether this moment, in seconds since 1970, is one of these hours.
    pub(super) fn hold_at(&self, unix_seconds: u64) -> bool {
        let minutes = i64::try_from(unix_seconds / 60).unwrap_or(i64::MAX / 2);
        let minute = (minutes + self.offset).rem_euclid(DAY_MINUTES);
        match self.from.cmp(&self.to) {
            std::cmp::Ordering::Less => (self.from..self.to).contains(&minute),
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Greater => minute >= self.from || minute < self.to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the hours hold at this time of a day in UTC.
    fn hold(hours: &Hours, hour: u64, minute: u64) -> bool {
        const SOME_DAY: u64 = 1_000 * 24 * 3600;
        hours.hold_at(SOME_DAY + hour * 3600 + minute * 60 + 59)
    }

    #[test]
    fn hours_of_one_day() {
        let hours = Hours::new(8 * 60, 17 * 60 + 30, 0).unwrap();
        for (hour, minute, wanted) in
            [(0, 0, false), (7, 59, false), (8, 0, true), (17, 29, true), (17, 30, false), (23, 59, false)]
        {
            assert_eq!(hold(&hours, hour, minute), wanted, "{hour}:{minute}");
        }
    }

    #[test]
    fn hours_across_midnight() {
        let hours = Hours::new(18 * 60, 2 * 60, 0).unwrap();
        for (hour, minute, wanted) in
            [(17, 59, false), (18, 0, true), (23, 59, true), (0, 0, true), (1, 59, true), (2, 0, false), (12, 0, false)]
        {
            assert_eq!(hold(&hours, hour, minute), wanted, "{hour}:{minute}");
        }
    }

    #[test]
    fn hours_are_those_of_the_local_clock() {
        let evening = |offset| Hours::new(18 * 60, 2 * 60, offset).unwrap();
        // 20:00 in UTC is 5:00 in Tokyo, and 15:30 in Newfoundland.
        assert!(!hold(&evening(9 * 60), 20, 0) && hold(&evening(9 * 60), 12, 0));
        assert!(!hold(&evening(-(3 * 60 + 30)), 20, 0) && hold(&evening(-(3 * 60 + 30)), 22, 0));
        // Before 1970 by the local clock.
        assert!(Hours::new(16 * 60, 17 * 60, -8 * 60).unwrap().hold_at(0));
    }

    #[test]
    fn whole_day_and_nonsense() {
        assert!(hold(&Hours::new(60, 60, 0).unwrap(), 0, 59) && hold(&Hours::new(60, 60, 0).unwrap(), 1, 0));
        for (from, to, offset) in [(-1, 0, 0), (0, 1440, 0), (0, 0, 5000), (0, 0, -5000)] {
            assert_eq!(Hours::new(from, to, offset).unwrap_err().code(), "invalid_argument");
        }
    }
}
