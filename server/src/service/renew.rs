//! Signs catalog, snapshot and timestamp again before they expire, and warns about what the server cannot sign itself,
//! from the last third of its days on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use vsekai_updater::net::trust::Days;

use super::{Actor, Decision, Renewal, Service};
use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::model::{Mode, Time};

/// How often to check whether something is due.
const EVERY: Duration = Duration::from_mins(10);

/// Sign again when less than this is left of an online role: half the lifetime of the shortest, the timestamp.
const LEFT_S: i64 = 7 * 86_400 / 2;

/// Most signatures of one call: each makes files that stay for a while.
const MAX_RAISE: u64 = 100_000;

impl Service {
    /// Signs catalog, snapshot and timestamp again if they are due. Returns whether they were.
    ///
    /// # Errors
    /// Those of the database, and of signing.
    pub async fn renew(&self) -> Result<bool> {
        let due = std::sync::atomic::AtomicBool::new(false);
        let decide = |view: &View| {
            let is_due = online(view).any(|(_, left)| left < LEFT_S);
            due.store(is_due, std::sync::atomic::Ordering::Relaxed);
            if !is_due {
                return Ok(Decision::default());
            }
            Ok(Decision {
                renew: Renewal::Due,
                audit: ("repository.renew", String::new()),
                detail: json!({}),
                ..Decision::default()
            })
        };
        self.change(&Actor::program("renew"), decide).await?;
        Ok(due.into_inner())
    }

    /// Signs again and again until the version of the timestamp is above `seen`: after a restore, players who have seen
    /// later versions would refuse earlier ones. Returns the version.
    ///
    /// # Errors
    /// [`Error::Invalid`] if that are too many; those of the database and of signing.
    pub async fn raise(&self, seen: u64) -> Result<u64> {
        let mut is_first = true;
        loop {
            let version = version(&self.db.view().await?, "timestamp").ok_or_else(super::sign::not_begun)?;
            if version > seen {
                return Ok(version);
            }
            if seen - version > MAX_RAISE {
                let reason = format!("the timestamp is at {version}, and more than {MAX_RAISE} below");
                return Err(Error::Invalid { what: "seen", reason });
            }
            // Players compare the numbers of modes, too, each of which a lost change may have raised.
            let decide = |view: &View| {
                let raised = view.modes.iter().map(|mode| Mode { sequence: mode.sequence + 1, ..mode.clone() });
                Ok(Decision {
                    rows: raised.map(RowChange::Mode).collect(),
                    renew: Renewal::All,
                    // One entry tells of all steps.
                    audit: if is_first { ("repository.raise", String::new()) } else { Default::default() },
                    detail: json!({"seen": seen}),
                    ..Decision::default()
                })
            };
            self.change(&Actor::program("raise"), decide).await?;
            is_first = false;
        }
    }

