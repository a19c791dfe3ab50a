//! What every operation answers with: a body with its `ETag`, a page, or a problem.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::payload::Json;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use vsekai_updater::net::api::Problem;

use crate::error::{Error, Result};

/// Entries of a page if the client does not say.
const DEFAULT_LIMIT: u32 = 20;

/// Most entries of a page.
pub(super) const MAX_LIMIT: u32 = 100;

/// How long what everybody may read is kept by caches: seconds. Then it is asked for again, mostly answered by 304.
const SHARED: &str = "public, max-age=30, stale-while-revalidate=300, stale-if-error=86400";

/// For what only some may read.
const PRIVATE: &str = "no-store";

/// A body, or that the client has it.
#[derive(ApiResponse)]
pub(super) enum Found<T: ToJSON> {
    /// Here it is.
    #[oai(status = 200)]
    Ok(
        Json<T>,
        /// Names this body: give it as If-None-Match to read it again, as If-Match to change it.
        #[oai(header = "ETag")]
        String,
        /// How long it may be kept.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// It is what If-None-Match names.
    #[oai(status = 304)]
    NotModified(
        /// Names the body.
        #[oai(header = "ETag")]
        String,
        /// How long it may be kept.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// A change that was made.
#[derive(ApiResponse)]
pub(super) enum Changed<T: ToJSON> {
    /// As it is now.
    #[oai(status = 200)]
    Ok(
        Json<T>,
        /// Names this body.
        #[oai(header = "ETag")]
        String,
    ),
}

/// Something new.
#[derive(ApiResponse)]
pub(super) enum Created<T: ToJSON> {
    /// It was there before, made by the same request.
    #[oai(status = 200)]
    There(Json<T>),
    /// It is new.
    #[oai(status = 201)]
    New(
        Json<T>,
        /// Where it is.
        #[oai(header = "Location")]
        String,
    ),
}

/// Nothing to say.
#[derive(ApiResponse)]
pub(super) enum Done {
    /// It is done.
    #[oai(status = 204)]
    Ok,
}

/// A part of a list.
#[derive(Debug, Object)]
pub(super) struct Page<T: ParseFromJSON + ToJSON> {
    /// The entries, in order.
    pub(super) items: Vec<T>,
    /// Give this as `cursor` to read on; null at the end.
    pub(super) next: Option<String>,
}

/// Why not.
#[derive(Debug, ApiResponse)]
pub(super) enum Failure {
    /// The request is not understood.
    #[oai(status = 400, content_type = "application/problem+json")]
    Invalid(Json<Problem>),
    /// A valid token is needed.
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
    /// There is none.
    #[oai(status = 404, content_type = "application/problem+json")]
    NotFound(Json<Problem>),
    /// It cannot be done as things stand.
    #[oai(status = 409, content_type = "application/problem+json")]
    Conflict(Json<Problem>),
    /// It has been changed by another.
    #[oai(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(Json<Problem>),
    /// The body is too large.
    #[oai(status = 413, content_type = "application/problem+json")]
    TooLarge(Json<Problem>),
    /// The body is of a type that is not read here.
    #[oai(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Json<Problem>),
    /// It is well-formed, and disagrees with what the server knows.
    #[oai(status = 422, content_type = "application/problem+json")]
    Unprocessable(Json<Problem>),
    /// Too many requests.
    #[oai(status = 429, content_type = "application/problem+json")]
    TooMany(
        Json<Problem>,
        /// When to come again, in seconds.
        #[oai(header = "Retry-After")]
        u64,
    ),
    /// The server failed; its log says why.
    #[oai(status = 500, content_type = "application/problem+json")]
    Internal(Json<Problem>),
    /// Not now.
    #[oai(status = 503, content_type = "application/problem+json")]
    Unavailable(
        Json<Problem>,
        /// When to come again, in seconds.
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

/// The `ETag` of a body: what its JSON hashes to.
pub(super) fn etag<T: ToJSON>(body: &T) -> String {
    let text = body.to_json_string();
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    format!("\"{}\"", hash.get(..32).unwrap_or_default())
}

/// A body that everybody may read, or 304.
pub(super) fn found<T: ToJSON>(body: T, if_none_match: Option<&str>) -> Found<T> {
    answer(body, if_none_match, SHARED)
}

/// A body that only some may read, or 304.
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

/// A changed body.
pub(super) fn changed<T: ToJSON>(body: T) -> Changed<T> {
    let etag = etag(&body);
    Changed::Ok(Json(body), etag)
}

/// Whether a list of entity tags, as in `If-Match` and `If-None-Match`, names this one.
pub(super) fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == etag)
}

/// Whether the condition of a change holds. Without one it does.
pub(super) fn is_expected<T: ToJSON>(if_match: Option<&str>, body: &T) -> bool {
    if_match.is_none_or(|list| matches(list, &etag(body)))
}

/// What a client asks for of a list.
pub(super) fn page<K: DeserializeOwned>(limit: Option<u32>, cursor: Option<&str>) -> Result<crate::db::Page<K>> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let refuse = || Error::Invalid { what: "cursor", reason: "it is none that this list has given".to_owned() };
    let read = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
        // No name has a NUL in it, and PostgreSQL takes none in a text.
        let has_nul = bytes.windows(6).any(|some| some == br"\u0000");
        if has_nul { Err(refuse()) } else { serde_json::from_slice(&bytes).map_err(|_| refuse()) }
    };
    Ok(crate::db::Page { after: cursor.map(read).transpose()?, limit: limit.clamp(1, MAX_LIMIT) })
}

/// A page of these rows. `key` is what the next page begins after.
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
