//! A failed request: its kind, and whether to try again.

use std::error::Error as StdError;
use std::io;
use std::time::{Duration, SystemTime};

use url::Url;

use super::encoding::web_page;
use crate::error::{Error, Source, TransportKind};
use crate::text;

mod words;

/// Longest pause that is granted to a server's `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// Longest backoff between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// Longest text from a library or peer that an error quotes, in characters.
const MAX_REASON_CHARS: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The answer would be the same.
    Never,
    /// After a backoff chosen by us.
    Backoff,
    /// After the pause that the server requested.
    After(Duration),
}

#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: TransportKind,
    pub(super) reason: String,
    pub(super) retry: Retry,
    pub(super) source: Option<Source>,
}

impl Failure {
    pub(super) fn new(kind: TransportKind, reason: impl Into<String>, retry: Retry) -> Self {
        Self { kind, reason: reason.into(), retry, source: None }
    }

    pub(super) fn translated_from(mut self, error: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Source::translated(error));
        self
    }

    /// Classifies any status except 200.
    pub(super) fn of_status(status: reqwest::StatusCode, retry_after: Option<&str>, now: SystemTime) -> Self {
        let kind = match status.as_u16() {
            401 | 407 => TransportKind::Unauthorized,
            403 | 404 | 410 => TransportKind::NotFound,
            _ => TransportKind::Protocol,
        };
        let again = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
        let retry = match retry_after.and_then(|text| parse_retry_after(text, now)) {
            _ if !again => Retry::Never,
            Some(pause) => Retry::After(pause),
            None => Retry::Backoff,
        };
        // Network Authentication Required (RFC 6585).
        if status.as_u16() == 511 {
            return web_page();
        }
        Self::new(kind, format!("status {status}"), retry)
    }

    /// Classifies an error of the HTTP library. Keeps its text, but not its URL, which may contain secrets.
    pub(super) fn of_library(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let reason = words::of(&error).unwrap_or_else(|| summary(&error));
        let (kind, retry) = if error.is_redirect() || error.is_builder() {
            (TransportKind::Protocol, Retry::Never)
        } else if is_tls(&error) {
            (TransportKind::Tls, Retry::Never)
        } else if error.is_connect() {
            (TransportKind::Offline, Retry::Backoff)
        } else if error.is_timeout() {
            (TransportKind::TimedOut, Retry::Backoff)
        } else {
            (TransportKind::Protocol, Retry::Backoff)
        };
        Self::new(kind, reason, retry).translated_from(error)
    }

    /// Names the proxy that the request went through. Without a connection, it is the proxy that cannot be reached.
    pub(super) fn through(mut self, proxy: Option<String>) -> Self {
        if let Some(proxy) = proxy {
            self.reason = match self.kind {
                TransportKind::Offline => format!("No connection through the proxy {proxy}: {}", self.reason),
                _ => format!("{} (through the proxy {proxy})", self.reason),
            };
        }
        self
    }

    /// Whether this is a sign that the server or the connection is overloaded.
    pub(super) fn means_overload(&self) -> bool {
        self.retry != Retry::Never && self.kind != TransportKind::Offline
    }

    pub(super) fn into_error(self, url: &Url) -> Error {
        Error::transport(self.kind, shown(url), self.reason).with_source(self.source)
    }
}

/// How long to wait after `next` failed attempts.
pub(super) fn pause_before(next: u32, base: Duration, retry: Retry) -> Duration {
    let full = base.saturating_mul(1 << next.saturating_sub(1).min(16)).min(MAX_BACKOFF);
    let ours = full.mul_f64(0.5 + fastrand::f64() / 2.0);
    match retry {
        // Add jitter, or all clients that were given the same time would return at once.
        Retry::After(pause) => pause + ours.min(Duration::from_secs(1)),
        _ => ours,
    }
}

/// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3), capped at one minute.
fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let pause = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

/// A URL without user, password and query values.
pub(crate) fn shown(url: &Url) -> String {
    text::address(url.as_str())
}

/// The most specific of the library's texts, and what it is about.
fn summary(error: &reqwest::Error) -> String {
    let heading = if error.is_timeout() {
        "There was no answer in time"
    } else if error.is_connect() {
        "No connection"
    } else if error.is_body() || error.is_decode() {
        "The answer broke off"
    } else if error.is_request() {
        "The request failed"
    } else {
        return chain_text(error);
    };
    let mut deepest: &(dyn StdError + 'static) = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    text::message(&format!("{heading}: {deepest}")).chars().take(MAX_REASON_CHARS).collect()
}

fn chain_text(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    text::message(&parts.join(": ")).chars().take(MAX_REASON_CHARS).collect()
}

/// `rustls` reports every rejection, of a certificate or by an alert, as invalid data.
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        next = match error.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::InvalidData => return true,
            // `source` of an `io::Error` is that of the error it wraps, so the wrapped error itself would be skipped.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_a_cap() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let parse = |text| parse_retry_after(text, now);
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse(" 0 "), Some(Duration::ZERO));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:57 GMT"), Some(Duration::from_secs(20)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "a date that has passed");
        assert_eq!(parse("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(parse("99999999999999999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(parse("soon"), None);
        assert_eq!(parse("-1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn only_passing_statuses_are_tried_again() {
        let retry = |status: u16| {
            let status = reqwest::StatusCode::from_u16(status).unwrap();
            Failure::of_status(status, Some("3"), SystemTime::now()).retry
        };
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(retry(status), Retry::After(Duration::from_secs(3)), "{status}");
        }
        for status in [204, 206, 301, 400, 401, 403, 404, 407, 410, 416, 451] {
            assert_eq!(retry(status), Retry::Never, "{status}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_within_bounds() {
        let base = Duration::from_millis(100);
        for next in 1..40 {
            let pause = pause_before(next, base, Retry::Backoff);
            let full = base.saturating_mul(1 << (next - 1).min(16)).min(MAX_BACKOFF);
            assert!(pause >= full / 2 && pause <= full, "{next}: {pause:?}");
        }
        assert!(pause_before(1, base, Retry::After(Duration::from_secs(5))) >= Duration::from_secs(5));
    }

    #[test]
    fn shown_urls_keep_no_secret() {
        let url = Url::parse("https://user:pw@host:8443/a/b?token=hush#frag").unwrap();
        assert_eq!(shown(&url), "https://host:8443/a/b?…");
    }
}