    /// Renews at an interval. Never returns: drop the future to stop.
    pub async fn renew_forever(&self) {
        loop {
            match self.renew().await {
                Ok(true) => tracing::info!(
                    event = "signatures_renewed",
                    "renewed the signatures of catalog, snapshot and timestamp"
                ),
                Ok(false) => {}
                Err(error) => {
                    metrics::counter!("vsekai_renewal_failures_total").increment(1);
                    self.upkeep.has_failed("renewal", &error);
                    tracing::error!(event = "renewal_failed", code = error.code(), "cannot renew signatures: {error}");
                }
            }
            if let Ok(view) = self.db.view().await {
                warn_of_offline_roles(&view);
            }
            if let Err(error) = self.check_fitness().await {
                tracing::error!(event = "server_unfit", code = error.code(), "this server cannot sign: {error}");
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// Whether the server itself signs this role, and renews it.
pub fn is_signed_here(role: &str) -> bool {
    matches!(role, "timestamp" | "snapshot" | "catalog")
}

/// The roles that the server signs, and how many seconds each has left.
fn online(view: &View) -> impl Iterator<Item = (&str, i64)> {
    expiries(view).filter(|(role, _)| is_signed_here(role))
}

/// When fewer days than this are left, the holder of a role's key must sign again: the last third of the days that keys
/// have by default, because metadata does not say when it was signed.
pub fn warning_days(role: &str) -> i64 {
    i64::from(Days::default().of(role).div_ceil(3))
}

/// The roles that somebody else must sign again soon, and how many days each has left.
fn ending_offline(view: &View) -> impl Iterator<Item = (&str, i64)> {
    let offline = expiries(view).filter(|(role, _)| !is_signed_here(role));
    offline
        .filter(|(role, left)| *left < warning_days(role) * 86_400)
        .map(|(role, left)| (role, left.div_euclid(86_400)))
}

fn warn_of_offline_roles(view: &View) {
    for (role, days) in ending_offline(view) {
        let remedy = remedy(role);
        tracing::warn!(
            event = "signature_expiring",
            role,
            days,
            "the metadata of {role} expires soon: the holder of its key must run {remedy}"
        );
    }
}

/// What the holder of the key of an offline role runs.
fn remedy(role: &str) -> String {
    match role {
        "root" => "`vsekai keys renew-root KEYS`, then `vsekai keys push KEYS --server URL`".to_owned(),
        "targets" => "`vsekai keys push KEYS --server URL`".to_owned(),
        mode => format!("`vsekai keys renew KEYS {mode} --server URL`"),
    }
}

/// The version of the timestamp in force: players refuse lower ones than they have seen.
pub fn timestamp_version(view: &View) -> Option<u64> {
    version(view, "timestamp")
}

/// The version of the metadata in force of a role.
fn version(view: &View, role: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Document {
        signed: Body,
    }
    #[derive(Deserialize)]
    struct Body {
        version: u64,
    }
    let file = view.metadata.iter().find(|file| file.path == format!("tuf/{role}.json"))?;
    Some(serde_json::from_slice::<Document>(&file.bytes).ok()?.signed.version)
}

/// When the metadata in force of a role expires.
pub(super) fn expiry(view: &View, role: &str) -> Option<DateTime<Utc>> {
    expiry_times(view).find(|(name, _)| *name == role).map(|(_, ends)| ends)
}

/// Every role in force, and how many seconds it has left. Of the roots, only the newest counts.
pub fn expiries(view: &View) -> impl Iterator<Item = (&str, i64)> {
    let now = Time::now().0 / 1_000_000;
    expiry_times(view).map(move |(role, ends)| (role, ends.timestamp() - now))
}

fn expiry_times(view: &View) -> impl Iterator<Item = (&str, DateTime<Utc>)> {
    #[derive(Deserialize)]
    struct Document {
        signed: Body,
    }
    #[derive(Deserialize)]
    struct Body {
        expires: DateTime<Utc>,
    }
    let newest_root = view.metadata.iter().filter(|file| file.path.ends_with(".root.json")).map(|file| &file.path);
    let newest_root = newest_root.max_by_key(|path| (path.len(), (*path).clone()));
    let files =
        view.metadata.iter().filter(move |file| !file.path.ends_with(".root.json") || Some(&file.path) == newest_root);
    files.filter_map(|file| {
        let name = file.path.strip_prefix("tuf/")?.strip_suffix(".json")?;
        let role = name.rsplit('.').next()?;
        let document: Document = serde_json::from_slice(&file.bytes).ok()?;
        Some((role, document.signed.expires))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RepositoryFile;

    fn view(path: &str, days: i64) -> View {
        let ends = Time::now().plus_seconds(days * 86_400 + 3600);
        let bytes = json!({"signed": {"version": 1, "expires": ends.to_string()}}).to_string().into_bytes();
        View { metadata: vec![RepositoryFile { path: path.to_owned(), bytes }], ..View::default() }
    }

    #[test]
    fn everybody_else_is_warned_of_in_the_last_third_of_their_days() {
        for path in ["tuf/1.root.json", "tuf/targets.json", "tuf/stable.json"] {
            assert_eq!(ending_offline(&view(path, 122)).count(), 0, "{path}");
            for days in [121, 29, 0, -3] {
                let found: Vec<i64> = ending_offline(&view(path, days)).map(|(_, days)| days).collect();
                assert_eq!(found, [days], "{path}");
            }
        }
        assert_eq!(ending_offline(&view("tuf/timestamp.json", 1)).count(), 0, "the server renews it");
    }

    #[test]
    fn page_alert_and_board_warn_from_the_same_day_on() {
        let days = warning_days("stable");
        assert!(["root", "targets"].iter().all(|role| warning_days(role) == days));
        let page = include_str!("../pages/files/overview.js");
        assert!(page.contains(&format!("holder: {days} }}")), "{page}");
        let alerts = include_str!("../../deploy/alerts.yml");
        assert!(alerts.contains(&format!("- time() < {days} * 86400\n")), "{alerts}");
        let board = include_str!("../../deploy/grafana.json");
        assert!(board.contains(&format!("\"value\": {}\n", days * 86_400)), "{board}");
    }

    #[test]
    fn page_alert_and_log_name_the_same_commands() {
        let page = include_str!("../pages/files/overview.js");
        let alerts = include_str!("../../deploy/alerts.yml");
        for (role, commands) in
            [("root", &["keys renew-root", "keys push"][..]), ("targets", &["keys push"]), ("stable", &["keys renew"])]
        {
            for command in commands {
                assert!([page, alerts, &remedy(role)].iter().all(|text| text.contains(command)), "{role}: {command}");
            }
        }
    }
}
