//! Tracing and metrics: an id for each request, a line in the log, numbers for Prometheus.
//!
//! The log of requests has the target `access`: who, from where, what, and what came of it. Changes are logged at `info`;
//! reads of chunks and signed files, and what players report, are counted but not logged, unless that target is at `debug`,
//! and then reports without an address. Nothing that a client
//! sends is logged unfiltered: control characters are removed from paths, and headers are not logged at all.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use ::metrics::{counter, gauge, histogram};
use poem::http::{HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use uuid::Uuid;

use crate::client::ClientAddresses;

mod metrics;

pub use self::metrics::{describe, gauge_service};

/// The target of the log of requests.
const ACCESS: &str = "access";

/// Longest path in the log, in bytes.
const MAX_PATH: usize = 200;

/// The id of a request. An id sent by the client is ignored: it would be written to the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Whose token a request has. Whoever finds the token valid says so, for the log.
#[derive(Debug, Clone, Default)]
pub struct Caller(Arc<OnceLock<String>>);

impl Caller {
    /// Records the name of the token.
    pub fn is(&self, name: &str) {
        // Looked up once for each request; a second name would be the same.
        let _ = self.0.set(name.to_owned());
    }

    fn name(&self) -> &str {
        self.0.get().map(String::as_str).unwrap_or_default()
    }
}

/// Answers a request, and records that.
pub async fn observe(
    endpoint: &impl Endpoint<Output: IntoResponse>,
    mut request: Request,
    addresses: &ClientAddresses,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let kind = kind_of(request.uri().path());
    let is_quiet = matches!(method, Method::GET | Method::HEAD) && kind != "api";
    if is_quiet && !tracing::enabled!(target: ACCESS, tracing::Level::DEBUG) {
        let response = answered(endpoint, request).await;
        count(kind, &method, &response, started);
        return response;
    }
    let path = clean(request.uri().path());
    let id = RequestId(Uuid::now_v7().simple().to_string());
    request.extensions_mut().insert(id.clone());
    let is_report = is_report(&path);
    let caller = Caller::default();
    // Nothing is kept of who reports.
    let client = if is_report { String::new() } else { addresses.of(&request).to_string() };
    request.extensions_mut().insert(caller.clone());
    let mut response = answered(endpoint, request).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    count(kind, &method, &response, started);
    let status = response.status().as_u16();
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let token = caller.name();
    if matches!(method, Method::GET | Method::HEAD) || kind == "store" || is_report {
        tracing::debug!(target: ACCESS, event = "request_answered", %method, path, status, ms, %client, token, request = id.0, "answered");
    } else {
        tracing::info!(target: ACCESS, event = "request_answered", %method, path, status, ms, %client, token, request = id.0, "answered");
    }
    response
}

async fn answered(endpoint: &impl Endpoint<Output: IntoResponse>, request: Request) -> Response {
    match endpoint.call(request).await {
        Ok(output) => output.into_response(),
        Err(error) => error.into_response(),
    }
}

fn count(kind: &'static str, method: &Method, response: &Response, started: Instant) {
    let status = match response.status().as_u16() {
        200..=299 => "2xx",
        304 => "304",
        300..=399 => "3xx",
        404 => "404",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let name = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    counter!("vsekai_requests_total", "kind" => kind, "method" => name, "status" => status).increment(1);
    // The announced length: a client that disconnects early is counted as if it had stayed.
    let length = response.headers().get(header::CONTENT_LENGTH).filter(|_| *method == Method::GET);
    if let Some(bytes) = length.and_then(|length| length.to_str().ok()?.parse().ok()) {
        counter!("vsekai_response_bytes_total", "kind" => kind).increment(bytes);
    }
    histogram!("vsekai_request_seconds", "kind" => kind).record(started.elapsed().as_secs_f64());
}

/// Whether a request is, or tries to be, the report of a player.
fn is_report(path: &str) -> bool {
    path.trim_matches('/') == vsekai_updater::net::api::REPORTS_PATH
}

/// The label of a path in metrics: one of a fixed set, whatever clients ask for.
fn kind_of(path: &str) -> &'static str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    ["store", "tuf", "targets", "bundles", "api", "docs"].into_iter().find(|kind| *kind == first).unwrap_or("other")
}

/// A path as it may appear in the log.
fn clean(path: &str) -> String {
    path.chars().filter(|it| !it.is_control()).take(MAX_PATH).collect()
}

/// Reports the statistics of the cache to Prometheus.
pub fn gauge_cache(hits: u64, misses: u64, bytes: u64) {
    counter!("vsekai_chunk_cache_hits_total").absolute(hits);
    counter!("vsekai_chunk_cache_misses_total").absolute(misses);
    #[expect(clippy::cast_precision_loss, reason = "a cache has fewer than 2^53 bytes")]
    gauge!("vsekai_chunk_cache_bytes").set(bytes as f64);
}

/// Reports the number and size of bundles to Prometheus.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bundles or bytes of them")]
pub fn gauge_bundles(bundles: &[crate::model::Bundle]) {
    gauge!("vsekai_bundles").set(bundles.len() as f64);
    gauge!("vsekai_bundle_bytes").set(bundles.iter().map(|bundle| bundle.info.length).sum::<u64>() as f64);
}

/// Reports the number and size of chunks to Prometheus.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 chunks or bytes of them")]
pub fn gauge_chunks(counts: &crate::db::ChunkCounts) {
    gauge!("vsekai_chunks", "state" => "live").set(counts.live as f64);
    gauge!("vsekai_chunks", "state" => "doomed").set(counts.doomed as f64);
    gauge!("vsekai_chunks", "state" => "deleting").set(counts.deleting as f64);
    gauge!("vsekai_chunks", "state" => "lost").set(counts.lost as f64);
    gauge!("vsekai_chunk_stored_bytes").set(counts.live_bytes as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_ask_for_makes_no_new_series_and_no_new_lines() {
        assert_eq!(kind_of("/store/0000/x"), "store");
        assert_eq!(kind_of("/etc/passwd"), "other");
        assert_eq!(kind_of(""), "other");
        assert_eq!(clean("/a\nERROR all is lost\u{1b}[31m"), "/aERROR all is lost[31m");
        assert_eq!(clean(&"x".repeat(1000)).len(), MAX_PATH);
    }
}
