//! Health checks for orchestrators and load balancers: `/healthz` says that the process runs, `/readyz` that it can
//! answer requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use poem::web::Data;
use poem::{IntoResponse, Response, Route, get, handler};

use crate::error::Error;
use crate::problem::Problem;
use crate::service::Service;

/// How long to wait for the database.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What `/readyz` looks at.
#[derive(Clone)]
pub(super) struct Readiness {
    service: Arc<Service>,
    is_ready: Arc<AtomicBool>,
}

impl Readiness {
    /// `is_ready` is false once the server is shutting down.
    pub(super) fn new(service: Arc<Service>, is_ready: Arc<AtomicBool>) -> Self {
        Self { service, is_ready }
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
    if let Ok(Ok(())) = tokio::time::timeout(TIMEOUT, readiness.service.db().ping()).await {
        return "ready\n".into_response();
    }
    let reason = "The database does not answer".to_owned();
    Problem::of(&Error::Unavailable { code: "database_busy", reason }).into_response()
}
