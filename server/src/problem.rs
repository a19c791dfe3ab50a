//! Failures as `application/problem+json` (RFC 9457), the same on every path of the service.
//!
//! Promises: a stable `code`, a `type` that is an address of its explanation, and nothing of the inside: what
//! the database or an object store said goes to the log. It does not decide what is a failure.

use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::error::Error;

/// Where the codes are explained.
const TYPES: &str = "https://github.com/V-Sekai/vsekai-updater/blob/main/docs/errors.md";

/// When to come again if nobody says otherwise, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// A failure as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The address of the explanation of `code`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The stable word.
    pub code: String,
    /// For the header `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// One with this status, stable word and text.
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

    /// What a client is told of this error. What it is not told is logged here.
    pub fn of(error: &Error) -> Self {
        let status = error.status();
        let mut problem = if status == 500 {
            let inside = with_causes(error);
            tracing::error!(code = error.code(), inside, "a request failed");
            Self::new(status, "internal", "The server could not do it. Its log says why.")
        } else {
            Self::new(status, error.code(), error.to_string())
        };
        problem.retry_after_s = match error {
            Error::Unavailable { .. } => Some(RETRY_AFTER_S),
            Error::TooManyRequests { retry_after_s } => Some(*retry_after_s),
            _ => None,
        };
        problem
    }

    /// What a client is told of a failure of the web framework: no route, a bad parameter, a bad body.
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
                tracing::error!(%error, "a request failed");
                return Self::new(500, "internal", "The server could not do it. Its log says why.");
            }
            _ => "invalid",
        };
        Self::new(status.as_u16(), code, error.to_string())
    }

    /// The same, for what was asked for.
    #[must_use]
    pub fn about(mut self, instance: &str) -> Self {
        self.instance = Some(instance.to_owned());
        self
    }

    /// The whole answer. Nobody keeps it, unless the caller replaces `Cache-Control`.
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

/// The answer to a method that this path does not have: 405 with those that it has.
pub fn not_allowed(allow: &'static str) -> Response {
    let mut response =
        Problem::new(405, "method_not_allowed", format!("Only {allow} can be used here")).into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// The error and all its causes, for the log.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_errors_show_no_inside() {
        let error = Error::Internal { context: "password of the database".to_owned() };
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
