//! What an install tells its publisher if its player agreed: how a new version began, once for each version.
//!
//! [`launch`](super::launch) notes it when a trial ends. It is told after the game has ended, by whoever has the network.

use serde::{Deserialize, Serialize};

use super::{InstallState, Installed};
use crate::formats::release::{ModeName, Platform};
use crate::version::Version;

/// Most versions that an install remembers to have told of.
const MAX_REPORTS: usize = 50;

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The version has shown that it works.
    Started,
    /// It showed nothing at as many starts as it had.
    Failed,
}

/// How a version began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The mode from which it was installed.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// The platform that it runs on.
    pub platform: Platform,
    /// How its trial ended.
    pub outcome: Outcome,
    /// Whether this is done: told, or perhaps told, or not asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_done: bool,
}

impl InstallState {
    /// Notes how a version began, unless that was noted before.
    pub(super) fn note_outcome(&mut self, installed: &Installed, outcome: Outcome) {
        let (mode, version, platform) = (&installed.mode, &installed.version, &installed.platform);
        if self.reports.iter().any(|report| report.mode == *mode && report.version == *version) {
            return;
        }
        let (mode, version, platform) = (mode.clone(), version.clone(), platform.clone());
        self.reports.push(Report { mode, version, platform, outcome, is_done: false });
        let too_many = self.reports.len().saturating_sub(MAX_REPORTS);
        self.reports.drain(..too_many);
    }

    /// The reports that wait. They count as told from now on, whatever becomes of them: none is told twice.
    pub fn take_reports(&mut self) -> Vec<Report> {
        let waiting = self.reports.iter_mut().filter(|report| !report.is_done);
        let take = |report: &mut Report| {
            report.is_done = true;
            report.clone()
        };
        waiting.map(take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(version: &str) -> Installed {
        Installed {
            folder: version.to_owned(),
            mode: ModeName::default(),
            version: Version::parse(version).unwrap(),
            platform: Platform::current(),
            sequence: 1,
        }
    }

    #[test]
    fn version_is_told_of_once() {
        let mut state = InstallState::begin(ModeName::default());
        state.note_outcome(&installed("1.0.0"), Outcome::Failed);
        state.note_outcome(&installed("1.0.0"), Outcome::Started);
        let taken = state.take_reports();
        assert_eq!((taken.len(), taken[0].outcome), (1, Outcome::Failed));
        state.note_outcome(&installed("1.0.0"), Outcome::Started);
        assert!(state.take_reports().is_empty());
        for number in 0..100 {
            state.note_outcome(&installed(&format!("2.{number}.0")), Outcome::Started);
        }
        assert_eq!(state.reports.len(), MAX_REPORTS);
        assert_eq!(state.reports[MAX_REPORTS - 1].version.to_string(), "2.99.0");
    }
}
