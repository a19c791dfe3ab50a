//! Checks whether CDNs serve the repository, and how fast.
//!
//! A probe requests `tuf/timestamp.json`, which every mirror must have, and which must not have expired. Three failures
//! in a row make a CDN unhealthy, two successes make it healthy again, so that the signed list of mirrors does not
//! flap.
//!
//! Somebody who may add CDNs must not be able to explore the operator's network. So the prober connects to public
//! addresses only, whatever a name resolves to at that moment, follows no redirects, and reports nothing about a
//! response except whether it was good.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::db::{CdnFilter, Page};
use crate::error::{Error, Result};
use crate::model::{Cdn, Health, Time};
use crate::service::{Service, check_uri, is_private};

/// How long a probe may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Failures in a row that make a CDN unhealthy.
const FAILURES: u32 = 3;

/// Successes in a row that make it healthy again.
const SUCCESSES: u32 = 2;

/// Largest timestamp, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// A client that follows no redirects, uses no proxy, and connects to public addresses only, whatever a name resolves to.
/// Addresses in a URL itself are not looked at.
///
/// # Errors
/// [`Error::Internal`] if the system's certificates cannot be read.
pub(crate) fn client(allow_private: bool, timeout: Duration) -> Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Public { allow_private }))
        .build();
    client.map_err(Error::internal_by("making a client"))
}

/// Probes CDNs.
#[derive(Debug)]
pub struct Prober {
    client: reqwest::Client,
    allow_private: bool,
}

impl Prober {
    /// Makes the client for probes.
    ///
    /// # Errors
    /// [`Error::Internal`] if the system's certificates cannot be read.
    pub fn new(allow_private: bool) -> Result<Self> {
        Ok(Self { client: client(allow_private, TIMEOUT)?, allow_private })
    }

    /// Probes all CDNs once, at the same time, and records what it finds.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn round(&self, service: &Service) -> Result<()> {
        let page = Page { after: None, limit: 1000 };
        let cdns = service.db().cdns(&CdnFilter { is_enabled: Some(true), ..CdnFilter::default() }, &page).await?;
        let latencies = futures_util::future::join_all(cdns.iter().map(|cdn| self.probe(&cdn.uri))).await;
        for (cdn, latency) in cdns.iter().zip(latencies) {
            let found = judge(cdn, latency.ok());
            service.note_health(cdn.uid, &cdn.health, &found).await?;
        }
        Ok(())
    }

    /// Returns how long the CDN took for a good response.
    async fn probe(&self, base: &str) -> Result<Duration, ()> {
        // Numeric addresses are not resolved, and this one may date from a time when private ones were allowed.
        check_uri(base, self.allow_private).map_err(|_| ())?;
        let started = Instant::now();
        let answer = self.client.get(format!("{base}/tuf/timestamp.json")).send().await.map_err(|_| ())?;
        if !answer.status().is_success() {
            return Err(());
        }
        let mut answer = answer;
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|_| ())? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_BYTES {
                return Err(());
            }
        }
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| ())?;
        let field = |name| document.pointer(name).and_then(serde_json::Value::as_str);
        let expires = field("/signed/expires").and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        // Clients cannot use an expired timestamp: the mirror is not kept up to date.
        let is_fresh = expires.is_some_and(|end| end.timestamp_micros() > Time::now().0);
        if field("/signed/_type") == Some("timestamp") && is_fresh { Ok(started.elapsed()) } else { Err(()) }
    }
}

fn judge(cdn: &Cdn, latency: Option<Duration>) -> Health {
    let before = cdn.health;
    let is_good = latency.is_some();
    let contrary_count = if is_good == before.is_healthy { 0 } else { before.contrary_count + 1 };
    let needed = if before.is_healthy { FAILURES } else { SUCCESSES };
    let turns = contrary_count >= needed;
    Health {
        is_healthy: before.is_healthy != turns,
        contrary_count: if turns { 0 } else { contrary_count },
        latency_ms: latency.map(|it| u32::try_from(it.as_millis()).unwrap_or(u32::MAX)).or(before.latency_ms),
        last_checked_on: Some(Time::now()),
    }
}

/// Resolves names to public addresses only. The client connects to exactly these, so nothing can change in between.
#[derive(Debug)]
struct Public {
    allow_private: bool,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str().to_owned(), 0)).await?;
            let fitting: Vec<SocketAddr> = found.filter(|address| allow_private || !is_private(address.ip())).collect();
            if fitting.is_empty() {
                return Err("no public address".into());
            }
            let addresses: Addrs = Box::new(fitting.into_iter());
            Ok(addresses)
        })
    }
}

/// Probes at this interval, whenever it gets the lease. Never returns: drop the future to stop.
pub async fn probe_forever(service: Arc<Service>, prober: Prober, holder: String, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let lease = i64::try_from(every.as_secs() * 3).unwrap_or(i64::MAX);
        let outcome = match service.db().lease("probe", &holder, lease).await {
            Ok(true) => prober.round(&service).await,
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(event = "probes_failed", code = error.code(), "cannot probe the CDNs: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cdn(is_healthy: bool) -> Cdn {
        Cdn {
            uid: uuid::Uuid::nil(),
            name: "one".to_owned(),
            uri: "https://cdn.example.org".to_owned(),
            region: String::new(),
            is_enabled: true,
            weight: 1,
            health: Health { is_healthy, contrary_count: 0, latency_ms: None, last_checked_on: None },
            updated_at: Time(0),
        }
    }

    #[test]
    fn three_failures_make_ill_and_two_successes_well() {
        let mut cdn = cdn(true);
        let fail = |cdn: &mut Cdn| cdn.health = judge(cdn, None);
        let succeed = |cdn: &mut Cdn| cdn.health = judge(cdn, Some(Duration::from_millis(7)));
        fail(&mut cdn);
        fail(&mut cdn);
        succeed(&mut cdn);
        fail(&mut cdn);
        fail(&mut cdn);
        assert!(cdn.health.is_healthy, "a success in between forgives");
        fail(&mut cdn);
        assert!(!cdn.health.is_healthy);
        succeed(&mut cdn);
        assert!(!cdn.health.is_healthy);
        succeed(&mut cdn);
        assert!(cdn.health.is_healthy && cdn.health.latency_ms == Some(7));
    }

    #[tokio::test]
    async fn names_of_this_machine_are_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base = format!("http://localhost:{port}");
        assert!(Prober::new(false).unwrap().probe(&base).await.is_err());
        let accepted = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(accepted.is_err(), "it was connected to");
        let _ = tokio::time::timeout(Duration::from_secs(1), Prober::new(true).unwrap().probe(&base)).await;
        assert!(tokio::time::timeout(Duration::from_secs(2), listener.accept()).await.is_ok(), "the test would see it");
    }
}
