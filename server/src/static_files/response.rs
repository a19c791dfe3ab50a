//! Responses with content: headers, conditional requests and ranges, after RFC 9110, sections 13 and 14.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use poem::Response;
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::chunk::ChunkId;

/// For content that never changes.
const LASTING: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For content that changes: fresh for half a minute, and for a day better stale than none.
const CHANGING: HeaderValue =
    HeaderValue::from_static("public, max-age=30, stale-while-revalidate=300, stale-if-error=86400");
/// For content that is absent.
pub(super) const ABSENT: HeaderValue = HeaderValue::from_static("public, max-age=5");

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The kind of content, which decides the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Chunk,
    LastingJson,
    LastingBytes,
    ChangingJson,
    ChangingBytes,
}

impl Kind {
    pub(super) fn of(path: &str, is_lasting: bool) -> Self {
        let is_json = std::path::Path::new(path).extension().is_some_and(|it| it == "json");
        match (is_json, is_lasting) {
            (true, false) => Self::ChangingJson,
            (false, false) => Self::ChangingBytes,
            (true, true) => Self::LastingJson,
            (false, true) => Self::LastingBytes,
        }
    }

    /// The headers of all content of this kind.
    fn headers(self) -> &'static HeaderMap {
        static CHUNK: LazyLock<HeaderMap> = LazyLock::new(|| headers(LASTING, BYTES));
        static LASTING_JSON: LazyLock<HeaderMap> = LazyLock::new(|| headers(LASTING, JSON));
        static CHANGING_JSON: LazyLock<HeaderMap> = LazyLock::new(|| headers(CHANGING, JSON));
        static CHANGING_BYTES: LazyLock<HeaderMap> = LazyLock::new(|| headers(CHANGING, BYTES));
        match self {
            Self::Chunk | Self::LastingBytes => &CHUNK,
            Self::LastingJson => &LASTING_JSON,
            Self::ChangingJson => &CHANGING_JSON,
            Self::ChangingBytes => &CHANGING_BYTES,
        }
    }
}

