//! Which bundles are worth building, and in what order. Pure.
//!
//! For each of the newest versions of each mode and platform: one bundle from each of the versions before it, one from
//! each of the other versions in highest demand, and one that needs no version. All of them are built with the least
//! effort first, so that there is something soon, and then with greater efforts, up to the one that is configured.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::Effort;
use vsekai_updater::formats::release::Platform;

use crate::db::View;
use crate::model::{Asks, Bundle, ModeVersion, VersionIndex, VersionState};

/// What to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For how many of the newest versions of each mode and platform.
    pub versions: usize,
    /// From how many versions before each of them.
    pub deltas: usize,
    /// From how many other versions, by demand.
    pub asked: usize,
    /// The greatest effort.
    pub effort: Effort,
    /// Whether to use the greatest effort at once, without building with lesser ones first.
    pub only_last: bool,
}

/// A bundle to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildJob {
    /// How hard to try to make it small.
    pub effort: Effort,
    /// The index of the version that it contains.
    pub to: Digest,
    /// The index of the version that clients must have, if any.
    pub from: Option<Digest>,
}

/// What is known about versions, bundles and demand.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) view: View,
    pub(super) indexes: Vec<VersionIndex>,
    pub(super) bundles: Vec<Bundle>,
    pub(super) asks: Vec<Asks>,
}

/// Chooses the bundles that do not exist yet, most urgent first.
pub(super) fn choose(known: &Known, policy: &Policy) -> Vec<BuildJob> {
    let wanted = wanted(known, policy);
    let there: BTreeMap<_, _> =
        known.bundles.iter().map(|bundle| ((bundle.to, bundle.info.from), bundle.info.effort)).collect();
    let is_step = |effort: &Effort| *effort == policy.effort || (!policy.only_last && *effort < policy.effort);
    let efforts = Effort::ALL.into_iter().filter(is_step);
    let jobs = efforts.flat_map(|effort| wanted.iter().map(move |&(to, from)| BuildJob { effort, to, from }));
    jobs.filter(|job| there.get(&(job.to, job.from)).is_none_or(|done| *done < job.effort)).collect()
}

/// The pairs of versions (to, from) that should have a bundle, most urgent first.
fn wanted(known: &Known, policy: &Policy) -> Vec<(Digest, Option<Digest>)> {
    let mut popularity = BTreeMap::<Digest, u64>::new();
    for asks in &known.asks {
        *popularity.entry(asks.from).or_default() += asks.count;
    }
    let lines = lines(known);
    let mut targets = Vec::new();
    for line in &lines {
        let offered = line.iter().enumerate().filter(|(_, (version, _))| !version.recalled);
        targets.extend(offered.take(policy.versions).enumerate().map(|(rank, (at, _))| (rank, at, line)));
    }
    // The newest versions of all modes and platforms first.
    targets.sort_by_key(|(rank, at, line)| {
        (*rank, line.get(*at).map(|(version, _)| std::cmp::Reverse(version.published_at)))
    });
    let all: BTreeSet<_> = known.indexes.iter().map(|index| index.digest).collect();
    let mut pairs = Vec::new();
    for (_, at, line) in targets {
        let Some((_, to)) = line.get(at) else { continue };
        let mut before: Vec<Digest> = line.iter().skip(at + 1).map(|(_, from)| *from).take(policy.deltas).collect();
        let rest = before.split_off(before.len().min(1));
        let mut others: Vec<Digest> = known
            .asks
            .iter()
            .filter(|asks| asks.to == *to && all.contains(&asks.from))
            .map(|asks| asks.from)
            .filter(|from| !before.contains(from) && !rest.contains(from))
            .collect();
        let times =
            |from: &Digest| known.asks.iter().find(|it| it.to == *to && it.from == *from).map_or(0, |it| it.count);
        others.sort_by_key(|from| std::cmp::Reverse(times(from)));
        others.truncate(policy.asked);
        others.extend(rest);
        // A stable sort: without demand, newer versions come first.
        others.sort_by_key(|from| std::cmp::Reverse(popularity.get(from).copied().unwrap_or_default()));
        let froms = before.into_iter().chain(others).map(Some).chain([None]);
        pairs.extend(froms.filter(|from| *from != Some(*to)).map(|from| (*to, from)));
    }
    let mut seen = BTreeSet::new();
    pairs.retain(|pair| seen.insert(*pair));
    pairs
}

/// Published versions by mode and platform, newest first.
fn lines(known: &Known) -> Vec<Vec<(&ModeVersion, Digest)>> {
    let mut lines = BTreeMap::<(Uuid, &Platform), Vec<(&ModeVersion, Digest)>>::new();
    for index in &known.indexes {
        let version = known.view.versions.iter().find(|version| version.id == index.version_id);
        if let Some(version) = version.filter(|version| version.state == VersionState::Published) {
            lines.entry((version.mode_id, &index.platform)).or_default().push((version, index.digest));
        }
    }
    let newest = |(version, _): &(&ModeVersion, Digest)| std::cmp::Reverse(version.sequence);
    lines
        .into_values()
        .map(|mut line| {
            line.sort_by_key(newest);
            line
        })
        .collect()
}

#[cfg(test)]
#[path = "choose/tests.rs"]
mod tests;
