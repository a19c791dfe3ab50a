//! What happens around every operation and page: HEAD, the timeout, problem details and headers. Tracing and
//! metrics are in [`observe`](crate::observe), which covers the static files too.
//!
//! Checks only what can refuse any request. Each operation checks its own token and body.

use std::time::Duration;

use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, IntoResponse, Request, Response};
use vsekai_updater::net::api::PROBLEM_MEDIA_TYPE;

use super::allow::Allowed;
use crate::error::{Error, Result};
use crate::problem::Problem;

/// The longest that an operation may take. The commit of a large tree is the slowest.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Content security policy of pages that do not set one: they may only show themselves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Answers a request for an operation or a page, with a problem if there is no such thing.
pub(super) async fn answer(
    endpoint: &impl Endpoint<Output: IntoResponse>,
    mut request: Request,
    allowed: &Allowed,
) -> Response {
    let path = request.uri().path().to_owned();
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.set_method(Method::GET);
    }
    let mut response = match admit(&request) {
        Ok(()) => call(endpoint, request, &path).await,
        Err(error) => Problem::of(&error).about(&path).into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::from_str(&allowed.methods(&path))
    {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    if response.content_type() == Some(PROBLEM_MEDIA_TYPE) {
        name_instance(&mut response, &path).await;
    }
    add_headers(&mut response, &path);
    if is_head {
        leave_out_body(&mut response).await;
    }
    response
}

/// Refuses queries that no database can take.
fn admit(request: &Request) -> Result<()> {
    if request.uri().query().is_some_and(|query| query.contains("%00")) {
        return Err(Error::Invalid { what: "query", reason: "it must not contain NUL".to_owned() });
    }
    Ok(())
}

async fn call(endpoint: &impl Endpoint<Output: IntoResponse>, request: Request, path: &str) -> Response {
    match tokio::time::timeout(TIMEOUT, endpoint.call(request)).await {
        Ok(Ok(output)) => output.into_response(),
        Ok(Err(error)) if error.is_from_response() => error.into_response(),
        Ok(Err(error)) => Problem::of_web(&error).about(path).into_response(),
        Err(_) => {
            let reason = "The request took too long".to_owned();
            Problem::of(&Error::Unavailable { code: "timed_out", reason }).about(path).into_response()
        }
    }
}

/// Fills in the `instance` of a problem: operations do not know the path that they were called by.
async fn name_instance(response: &mut Response, path: &str) {
    let bytes = response.take_body().into_bytes().await.unwrap_or_default();
    let named = serde_json::from_slice::<vsekai_updater::net::api::Problem>(&bytes).and_then(|problem| {
        serde_json::to_vec(&vsekai_updater::net::api::Problem { instance: path.to_owned(), ..problem })
    });
    response.set_body(named.map_or(bytes, Into::into));
}

/// Answers HEAD: the same headers as GET, including the length.
async fn leave_out_body(response: &mut Response) {
    let bytes = response.take_body().into_bytes().await.unwrap_or_default();
    if response.status() != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    response.set_body(Body::empty());
}

/// Adds the headers that every answer has.
fn add_headers(response: &mut Response, path: &str) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if path.starts_with("/api/") || path == "/openapi.json" {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
}
