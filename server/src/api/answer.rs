//! The responses of operations: a body with its `ETag`, a page of a list, or a problem.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::payload::Json;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vsekai_updater::digest::Digest;
use vsekai_updater::net::api::Problem;

use crate::error::{Error, Result};

/// Entries per page by default.
const DEFAULT_LIMIT: u32 = 20;

/// Most entries per page.
pub(super) const MAX_LIMIT: u32 = 100;

/// Caching of public responses: half a minute. Revalidation is mostly answered by 304.
const SHARED: &str = "public, max-age=30, stale-while-revalidate=300, stale-if-error=86400";

/// Caching of responses that not everybody may read.
const PRIVATE: &str = "no-store";

/// A body, or the notice that the client has it already.
#[derive(ApiResponse)]
pub(super) enum Found<T: ToJSON> {
    /// Success.
    #[oai(status = 200)]
    Ok(
        Json<T>,
        /// Identifies this body. Send it as If-None-Match to reread it, or as If-Match to change it.
        #[oai(header = "ETag")]
        String,
        /// How long the response may be cached.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The body matches If-None-Match.
    #[oai(status = 304)]
    NotModified(
        /// Identifies the body.
        #[oai(header = "ETag")]
        String,
        /// How long the response may be cached.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// The result of a change.
#[derive(ApiResponse)]
pub(super) enum Changed<T: ToJSON> {
    /// The new state.
    #[oai(status = 200)]
    Ok(
        Json<T>,
        /// Identifies this body.
        #[oai(header = "ETag")]
        String,
    ),
}

/// The result of creating something.
#[derive(ApiResponse)]
pub(super) enum Created<T: ToJSON> {
    /// It exists already, created by the same request.
    #[oai(status = 200)]
    There(Json<T>),
    /// It was created.
    #[oai(status = 201)]
    New(
        Json<T>,
        /// The path of what was created.
        #[oai(header = "Location")]
        String,
    ),
}

/// A response without a body.
#[derive(ApiResponse)]
pub(super) enum Done {
    /// Done.
    #[oai(status = 204)]
    Ok,
}

/// A page of a list.
#[derive(Debug, Object)]
pub(super) struct Page<T: ParseFromJSON + ToJSON> {
    /// The entries, in order.
    pub(super) items: Vec<T>,
    /// Send this as `cursor` to get the next page. Null on the last page.
    pub(super) next: Option<String>,
}

/// A failure, as `application/problem+json`.
#[derive(Debug, ApiResponse)]
pub(super) enum Failure {
    /// The request is malformed.
    #[oai(status = 400, content_type = "application/problem+json")]
    Invalid(Json<Problem>),
    /// A valid token is required.
    #[oai(status = 401, content_type = "application/problem+json")]
    Unauthorized(
        Json<Problem>,
        /// `Bearer`.
        #[oai(header = "WWW-Authenticate")]
        String,
    ),
    /// The token may not do this.
    #[oai(status = 403, content_type = "application/problem+json")]
    Forbidden(Json<Problem>),
    /// It does not exist.
    #[oai(status = 404, content_type = "application/problem+json")]
    NotFound(Json<Problem>),
    /// The request conflicts with the current state.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
    /// Somebody else has changed it meanwhile.
    #[oai(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Json<Problem>),
    /// The body is too large.
    #[oai(status = 413, content_type = "application/problem+json")]
    TooLarge(Json<Problem>),
    /// The content type of the body is not supported.
    #[oai(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Json<Problem>),
    /// The request is well-formed, but contradicts what the server knows.
    #[oai(status = 422, content_type = "application/problem+json")]
    Unprocessable(Json<Problem>),
    /// Too many requests.
    #[oai(status = 429, content_type = "application/problem+json")]
    TooMany(
        Json<Problem>,
        /// How long to wait before retrying, in seconds.
        #[oai(header = "Retry-After")]
        u64,
    ),
    /// The server failed. Its log has the reason.
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// Temporarily unavailable.
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(
        Json<Problem>,
        /// How long to wait before retrying, in seconds.
        #[oai(header = "Retry-After")]
        u64,
    ),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let problem = crate::problem::Problem::of(&error);
        let retry_after_s = problem.retry_after_s.unwrap_or(2);
        let status = problem.status;
        let body = Json(Problem {
            kind: problem.kind,
            title: problem.title,
            status,
            detail: problem.detail,
            instance: problem.instance.unwrap_or_default(),
            code: problem.code,
        });
        match status {
            400 => Self::Invalid(body),
            401 => Self::Unauthorized(body, "Bearer".to_owned()),
            403 => Self::Forbidden(body),
            404 => Self::NotFound(body),
            409 => Self::Conflict(body),
            412 => Self::PreconditionFailed(body),
            413 => Self::TooLarge(body),
            415 => Self::UnsupportedMediaType(body),
            422 => Self::Unprocessable(body),
            429 => Self::TooMany(body, retry_after_s),
            503 => Self::Unavailable(body, retry_after_s),
            _ => Self::Internal(body),
        }
    }
}

impl From<vsekai_updater::Error> for Failure {
    fn from(error: vsekai_updater::Error) -> Self {
        Error::from(error).into()
    }
}

/// The `ETag` of a body: the hash of its JSON.
pub(super) fn etag<T: ToJSON>(body: &T) -> String {
    let text = body.to_json_string();
    let hash = Digest::of(text.as_bytes()).to_string();
    format!("\"{}\"", hash.get(..32).unwrap_or_default())
}

/// A public body, or 304.
pub(super) fn found<T: ToJSON>(body: T, if_none_match: Option<&str>) -> Found<T> {
    answer(body, if_none_match, SHARED)
}

/// A body that caches must not store, or 304.
pub(super) fn found_private<T: ToJSON>(body: T, if_none_match: Option<&str>) -> Found<T> {
    answer(body, if_none_match, PRIVATE)
}

fn answer<T: ToJSON>(body: T, if_none_match: Option<&str>, cache: &str) -> Found<T> {
    let etag = etag(&body);
    if if_none_match.is_some_and(|given| matches(given, &etag)) {
        return Found::NotModified(etag, cache.to_owned());
    }
    Found::Ok(Json(body), etag, cache.to_owned())
}

/// The body after a change.
pub(super) fn changed<T: ToJSON>(body: T) -> Changed<T> {
    let etag = etag(&body);
    Changed::Ok(Json(body), etag)
}

/// Whether a list of entity tags, as in `If-Match` and `If-None-Match`, contains this one.
pub(super) fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == etag)
}

