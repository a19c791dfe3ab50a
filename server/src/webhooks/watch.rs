//! Looks for what nobody does: signatures that are about to expire, and what fails in this process.
//!
//! One server tells of signatures, under the lease `webhooks`; each tells of its own failures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Event, Webhooks};
use crate::db::View;
use crate::error::Result;
use crate::model::Time;
use crate::service::{Service, expiries, is_signed_here, warning_days};
use crate::upkeep::Failure;

/// How often to look.
const EVERY: Duration = Duration::from_mins(1);

/// How long the lease lasts, in seconds.
const LEASE_S: i64 = 180;

/// Tell of a signature when fewer than so many days are left, the first time in its last third: each number once.
const DAYS: [i64; 5] = [30, 14, 7, 3, 1];

/// From how many days on to tell of a role that a server renews: then it has failed to for more than a day.
const OWN_DAYS: i64 = 2;

/// How long not to repeat a failure.
const QUIET: Duration = Duration::from_hours(6);

/// What was told already.
#[derive(Debug, Default)]
struct Told {
    expiring: BTreeSet<String>,
    failures: BTreeMap<(String, String), Instant>,
}

/// Looks and tells. Never returns: drop the future to stop.
pub(super) async fn forever(webhooks: Arc<Webhooks>, service: Arc<Service>, holder: String) {
    let mut told = Told::default();
    let mut was_unfit = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let found = look(&service).await.err().map(|failure| ("server".to_owned(), failure));
        // A single failure may be a moment's: only what lasts a minute is told.
        let lasts = found.is_some() && was_unfit;
        was_unfit = found.is_some();
        let of_tasks = service.upkeep().take_failures().into_iter().map(|(task, it)| (task.to_owned(), it));
        for (task, failure) in found.filter(|_| lasts).into_iter().chain(of_tasks) {
            if told.is_new(&task, &failure) {
                webhooks.tell(failing(&task, &failure));
            }
        }
        if let Err(error) = expiring(&webhooks, &service, &holder, &mut told).await {
            tracing::debug!(code = error.code(), "cannot look at signatures: {error}");
        }
    }
}

/// Fails if this server cannot do its work.
async fn look(service: &Service) -> Result<(), Failure> {
    let outcome = async {
        service.db().ping_writers().await?;
        service.check_fitness().await?;
        service.chunks().check_reach().await
    };
    outcome.await.map_err(|error| Failure { code: error.code(), detail: crate::problem::Problem::of(&error).detail })
}

async fn expiring(webhooks: &Webhooks, service: &Service, holder: &str, told: &mut Told) -> Result<()> {
    if !service.db().lease("webhooks", holder, LEASE_S).await? {
        return Ok(());
    }
    for event in of_signatures(&service.db().view().await?) {
        if told.expiring.insert(event.id.clone()) {
            webhooks.tell(event);
        }
    }
    Ok(())
}

/// The signatures that are about to expire. The ids are the same for everybody who looks within the same days.
fn of_signatures(view: &View) -> Vec<Event> {
    let now = Time::now();
    let event = |(role, left): (&str, i64)| {
        let days = left.div_euclid(86_400);
        let most = if is_signed_here(role) { OWN_DAYS } else { i64::MAX };
        let mut steps = DAYS.into_iter().rev().chain([warning_days(role)]);
        let step = steps.find(|step| days < *step).filter(|_| days < most)?;
        let end = Time(now.0.div_euclid(1_000_000) * 1_000_000).plus_seconds(left);
        let who =
            if is_signed_here(role) { "the server has not renewed it" } else { "the holder of its key must renew it" };
        let text = if left < 0 {
            format!("The signature of {role} has expired: {who}")
        } else {
            format!("The signature of {role} ends in less than {} days: {who}", days + 1)
        };
        Some(Event {
            id: format!("expiry_{role}_{}_{step}", end.0 / 1_000_000),
            kind: "signature.expiring".to_owned(),
            at: now,
            text,
            data: json!({"role": role, "expires_at": end.to_string(), "days": days}),
        })
    };
    expiries(view).filter_map(event).collect()
}

fn failing(task: &str, failure: &Failure) -> Event {
    let at = Time::now();
    Event {
        id: format!("failure_{}", uuid::Uuid::now_v7().simple()),
        kind: "server.failing".to_owned(),
        at,
        text: format!("{task}: {} [{}]", failure.detail, failure.code),
        data: json!({"task": task, "code": failure.code, "detail": failure.detail}),
    }
}

impl Told {
    /// Whether this was not told for a while. Remembers that it is told now.
    fn is_new(&mut self, task: &str, failure: &Failure) -> bool {
        self.failures.retain(|_, at| at.elapsed() < QUIET);
        self.failures.insert((task.to_owned(), failure.code.to_owned()), Instant::now()).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RepositoryFile;

    fn view(role: &str, days: i64) -> View {
        let ends = Time::now().plus_seconds(days * 86_400 + 3600);
        let bytes = json!({"signed": {"version": 1, "expires": ends.to_string()}}).to_string().into_bytes();
        View { metadata: vec![RepositoryFile { path: format!("tuf/{role}.json"), bytes }], ..View::default() }
    }

    #[test]
    fn a_signature_is_told_of_at_each_step_once() {
        let ids = |role: &str, days| of_signatures(&view(role, days)).into_iter().map(|event| event.id).next();
        let step = |role: &str, days| ids(role, days).and_then(|id| id.rsplit('_').next().map(str::to_owned));
        for (days, expected) in [
            (200, None),
            (122, None),
            (121, Some("122")),
            (30, Some("122")),
            (29, Some("30")),
            (14, Some("30")),
            (13, Some("14")),
            (2, Some("3")),
            (-5, Some("1")),
        ] {
            assert_eq!(step("stable", days).as_deref(), expected, "{days}");
        }
        assert_eq!(step("timestamp", 5), None, "the server renews it in time");
        assert_eq!(step("timestamp", 1).as_deref(), Some("3"));
        assert!(of_signatures(&view("stable", -5))[0].text.contains("has expired"));
    }

    #[test]
    fn a_failure_is_not_repeated_for_a_while() {
        let mut told = Told::default();
        let failure = |code| Failure { code, detail: String::new() };
        assert!(told.is_new("clean-up", &failure("disk_full")));
        assert!(!told.is_new("clean-up", &failure("disk_full")));
        assert!(told.is_new("renewal", &failure("disk_full")) && told.is_new("clean-up", &failure("internal")));
    }
}
