//! Failures as `application/problem+json` (RFC 9457), the same on every path of the service.
//!
//! Promises: a stable `code`, a `type` that is the address of its explanation, and no internals: what the database or
//! an object store reported goes to the log. What counts as a failure is decided elsewhere.

use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::error::Error;

/// The page that explains the codes.
const TYPES: &str = "https://github.com/V-Sekai/vsekai-updater/blob/main/docs/errors.md";

/// Default for `Retry-After`, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// A failure as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The address of the explanation of `code`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The standard name of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people to read.
    pub detail: String,
    /// The requested path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The stable code.
    pub code: String,
    /// The value of the header `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with this status, code and detail.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let title = StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
        Self {
            kind: format!("{TYPES}#{code}"),
            title: title.unwrap_or("Error").to_owned(),
            status,
            detail: detail.into(),
            instance: None,
            code: code.to_owned(),
            retry_after_s: None,
        }
    }

    /// The problem that a client sees for this error. Internal errors are logged here, and the client is not told
    /// details.
    pub fn of(error: &Error) -> Self {
        let status = error.status();
        let mut problem = if status == 500 {
            let inside = with_causes(error);
            tracing::error!(event = "request_failed", code = error.code(), inside, "a request failed");
            Self::new(status, "internal", "The server failed. Its log has the reason.")
        } else {
            if let Error::ObjectStore(_) = error {
                tracing::error!(
                    event = "request_failed",
                    code = error.code(),
                    inside = with_causes(error),
                    "a request failed"
                );
            }
            Self::new(status, error.code(), error.to_string())
        };
        problem.retry_after_s = match error {
            Error::Unavailable { .. } | Error::ObjectStore(_) => Some(RETRY_AFTER_S),
            Error::TooManyRequests { retry_after_s } => Some(*retry_after_s),
            _ => None,
        };
        problem
    }

    /// The problem that a client sees for an error of the web framework: no route, a bad parameter, a bad body.
    pub fn of_web(error: &poem::Error) -> Self {
        let status = error.status();
        let code = match status.as_u16() {
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            405 => "method_not_allowed",
            413 => "too_large",
            415 => "unsupported_media_type",
            429 => "too_many_requests",
            503 => "unavailable",
            500..=599 => {
                tracing::error!(event = "request_failed", %error, "a request failed");
                return Self::new(500, "internal", "The server failed. Its log has the reason.");
            }
            _ => "invalid",
        };
        Self::new(status.as_u16(), code, error.to_string())
    }

    /// Adds the requested path.
    #[must_use]
    pub fn about(mut self, instance: &str) -> Self {
        self.instance = Some(instance.to_owned());
        self
    }

    /// The complete response. It is not cached, unless the caller replaces `Cache-Control`.
    pub fn into_response(self) -> Response {
        let mut response = Response::default();
        response.set_status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.set_body(serde_json::to_vec(&self).unwrap_or_default());
        response
    }
}

/// The response to a method that the path does not support: 405 with the methods that it does.
pub fn not_allowed(allow: &'static str) -> Response {
    let mut response = Problem::new(405, "method_not_allowed", format!("Only these methods are allowed here: {allow}"))
        .into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// The error with all its causes, for the log.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What is below an error, for the log.
pub(crate) fn causes_of(error: &dyn std::error::Error) -> String {
    error.source().map(with_causes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_every_cause_of_an_internal_error() {
        let below = std::io::Error::other("the disk is on fire");
        let error = Error::internal_by("reading a file")(below);
        assert_eq!(with_causes(&error), "reading a file: the disk is on fire");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn internal_errors_show_no_inside() {
        let error = Error::internal("password of the database");
        let problem = Problem::of(&error);
        assert_eq!(problem.status, 500);
        assert_eq!(problem.code, "internal");
        assert!(!serde_json::to_string(&problem).unwrap().contains("password"));
    }

    #[test]
    fn a_busy_server_says_when_to_come_again() {
        let error = Error::Unavailable { code: "database_busy", reason: "Busy".to_owned() };
        let response = Problem::of(&error).about("/store").into_response();
        assert_eq!(response.status().as_u16(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
    }

    #[test]
    fn the_type_is_an_address_that_ends_with_the_code() {
        let problem = Problem::of(&Error::NotFound { what: "chunk" }).about("/x");
        let json = serde_json::to_value(&problem).unwrap();
        assert!(json["type"].as_str().unwrap().ends_with("docs/errors.md#not_found"));
        assert_eq!(json["instance"], "/x");
        assert_eq!(json["detail"], "There is no chunk");
    }
}