/// Whether `If-Match` permits a change. Without that header, anything is permitted.
pub(super) fn is_expected<T: ToJSON>(if_match: Option<&str>, body: &T) -> bool {
    if_match.is_none_or(|list| matches(list, &etag(body)))
}

/// The page that a client requests.
pub(super) fn page<K: DeserializeOwned>(limit: Option<u32>, cursor: Option<&str>) -> Result<crate::db::Page<K>> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let refuse = || Error::Invalid { what: "cursor", reason: "it does not come from this list".to_owned() };
    let read = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
        // No name contains NUL, and PostgreSQL refuses it in text.
        let has_nul = bytes.windows(6).any(|some| some == br"\u0000");
        if has_nul { Err(refuse()) } else { serde_json::from_slice(&bytes).map_err(|_| refuse()) }
    };
    Ok(crate::db::Page { after: cursor.map(read).transpose()?, limit: limit.clamp(1, MAX_LIMIT) })
}

/// A page made of these rows. The next page begins after the `key` of the last one.
pub(super) fn pages<R, T: ParseFromJSON + ToJSON, K: Serialize>(
    rows: &[R],
    limit: u32,
    key: impl Fn(&R) -> K,
    items: Vec<T>,
) -> Page<T> {
    let is_full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = rows.last().filter(|_| is_full);
    let next = last.and_then(|row| serde_json::to_vec(&key(row)).ok()).map(|key| URL_SAFE_NO_PAD.encode(key));
    Page { items, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_are_found_in_lists() {
        assert!(matches("\"a\"", "\"a\"") && matches("\"b\", W/\"a\"", "\"a\"") && matches("*", "\"a\""));
        assert!(!matches("a", "\"a\"") && !matches("", "\"a\"") && !matches("\"ab\"", "\"a\""));
    }

    #[test]
    fn cursors_of_other_lists_are_refused() {
        let rows = ["a", "b"];
        let first = pages(&rows, 2, |row| (*row).to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        let next: crate::db::Page<String> = page(None, first.next.as_deref()).unwrap();
        assert_eq!((next.after.as_deref(), next.limit), (Some("b"), DEFAULT_LIMIT));
        for wrong in ["", "!", "bnVsbA==", "eyJhIjoxfQ"] {
            assert!(page::<String>(None, Some(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(page::<String>(Some(1_000_000), None).unwrap().limit, MAX_LIMIT);
        assert_eq!(page::<String>(Some(0), None).unwrap().limit, 1);
        assert!(pages(&rows[..1], 2, |row| (*row).to_owned(), vec!["a".to_owned()]).next.is_none());
    }
}
