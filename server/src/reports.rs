//! Reports of players about versions that are being rolled out, and the loop that stops a rollout when too many of them
//! are of failures.
//!
//! ```text
//! count     a report -> counts in memory, if the mode asks and the address has not reported this version today
//! forever   counts -> database -> judge -> Service::halt, under the lease `reports`
//! ```
//!
//! Nothing is kept of who reports. That an address counts once is remembered as a keyed hash: the key is this process's
//! own, made anew every day, and neither is ever written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::counter;
use moka::future::Cache;
use uuid::Uuid;
use vsekai_updater::formats::release::{ModeName, Platform};
use vsekai_updater::net::api::Outcome;
use vsekai_updater::version::Version;

use crate::client::network;
use crate::db::{Db, View};
use crate::error::{Error, Result};
use crate::model::{ReportCount, Time};
use crate::service::{Service, is_in_rollout, passed_limit};
use crate::static_files::shared;

/// How long it is remembered what is asked for. Changes by this process count at once.
const FRESH: Duration = Duration::from_secs(5);

/// Most addresses that are told apart in a day, 16 bytes each or less. Further ones are not counted.
const MAX_HEARD: usize = 1_000_000;

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// What a report is about: the text of mode, version and platform.
type About = (String, String, String);

/// What players have reported to this process since the last write.
#[derive(Debug)]
pub struct Reports {
    /// What the modes ask for.
    asked: Cache<(), Arc<HashMap<About, Uuid>>>,
    tally: Mutex<Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<(Uuid, Platform), (u64, u64)>,
    heard: HashSet<u64>,
    key: RandomState,
    /// The day of `key`, since 1970.
    day: i64,
}

impl Default for Reports {
    fn default() -> Self {
        let asked = Cache::builder().max_capacity(1).time_to_live(FRESH).build();
        Self { asked, tally: Mutex::default() }
    }
}

impl Reports {
    /// Counts a report. One that nobody asks for, and a second one from the same address, change nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn count(
        &self,
        db: &dyn Db,
        (mode, version, platform): (&ModeName, &Version, &Platform),
        outcome: Outcome,
        from: IpAddr,
    ) -> Result<()> {
        let about = (mode.to_string(), version.to_string(), platform.to_string());
        // However many report at once, the database is read once.
        let load = async { Ok(Arc::new(asked(&db.view().await?))) };
        let known = self.asked.try_get_with((), load).await.map_err(|error: Arc<Error>| shared(&error))?;
        let became = match known.get(&about) {
            Some(id) => self.tally().add((*id, platform.clone()), outcome, from, today()),
            None => "ignored",
        };
        counter!("vsekai_reports_total", "outcome" => became).increment(1);
        Ok(())
    }

    /// Forgets what is asked for: the repository has changed.
    pub fn changed(&self) {
        self.asked.invalidate_all();
    }

    /// Writes what was counted since the last write. What cannot be written now is included in the next write.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write(&self, db: &dyn Db) -> Result<()> {
        let counts = {
            let mut tally = self.tally();
            tally.begin(today());
            std::mem::take(&mut tally.counts)
        };
        if counts.is_empty() {
            return Ok(());
        }
        let row = |((version_id, platform), (started, failed)): (&(Uuid, Platform), &(u64, u64))| ReportCount {
            version_id: *version_id,
            platform: platform.clone(),
            started: *started,
            failed: *failed,
        };
        let written = db.add_reports(&counts.iter().map(row).collect::<Vec<_>>()).await;
        if written.is_err() {
            let mut tally = self.tally();
            for (about, (started, failed)) in counts {
                let sums = tally.counts.entry(about).or_default();
                *sums = (sums.0 + started, sums.1 + failed);
            }
        }
        written
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// Forgets at the beginning of a day who was heard on the one before.
    fn begin(&mut self, today: i64) {
        if self.day != today {
            (self.heard, self.key, self.day) = (HashSet::new(), RandomState::new(), today);
        }
    }

    /// Adds a report, and says what became of it.
    fn add(&mut self, about: (Uuid, Platform), outcome: Outcome, from: IpAddr, today: i64) -> &'static str {
        self.begin(today);
        // Whatever the platform and the outcome: an address has one voice for a version.
        let voice = self.key.hash_one((about.0, network(from)));
        if self.heard.contains(&voice) || self.heard.len() >= MAX_HEARD {
            return "repeated";
        }
        self.heard.insert(voice);
        let sums = self.counts.entry(about).or_default();
        match outcome {
            Outcome::Started => sums.0 += 1,
            Outcome::Failed => sums.1 += 1,
        }
        "counted"
    }
}

