//! Health checks for orchestrators and load balancers: `/healthz` says that the process runs, `/readyz` that it can do
//! its work: read and write the database and the chunks, and sign.
//!
//! What `/readyz` finds is kept for a moment, however often it is asked: strangers may ask it, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use poem::web::Data;
use poem::{IntoResponse, Response, Route, get, handler};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::service::Service;

/// How long to wait for the database.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long a finding is kept.
const FRESH: Duration = Duration::from_secs(2);

/// How long it is kept that the keys and the clock are right, if the repository does not change.
const FIT: Duration = Duration::from_mins(1);

/// What `/readyz` looks at.
#[derive(Clone)]
pub(super) struct Readiness {
    service: Arc<Service>,
    is_ready: Arc<AtomicBool>,
    last: Arc<Mutex<Findings>>,
}

#[derive(Default)]
struct Findings {
    /// When it was looked last, and what it found.
    all: Option<(Instant, Option<Problem>)>,
    /// When, and at which revision, the keys and the clock were right.
    fit: Option<(Instant, u64)>,
}

impl Readiness {
    /// `is_ready` is false once the server is shutting down.
    pub(super) fn new(service: Arc<Service>, is_ready: Arc<AtomicBool>) -> Self {
        Self { service, is_ready, last: Arc::default() }
    }

    async fn find(&self) -> Option<Problem> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &last.all
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let slow = Error::Unavailable { code: "database_busy", reason: "The database does not answer".to_owned() };
        // The chunks limit their own time.
        let (looked, reached) =
            tokio::join!(tokio::time::timeout(TIMEOUT, self.look(&mut last)), self.service.chunks().check_reach());
        let found = looked.unwrap_or(Err(slow)).and(reached).err().map(|error| match error {
            Error::Unavailable { .. } => Problem::of(&error),
            error => {
                tracing::error!(event = "not_ready", code = error.code(), "not ready: {error}");
                let reason = "The database fails; the log has the reason".to_owned();
                Problem::of(&Error::Unavailable { code: "database_busy", reason })
            }
        });
        last.all = Some((Instant::now(), found.clone()));
        found
    }

    async fn look(&self, last: &mut Findings) -> Result<()> {
        self.service.db().ping_writers().await?;
        let revision = self.service.db().revision().await?;
        if last.fit.is_none_or(|(at, known)| known != revision || at.elapsed() > FIT) {
            self.service.check_fitness().await?;
            last.fit = Some((Instant::now(), revision));
        }
        Ok(())
    }
}

/// Adds both checks. They need a [`Readiness`] as data.
pub(super) fn add(routes: Route) -> Route {
    routes.at("/healthz", get(healthz)).at("/readyz", get(readyz))
}

#[handler]
fn healthz() -> &'static str {
    "ok\n"
}

#[handler]
async fn readyz(readiness: Data<&Readiness>) -> Response {
    if !readiness.is_ready.load(Ordering::Relaxed) {
        let reason = "The server is shutting down".to_owned();
        return Problem::of(&Error::Unavailable { code: "shutting_down", reason }).into_response();
    }
    match readiness.find().await {
        None => "ready\n".into_response(),
        Some(problem) => problem.into_response(),
    }
}
