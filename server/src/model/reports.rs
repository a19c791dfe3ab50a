//! What players report about versions that are being rolled out. Counts only: nothing says who has reported.

use std::ops::RangeInclusive;

use uuid::Uuid;
use vsekai_updater::formats::release::Platform;

use super::Time;

/// Shown counts are multiples of this, so that nobody can tell from them what one player has reported.
const STEP: u64 = 10;

/// When reports stop a rollout. A mode that has one asks for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportLimit {
    /// Reports from one platform before anything is concluded.
    pub minimum: u32,
    /// Percentage of them that may say that the version failed to start.
    pub percent: u8,
}

impl ReportLimit {
    /// Possible minimums. An address counts once on each server: with fewer, a handful of people could stop a rollout.
    pub const MINIMUMS: RangeInclusive<u32> = 10..=1_000_000;
    /// Possible percentages.
    pub const PERCENTS: RangeInclusive<u8> = 1..=99;
}

/// What was reported about a version on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCount {
    /// The version.
    pub version_id: Uuid,
    /// The platform.
    pub platform: Platform,
    /// Reports that it started.
    pub started: u64,
    /// Reports that it failed to.
    pub failed: u64,
}

impl ReportCount {
    /// All reports.
    pub fn reports(&self) -> u64 {
        self.started.saturating_add(self.failed)
    }

    /// Whether enough players have reported, and too many of them a failure.
    pub fn passes(&self, limit: ReportLimit) -> bool {
        let reports = self.reports();
        let allowed = u128::from(reports) * u128::from(limit.percent);
        reports >= u64::from(limit.minimum) && u128::from(self.failed) * 100 > allowed
    }
}

/// A rollout that reports have stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// The version.
    pub version_id: Uuid,
    /// The platform whose reports passed the limit.
    pub platform: Platform,
    /// Reports by then.
    pub reports: u64,
    /// Reports of a failure by then.
    pub failed: u64,
    /// The limit, in per cent.
    pub percent: u8,
    /// When it was stopped.
    pub at: Time,
}

impl Halt {
    /// Why the rollout was stopped, in one sentence.
    pub fn reason(&self) -> String {
        let Self { platform, reports, failed, percent, .. } = self;
        let of = percentage(*failed, *reports).unwrap_or_default();
        let about = rounded(*reports);
        format!(
            "{of}% of about {about} players on {platform} reported that it failed to start; the limit is {percent}%"
        )
    }
}

/// A count as it is shown: rounded down.
pub fn rounded(count: u64) -> u64 {
    count - count % STEP
}

/// A part in whole per cent, rounded up, so that what passes a limit is never shown as equal to it. `None` of fewer than
/// [`STEP`].
pub fn percentage(part: u64, of: u64) -> Option<u8> {
    let percent = (u128::from(part) * 100).div_ceil(u128::from(of.max(1)));
    (of >= STEP).then(|| u8::try_from(percent).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(started: u64, failed: u64) -> ReportCount {
        let platform = Platform::new("linux-x86_64").unwrap();
        ReportCount { version_id: Uuid::nil(), platform, started, failed }
    }

    #[test]
    fn limit_is_passed_by_more_than_its_percentage_of_enough_reports() {
        let limit = ReportLimit { minimum: 50, percent: 10 };
        assert!(!count(0, 49).passes(limit), "too few");
        assert!(count(0, 50).passes(limit));
        assert!(!count(45, 5).passes(limit), "exactly the limit");
        assert!(count(44, 6).passes(limit));
        assert!(!count(u64::MAX, 3).passes(limit));
    }

    #[test]
    fn counts_are_shown_rounded() {
        assert_eq!([0, 9, 10, 19, 12_345].map(rounded), [0, 0, 10, 10, 12_340]);
        assert_eq!([percentage(1, 9), percentage(0, 10), percentage(21, 200)], [None, Some(0), Some(11)]);
        let platform = count(0, 0).platform;
        let halt = Halt { version_id: Uuid::nil(), platform, reports: 57, failed: 6, percent: 10, at: Time(0) };
        let reason = halt.reason();
        assert!(reason.starts_with("11% of about 50 players on linux-x86_64") && reason.ends_with("10%"), "{reason}");
    }
}
