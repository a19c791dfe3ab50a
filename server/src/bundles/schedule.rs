//! When bundles are built: in the background for as long as a server runs, or all at once for an operator.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use tokio::sync::Notify;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::release::ModeName;

use super::build::{Builder, LEASE_S, Outcome};
use super::choose::{BuildJob, Known, choose};
use super::demand;
use crate::error::{Error, Result};
use crate::model::{ModeVersion, VersionIndex};

/// How often to look for something to build. A publication to this server wakes the builder at once.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How often to look while another server builds. It may be killed.
const LOOK_AGAIN: Duration = Duration::from_secs(LEASE_S.unsigned_abs() / 2);

/// How long the builder rests after it has found nothing to do, unless something is published. Demand changes too.
const IDLE: Duration = Duration::from_mins(10);

/// How often the demand is written.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// The pause after a failure. It doubles each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

/// Jobs that have failed: how often, and when to retry them. A restart forgets them.
#[derive(Debug, Default)]
struct Failures(HashMap<BuildJob, (u32, Instant)>);

impl Failures {
    fn is_due(&self, job: &BuildJob) -> bool {
        self.0.get(job).is_none_or(|(_, again)| *again <= Instant::now())
    }

    fn note(&mut self, job: BuildJob) -> Duration {
        let (count, again) = self.0.entry(job).or_insert((0, Instant::now()));
        let pause = FIRST_PAUSE.saturating_mul(1 << (*count).min(16)).min(LONGEST_PAUSE);
        *count += 1;
        *again = Instant::now() + pause;
        pause
    }
}

impl Builder {
    /// Builds whenever it gets the lease and there is something to build; `changed` wakes it. Returns after
    /// [`stop`](Self::stop).
    pub async fn build_forever(self: Arc<Self>, changed: Arc<Notify>) {
        let mut failures = Failures::default();
        // The revision at which nothing was left to do, and the time.
        let mut idle: Option<(u64, Instant)> = None;
        while !self.is_stopped() {
            let pause = match self.round(&mut failures, &mut idle).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(event = "bundles_failed", code = error.code(), "cannot build bundles: {error}");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Writes the demand once a minute. Never returns: drop the future to stop.
    pub async fn record_demand_forever(self: Arc<Self>) {
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            if let Err(error) = self.bundles.demand().write(self.db.as_ref()).await {
                tracing::warn!(
                    event = "demand_not_recorded",
                    code = error.code(),
                    "cannot record the demand for bundles: {error}"
                );
            }
        }
    }

    /// Builds until nothing is left to do or another server builds. Returns when to look again.
    async fn round(&self, failures: &mut Failures, idle: &mut Option<(u64, Instant)>) -> Result<Duration> {
        let revision = self.db.revision().await?;
        if idle.is_some_and(|(at, since)| at == revision && since.elapsed() < IDLE) {
            return Ok(LOOK_EVERY);
        }
        *idle = None;
        let mut has_lease = false;
        let outcome = loop {
            let (known, jobs) = self.look(None).await?;
            #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^53")]
            gauge!("vsekai_bundles_wanted").set(jobs.len() as f64);
            if jobs.is_empty() {
                *idle = Some((revision, Instant::now()));
            }
            let Some(job) = jobs.into_iter().find(|job| failures.is_due(job)) else { break Ok(LOOK_EVERY) };
            if !self.take_lease().await? {
                return Ok(LOOK_AGAIN);
            }
            if !has_lease {
                // Look again: another server may just have built this.
                has_lease = true;
                continue;
            }
            match self.build_and_log(job, &known).await {
                Ok(_) => failures.0.remove(&job).map(drop).unwrap_or_default(),
                Err(error @ Error::Unavailable { code: "busy", .. }) => break Err(error),
                Err(_) if self.is_stopped() => break Ok(LOOK_EVERY),
                Err(error) => {
                    let pause = failures.note(job);
                    let what = name(&known, &job);
                    tracing::warn!(
                        event = "bundle_failed",
                        code = error.code(),
                        retry_s = pause.as_secs(),
                        "cannot build {what}: {error}"
                    );
                }
            }
        };
        if has_lease {
            self.give_lease_back().await?;
        }
        outcome
    }

    /// Builds all missing bundles now, for an operator. `report` is called with the name and the outcome of each. A
    /// failure does not stop the others.
    ///
    /// # Errors
    /// `busy` if another process builds; those of the database.
    pub async fn build_all(&self, mode: Option<&ModeName>, report: impl Fn(&str, Result<Outcome>)) -> Result<()> {
        let busy = || Error::Unavailable {
            code: "busy",
            reason: "Another process, such as a server, is building bundles; try again later".to_owned(),
        };
        let mut failed = Vec::new();
        let outcome = loop {
            if !self.take_lease().await? {
                return Err(busy());
            }
            let (known, jobs) = self.look(mode).await?;
            let Some(job) = jobs.into_iter().find(|job| !failed.contains(job)) else { break Ok(()) };
            let outcome = self.build_and_log(job, &known).await;
            if outcome.is_err() {
                failed.push(job);
            }
            report(&name(&known, &job), outcome);
        };
        self.give_lease_back().await?;
        outcome
    }

    /// Finds out what to build, for one mode or for all.
    async fn look(&self, mode: Option<&ModeName>) -> Result<(Known, Vec<BuildJob>)> {
        let (view, indexes) = (self.db.view().await?, self.db.indexes().await?);
        let bundles = self.db.bundles(None).await?;
        let asks = demand::recent(self.db.as_ref()).await?;
        let known = Known { view, indexes, bundles, asks };
        let mut jobs = choose(&known, &self.options.policy);
        if let Some(mode) = mode {
            let id = known.view.mode_named(mode).ok_or(Error::NotFound { what: "mode" })?.id;
            jobs.retain(|job| versions_of(&known, &job.to).any(|(version, _)| version.mode_id == id));
        }
        Ok((known, jobs))
    }

    async fn build_and_log(&self, job: BuildJob, known: &Known) -> Result<Outcome> {
        let outcome = self.build(job, &known.indexes).await;
        let word = if outcome.is_ok() { "ok" } else { "failed" };
        counter!("vsekai_bundle_builds_total", "effort" => job.effort.as_str(), "outcome" => word).increment(1);
        if let Ok(Outcome { info, put, took, rested }) = &outcome {
            let what = name(known, &job);
            let (took_ms, rested_ms) = (millis(*took), millis(*rested));
            tracing::info!(event = "bundle_built", id = %info.id, bytes = info.length, outcome = put.as_str(), took_ms, rested_ms, "built {what}");
        }
        outcome
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn versions_of<'a>(known: &'a Known, digest: &Digest) -> impl Iterator<Item = (&'a ModeVersion, &'a VersionIndex)> {
    let digest = *digest;
    let indexes = known.indexes.iter().filter(move |index| index.digest == digest);
    indexes.filter_map(|index| {
        let version = known.view.versions.iter().find(|version| version.id == index.version_id)?;
        Some((version, index))
    })
}

/// The name of a job in messages: `stable 1.1.0 linux-x86_64 from 1.0.0 (fast)`.
fn name(known: &Known, job: &BuildJob) -> String {
    let to = versions_of(known, &job.to).next().map(|(version, index)| {
        let mode = known.view.mode(version.mode_id).map_or("?", |mode| mode.name.as_str());
        format!("{mode} {} {}", version.version, index.platform)
    });
    let from =
        job.from.and_then(|from| versions_of(known, &from).next().map(|(version, _)| version.version.to_string()));
    let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
    format!("{}{from} ({})", to.unwrap_or_else(|| job.to.to_string()), job.effort.as_str())
}