fn today() -> i64 {
    Time::now().0.div_euclid(DAY_MICROS)
}

/// The versions that are being rolled out in modes that ask, on each of their platforms.
fn asked(view: &View) -> HashMap<About, Uuid> {
    let mut all = HashMap::new();
    for version in view.versions.iter().filter(|version| is_in_rollout(version)) {
        let Some(mode) = view.mode(version.mode_id).filter(|mode| mode.reports.is_some()) else { continue };
        for (_, platform) in view.platforms.iter().filter(|(id, _)| *id == version.id) {
            all.insert((mode.name.to_string(), version.version.to_string(), platform.to_string()), version.id);
        }
    }
    all
}

/// Writes the counts of this process at this interval, and stops rollouts whenever it gets the lease. Never returns:
/// drop the future to stop.
pub async fn forever(service: Arc<Service>, holder: String, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = round(&service, &holder, every).await {
            service.upkeep().has_failed("reports", &error);
            tracing::warn!(event = "reports_not_judged", code = error.code(), "cannot judge reports: {error}");
        }
    }
}

async fn round(service: &Service, holder: &str, every: Duration) -> Result<()> {
    let db = service.db();
    service.reports().write(db.as_ref()).await?;
    let lease = i64::try_from(every.as_secs() * 3).unwrap_or(i64::MAX);
    if !db.lease("reports", holder, lease).await? {
        return Ok(());
    }
    let counts = db.reports().await?;
    if counts.is_empty() {
        return Ok(());
    }
    let view = db.view().await?;
    for count in counts.iter().filter(|count| passed_limit(&view, count).is_some()) {
        service.halt(count).await?;
        tracing::warn!(event = "rollout_halted", version = %count.version_id, platform = %count.platform, "stopped a rollout: too many failed starts");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    fn about() -> (Uuid, Platform) {
        (Uuid::nil(), Platform::new("linux-x86_64").unwrap())
    }

    #[test]
    fn address_counts_once_for_a_version_until_the_next_day() {
        let mut tally = Tally::default();
        let other = (Uuid::max(), about().1);
        assert_eq!(tally.add(about(), Outcome::Failed, address(1), 9), "counted");
        assert_eq!(tally.add(about(), Outcome::Failed, address(1), 9), "repeated");
        assert_eq!(tally.add(about(), Outcome::Started, address(1), 9), "repeated");
        assert_eq!(tally.add(about(), Outcome::Started, address(2), 9), "counted");
        assert_eq!(tally.add(other, Outcome::Started, address(1), 9), "counted");
        assert_eq!(tally.counts[&about()], (1, 1));
        assert_eq!(tally.add(about(), Outcome::Failed, address(1), 10), "counted");
        assert_eq!(tally.heard.len(), 1, "the days before are forgotten");
        tally.begin(11);
        assert!(tally.heard.is_empty(), "also if nobody reports");
        assert_eq!(tally.add(about(), Outcome::Failed, address(1), 11), "counted");
        let [one, same, else_where] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|it| it.parse().unwrap());
        let each = [one, same, else_where].map(|it| tally.add(about(), Outcome::Failed, it, 11));
        assert_eq!(each, ["counted", "repeated", "counted"]);
    }
}