fn headers(cache: HeaderValue, kind: HeaderValue) -> HeaderMap {
    let always: [(HeaderName, HeaderValue); 5] = [
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    always.into_iter().collect()
}

/// Content with what HTTP needs to know about it. Cloning it does not copy the content.
#[derive(Debug, Clone)]
pub(super) struct Representation {
    bytes: Bytes,
    tag: HeaderValue,
    kind: Kind,
}

/// The entity tag of a chunk: its id.
pub(super) fn chunk_tag(id: &ChunkId) -> HeaderValue {
    tag(id.as_bytes())
}

/// The entity tag of content with this digest.
pub(super) fn tag(digest: &[u8; 32]) -> HeaderValue {
    let mut text = [b'"'; 66];
    if let Some(digits) = text.get_mut(1..65) {
        // 32 bytes always fit into 64 digits.
        let _ = hex::encode_to_slice(digest, digits);
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Answers HEAD for a chunk of this stored size.
pub(super) fn chunk_head(id: &ChunkId, size: u64, request: &HeaderMap) -> Response {
    let tag = chunk_tag(id);
    if is_known(request, &tag) {
        return not_modified(Kind::Chunk, tag);
    }
    let mut response = with_headers(Kind::Chunk, tag);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    response
}

impl Representation {
    pub(super) fn new(bytes: Bytes, tag: HeaderValue, kind: Kind) -> Self {
        Self { bytes, tag, kind }
    }

    /// Content whose entity tag is its SHA-256.
    pub(super) fn hashed(bytes: Bytes, kind: Kind) -> Self {
        let tag = tag(&Digest::of(&bytes).0);
        Self { bytes, tag, kind }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Answers GET, or HEAD with the same headers and no range.
    pub(super) fn respond(self, request: &HeaderMap, is_get: bool) -> Response {
        let (mut response, range) = outline(&self.tag, self.bytes.len() as u64, self.kind, request, is_get);
        if let Some(Range { start, end }) = range {
            // Lengths of content in memory fit into a usize.
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            response.set_body(self.bytes.slice(at(start)..at(end)));
        }
        response
    }
}

/// Answers GET or HEAD for content of this length, without the body, and returns the range that belongs into the body.
pub(super) fn outline(
    tag: &HeaderValue,
    length: u64,
    kind: Kind,
    request: &HeaderMap,
    is_get: bool,
) -> (Response, Option<Range<u64>>) {
    if is_known(request, tag) {
        return (not_modified(kind, tag.clone()), None);
    }
    let is_for_range = is_get && request.contains_key(header::RANGE) && is_same(request, tag);
    let requested = if is_for_range { requested_range(request, length) } else { RequestedRange::Whole };
    let mut response = with_headers(kind, tag.clone());
    let range = match requested {
        RequestedRange::Whole => 0..length,
        RequestedRange::Part(range) => {
            response.set_status(StatusCode::PARTIAL_CONTENT);
            let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            if let Ok(value) = HeaderValue::try_from(text) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            range
        }
        RequestedRange::Unsatisfiable => return (unsatisfiable(length), None),
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    (response, is_get.then_some(range))
}

fn unsatisfiable(length: u64) -> Response {
    let mut response =
        crate::problem::Problem::new(416, "range_not_satisfiable", format!("The content has {length} bytes"))
            .into_response();
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

fn with_headers(kind: Kind, tag: HeaderValue) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.clone_from(kind.headers());
    headers.insert(header::ETAG, tag);
    response
}

fn not_modified(kind: Kind, tag: HeaderValue) -> Response {
    let mut response = with_headers(kind, tag);
    response.set_status(StatusCode::NOT_MODIFIED);
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

/// Whether `If-None-Match` names this tag.
fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let mut values = request.get_all(header::IF_NONE_MATCH).into_iter();
    values.any(|value| {
        // Tags of this server contain no comma.
        value.as_bytes().split(|&byte| byte == b',').any(|one| {
            let one = one.trim_ascii();
            one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag.as_bytes()
        })
    })
}

/// Whether a range may be answered: there is no `If-Range`, or it names this very tag. This server sends no dates.
fn is_same(request: &HeaderMap, tag: &HeaderValue) -> bool {
    request.get(header::IF_RANGE).is_none_or(|value| value == tag)
}

#[derive(Debug, PartialEq, Eq)]
enum RequestedRange {
    /// No range, a malformed one, or several: all of the content may be sent instead.
    Whole,
    Part(Range<u64>),
    /// A range that begins after the end.
    Unsatisfiable,
}

fn requested_range(request: &HeaderMap, len: u64) -> RequestedRange {
    let mut values = request.get_all(header::RANGE).into_iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(text), None) => parse_range(text, len).unwrap_or(RequestedRange::Whole),
        _ => RequestedRange::Whole,
    }
}

fn parse_range(text: &str, len: u64) -> Option<RequestedRange> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A number that overflows is after the end of any content.
        is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (first, last) {
        ("", count) => len.saturating_sub(number(count)?)..len,
        (first, "") => number(first)?..len,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(len)
        }
    };
    Some(if range.start < range.end { RequestedRange::Part(range) } else { RequestedRange::Unsatisfiable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &'static str, len: u64) -> RequestedRange {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(text));
        requested_range(&headers, len)
    }

    #[test]
    fn a_single_range_is_a_part() {
        for (text, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("BYTES = 2-4", 2..5),
            ("bytes=8-", 8..10),
            ("bytes=8-99999999999999999999999", 8..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(asked(text, 10), RequestedRange::Part(range), "{text}");
        }
    }

    #[test]
    fn a_range_after_the_end_is_nothing() {
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(text, 10), RequestedRange::Unsatisfiable, "{text}");
        }
        assert_eq!(asked("bytes=0-0", 0), RequestedRange::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_range_is_answered_with_everything() {
        for text in ["bytes=0-1,3-4", "bytes=4-2", "bytes=-", "bytes=", "lines=0-1", "bytes=+1-2", "bytes=a-b", "0-1"] {
            assert_eq!(asked(text, 10), RequestedRange::Whole, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_without_their_weakness() {
        let tag = tag(&[0xab; 32]);
        let hex = "ab".repeat(32);
        for (text, is) in [
            (format!("\"{hex}\""), true),
            (format!("W/\"{hex}\""), true),
            (format!("\"x\" , \"{hex}\""), true),
            ("*".to_owned(), true),
            (hex.clone(), false),
            ("\"ab\"".to_owned(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::try_from(&text).unwrap());
            assert_eq!(is_known(&headers, &tag), is, "{text}");
        }
    }
}
