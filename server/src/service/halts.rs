//! Stops rollouts whose reports have passed the limit of their mode.

use serde_json::json;

use super::{Actor, Decision, Service};
use crate::db::{RowChange, View};
use crate::error::Result;
use crate::model::{Halt, ModeVersion, ReportCount, ReportLimit, Time, VersionState, percentage, rounded};

/// Whether a version is being rolled out: some players are offered it, and not all.
pub(crate) fn is_in_rollout(version: &ModeVersion) -> bool {
    version.state == VersionState::Published && !version.recalled && (1..100).contains(&version.rollout)
}

impl Service {
    /// Stops a rollout: nobody else is offered the version, and those who have it keep it. Does nothing if the rollout
    /// has ended meanwhile, or the mode's limit allows these reports by now.
    ///
    /// # Errors
    /// Those of the database and of signing.
    pub async fn halt(&self, count: &ReportCount) -> Result<()> {
        self.change(&Actor::program("reports"), |view| Ok(decide(view, count))).await
    }
}

/// The limit that these reports pass, if their version is being rolled out.
pub(crate) fn passed_limit<'a>(view: &'a View, count: &ReportCount) -> Option<(&'a ModeVersion, ReportLimit)> {
    let version = view.versions.iter().find(|version| version.id == count.version_id)?;
    let limit = view.mode(version.mode_id)?.reports?;
    (is_in_rollout(version) && count.passes(limit)).then_some((version, limit))
}

/// The stopped rollouts that still wait for somebody: not those of versions that were recalled or that are gone.
pub(crate) fn open_halts<'a>(view: &'a View, halts: &'a [Halt]) -> impl Iterator<Item = (&'a ModeVersion, &'a Halt)> {
    let waits = |version: &ModeVersion| {
        version.state == VersionState::Published && !version.recalled && !version.skip_update && version.rollout == 0
    };
    halts.iter().filter_map(move |halt| {
        let version = view.versions.iter().find(|version| version.id == halt.version_id)?;
        waits(version).then_some((version, halt))
    })
}

fn decide(view: &View, count: &ReportCount) -> Decision {
    let found = passed_limit(view, count);
    let Some(((before, limit), mode)) = found.and_then(|found| Some((found, view.mode(found.0.mode_id)?))) else {
        return Decision::default();
    };
    let (mut mode, mut version, now) = (mode.clone(), before.clone(), Time::now());
    version.rollout = 0;
    version.updated_at = now;
    mode.sequence += 1;
    mode.updated_at = now;
    let halt = Halt {
        version_id: version.id,
        platform: count.platform.clone(),
        reports: count.reports(),
        failed: count.failed,
        percent: limit.percent,
        at: now,
    };
    Decision {
        audit: ("rollout.halt", format!("{} {}", mode.name, version.version)),
        detail: json!({
            "reason": halt.reason(), "platform": halt.platform.as_str(), "reports": rounded(halt.reports),
            "failed_percent": percentage(halt.failed, halt.reports), "limit_percent": limit.percent,
            "before": {"rollout": before.rollout}, "after": {"rollout": 0},
        }),
        rows: vec![RowChange::Mode(mode), RowChange::Version(version), RowChange::Halt(halt)],
        ..Decision::default()
    }
}
