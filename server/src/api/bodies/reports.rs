//! The JSON of reports: what a player sends, what stops a rollout, and what operators see.

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::api::text::Text;
use crate::db::View;
use crate::model::{self, percentage, rounded};

/// How a new version began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(in crate::api) enum Outcome {
    /// It has shown that it works.
    Started,
    /// It was put aside because it did not start.
    Failed,
}

impl From<Outcome> for vsekai_updater::net::api::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Started => Self::Started,
            Outcome::Failed => Self::Failed,
        }
    }
}

/// Whether a version that is being rolled out has started on a player's machine. There is no field that says whose.
#[derive(Debug, Clone, Object)]
#[oai(example, deny_unknown_fields)]
pub(in crate::api) struct Report {
    /// The name of the mode.
    #[oai(validator(max_length = 32, pattern = "^[a-z0-9][a-z0-9-]*$"))]
    pub(in crate::api) mode: Text,
    /// The version number (`SemVer`).
    #[oai(validator(min_length = 1, max_length = 128))]
    pub(in crate::api) version: Text,
    /// The platform, such as `linux-x86_64`.
    #[oai(validator(max_length = 32, pattern = "^[a-z0-9_]+-[a-z0-9_]+$"))]
    pub(in crate::api) platform: Text,
    /// How it began.
    pub(in crate::api) outcome: Outcome,
}

impl Example for Report {
    fn example() -> Self {
        let (mode, version, platform) = ("stable".into(), "1.3.0".into(), "linux-x86_64".into());
        Self { mode, version, platform, outcome: Outcome::Started }
    }
}

/// When reports of players stop a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Object)]
#[oai(example, deny_unknown_fields)]
pub(in crate::api) struct ReportLimit {
    /// Reports from one platform before anything is concluded, 10 to 1,000,000.
    #[oai(validator(minimum(value = "10"), maximum(value = "1000000")))]
    pub(in crate::api) minimum: u32,
    /// Percentage of them that may say that the version failed to start, 1 to 99. More stop the rollout.
    #[oai(validator(minimum(value = "1"), maximum(value = "99")))]
    pub(in crate::api) percent: u8,
}

impl From<model::ReportLimit> for ReportLimit {
    fn from(model::ReportLimit { minimum, percent }: model::ReportLimit) -> Self {
        Self { minimum, percent }
    }
}

impl From<ReportLimit> for model::ReportLimit {
    fn from(ReportLimit { minimum, percent }: ReportLimit) -> Self {
        Self { minimum, percent }
    }
}

impl Example for ReportLimit {
    fn example() -> Self {
        Self { minimum: 50, percent: 5 }
    }
}

/// What players have reported about a version on one platform. Counts are rounded down to tens.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(example)]
pub(in crate::api) struct ReportCount {
    /// The name of the mode.
    pub(in crate::api) mode: String,
    /// The version number.
    pub(in crate::api) version: String,
    /// The id of the version.
    pub(in crate::api) version_id: Uuid,
    /// The platform, such as `linux-x86_64`.
    pub(in crate::api) platform: String,
    /// Percentage of installs that are offered the version now.
    pub(in crate::api) rollout: u8,
    /// About how many have reported.
    pub(in crate::api) reports: u64,
    /// Percentage of them that say that it failed to start, rounded up. Null for fewer than ten.
    pub(in crate::api) failed_percent: Option<u8>,
    /// When reports stopped the rollout (RFC 3339). Null if they have not, or somebody has let it go on since.
    pub(in crate::api) halted_at: Option<String>,
    /// Why they stopped it.
    pub(in crate::api) halted_because: Option<String>,
}

impl ReportCount {
    /// `None` if the version is gone.
    pub(in crate::api) fn of(count: &model::ReportCount, view: &View, halts: &[model::Halt]) -> Option<Self> {
        let version = view.versions.iter().find(|version| version.id == count.version_id)?;
        let halt = halts.iter().find(|halt| halt.version_id == count.version_id && halt.platform == count.platform);
        Some(Self {
            mode: view.mode(version.mode_id)?.name.to_string(),
            version: version.version.to_string(),
            version_id: version.id,
            platform: count.platform.to_string(),
            rollout: version.rollout,
            reports: rounded(count.reports()),
            failed_percent: percentage(count.failed, count.reports()),
            halted_at: halt.map(|halt| halt.at.to_string()),
            halted_because: halt.map(model::Halt::reason),
        })
    }
}

impl Example for ReportCount {
    fn example() -> Self {
        Self {
            mode: "stable".to_owned(),
            version: "1.3.0".to_owned(),
            version_id: Uuid::from_u128(0x0192_54e3_7a6b_7c2d_8e4f_1020_3040_5061),
            platform: "linux-x86_64".to_owned(),
            rollout: 25,
            reports: 340,
            failed_percent: Some(2),
            halted_at: None,
            halted_because: None,
        }
    }
}
