//! One GET: limits on the size of the body, timeouts for every wait, and retries where they help.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, COOKIE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use tokio::time::{sleep, timeout};
use url::Url;

use super::connection::{build, check};
use super::encoding::{Coding, Decoder, is_web_page, web_page};
use super::failure::{Failure, Retry, pause_before};
use super::origins::UserOrigins;
use super::proxies::Proxies;
use super::rate::{MinimumRate, Turn};
use super::{HttpOptions, Secret};
use crate::error::{Error, Result, TransportKind};

/// Why bundles of a server cannot be read.
pub const NO_RANGES: &str = "this server only sends whole files (it ignores HTTP range requests), so bundles cannot be used: \
     every chunk takes a request of its own. What a host needs: \
     https://github.com/V-Sekai/vsekai-updater/blob/main/docs/publishing.md#bundles";

/// Largest initial allocation for a body, regardless of its announced length.
const FIRST_BODY_BYTES: u64 = 64 << 10;

/// Longest validator that is stored and sent back, in bytes.
const MAX_VALIDATOR_BYTES: usize = 512;

/// The validators of a document. Sent back, they let the server answer "not modified" (RFC 9110, 8.8 and 13.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// The `ETag` header, including its quotes.
    pub etag: Option<String>,
    /// The `Last-Modified` header, as the server wrote it.
    pub last_modified: Option<String>,
}

/// A request for a document, an older copy of which may be known.
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest<'a> {
    /// The document's URL.
    pub url: &'a Url,
    /// Largest body that is accepted, in bytes.
    pub max_bytes: u64,
    /// The validators of the known copy.
    pub known: &'a Validators,
    /// Counter that is incremented for each request sent.
    pub sent: &'a AtomicU64,
}

/// The answer to an [`HttpRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAnswer {
    /// The known copy is still current.
    NotModified,
    /// A new or changed document.
    Document {
        /// The body.
        bytes: Vec<u8>,
        /// The validators to send next time.
        validators: Validators,
    },
    /// The body is larger than accepted; no more than the limit was read.
    TooLong,
}

/// Receives the pieces of a body.
pub(super) type Take<'a> = dyn FnMut(&[u8]) -> Result<(), Failure> + Send + 'a;

/// A pool of connections with one set of options. Clones share it.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    /// With the user's credentials.
    trusted: Party,
    /// Without; `None` if all requests are the user's own.
    anonymous: Option<(Party, Arc<UserOrigins>)>,
    options: HttpOptions,
    proxies: Proxies,
}

/// A pool of connections, and the headers of its requests.
struct Party {
    client: reqwest::Client,
    headers: HeaderMap,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HttpClient").field(&self.0.options).finish()
    }
}

impl HttpClient {
    /// Creates a client. It connects on the first request.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        Self::for_origins(options, None)
    }

    /// Creates a client that sends credentials only where these origins allow it.
    pub(super) fn for_origins(options: &HttpOptions, origins: Option<Arc<UserOrigins>>) -> Result<Self> {
        check(options)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let plain = headers.clone();
        if let Some(secret) = &options.authorization {
            headers.insert(AUTHORIZATION, secret_header("authorization", secret)?);
        }
        if let Some(secret) = &options.cookie {
            headers.insert(COOKIE, secret_header("cookie", secret)?);
        }
        let client = build(options, origins.as_ref())?;
        let anonymous = match &origins {
            // A client certificate is shown to every server that a client connects to.
            Some(_) if options.client_certificate_pem.is_some() => {
                let without = HttpOptions { client_certificate_pem: None, ..options.clone() };
                Some(build(&without, origins.as_ref())?)
            }
            Some(_) => Some(client.clone()),
            None => None,
        };
        let anonymous = anonymous.map(|client| Party { client, headers: plain }).zip(origins);
        Ok(Self(Arc::new(Inner {
            trusted: Party { client, headers },
            anonymous,
            options: options.clone(),
            proxies: Proxies::of(options),
        })))
    }

    /// Gets a document of at most `max_bytes`, with retries. Drop the future to stop.
    pub async fn get_document(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>> {
        self.get_with_retries(url, max_bytes).await.map_err(|failure| failure.into_error(url))
    }

    /// Like [`Self::get_document`], for a document of which a copy may be known.
    pub async fn get_if_changed(&self, question: HttpRequest<'_>) -> Result<HttpAnswer> {
        self.with_retries(|| self.try_counted(question)).await.map_err(|failure| failure.into_error(question.url))
    }

    /// Like [`Self::get_if_changed`], but without retries, for documents that are optional.
    pub async fn get_once_if_changed(&self, question: HttpRequest<'_>) -> Result<HttpAnswer> {
        self.try_counted(question).await.map_err(|failure| failure.into_error(question.url))
    }

    pub(super) fn options(&self) -> &HttpOptions {
        &self.0.options
    }

    pub(super) fn rate_limit(&self) -> Option<u64> {
        self.0.options.rate_limit.bytes_per_second()
    }

    pub(super) async fn get_with_retries(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        self.with_retries(|| self.try_get(url, max_bytes)).await
    }

    /// The pool of connections and the headers for a request to this URL.
    pub(super) fn party(&self, url: &Url) -> Result<(&reqwest::Client, HeaderMap), Failure> {
        let party = match &self.0.anonymous {
            Some((anonymous, origins)) => {
                origins.check(url)?;
                if origins.may_have_credentials(url) { &self.0.trusted } else { anonymous }
            }
            None => &self.0.trusted,
        };
        Ok((&party.client, party.headers.clone()))
    }

    pub(super) async fn with_retries<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        once: impl Fn() -> F,
    ) -> Result<T, Failure> {
        let options = self.options();
        let mut tries = 0;
        loop {
            tries += 1;
            match once().await {
                Err(failure) if failure.retry != Retry::Never && tries < options.attempts => {
                    sleep(pause_before(tries, options.backoff, failure.retry)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// One attempt. Follows redirects, but does not retry.
    pub(super) async fn try_get(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        self.try_get_counted(url, max_bytes, &AtomicU64::new(0)).await
    }

    /// Like [`Self::try_get`]. Adds the bytes of the body to `received` as they arrive, also if the attempt fails.
    pub(super) async fn try_get_counted(
        &self,
        url: &Url,
        max_bytes: u64,
        received: &AtomicU64,
    ) -> Result<Vec<u8>, Failure> {
        match self.try_ask(url, max_bytes, &Validators::default(), received).await? {
            HttpAnswer::Document { bytes, .. } => Ok(bytes),
            HttpAnswer::TooLong | HttpAnswer::NotModified => Err(too_long(max_bytes)),
        }
    }

    async fn try_counted(
        &self,
        HttpRequest { url, max_bytes, known, sent }: HttpRequest<'_>,
    ) -> Result<HttpAnswer, Failure> {
        sent.fetch_add(1, Ordering::Relaxed);
        self.try_ask(url, max_bytes, known, &AtomicU64::new(0)).await
    }

    async fn try_ask(
        &self,
        url: &Url,
        max_bytes: u64,
        known: &Validators,
        received: &AtomicU64,
    ) -> Result<HttpAnswer, Failure> {
        let options = self.options();
        let (client, mut headers) = self.party(url)?;
        let conditional = known.insert_into(&mut headers);
        let request = client.get(url.clone()).headers(headers);
        let patience = options.connect_timeout + options.idle_timeout;
        let response = self.answer(url, request, patience).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if conditional => return Ok(HttpAnswer::NotModified),
            _ => return Err(self.refused(url, &response)),
        }
        let validators = Validators::of(response.headers());
        let body = self.read_counted(response, max_bytes, received).await?;
        match body {
            None => Ok(HttpAnswer::TooLong),
            Some(bytes) if is_web_page(&bytes) => Err(web_page()),
            Some(bytes) => Ok(HttpAnswer::Document { bytes, validators }),
        }
    }

    /// Sends a request, and waits for the answer. A failure names the proxy, which may be at fault.
    pub(super) async fn answer(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        patience: Duration,
    ) -> Result<reqwest::Response, Failure> {
        let outcome = timeout(patience, request.send()).await;
        let outcome = outcome.map_err(|_| timed_out("no answer", patience));
        let outcome = outcome.and_then(|answer| answer.map_err(Failure::of_library));
        outcome.map_err(|failure| failure.through(self.0.proxies.serving(url)))
    }

    /// The failure that any status but success is.
    fn refused(&self, url: &Url, response: &reqwest::Response) -> Failure {
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let failure = Failure::of_status(response.status(), retry_after, SystemTime::now());
        if is_of_proxies(response.status()) { failure.through(self.0.proxies.serving(url)) } else { failure }
    }

    /// Reads a body; `None` if it is longer than `max_bytes`.
    pub(super) async fn read_body(
        &self,
        response: reqwest::Response,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.read_counted(response, max_bytes, &AtomicU64::new(0)).await
    }

    async fn read_counted(
        &self,
        response: reqwest::Response,
        max_bytes: u64,
        received: &AtomicU64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let first = announced_length(response.headers()).unwrap_or(0).min(FIRST_BODY_BYTES);
        let mut body = Vec::with_capacity(usize::try_from(first).unwrap_or(0));
        let mut keep = |piece: &[u8]| {
            body.extend_from_slice(piece);
            Ok(())
        };
        let whole = self.read_pieces(response, max_bytes, &mut keep, received).await?;
        Ok(whole.map(|()| body))
    }

    /// Like [`Self::read_body`], in pieces. Pieces received before a failure have already been passed to `take`.
    async fn read_pieces(
        &self,
        mut response: reqwest::Response,
        max_bytes: u64,
        take: &mut Take<'_>,
        all_received: &AtomicU64,
    ) -> Result<Option<()>, Failure> {
        let coding = Coding::of(response.headers())?;
        let max_encoded_bytes = coding.max_encoded_bytes(max_bytes);
        let announced = announced_length(response.headers());
        if announced.is_some_and(|length| length > max_encoded_bytes) {
            return Ok(None);
        }
        let mut decoder = Decoder::new(coding, max_bytes)?;
        let mut received = 0_u64;
        let mut pace = MinimumRate::new(self.options().idle_timeout);
        let mut turn = Turn::new(&self.options().rate_limit);
        loop {
            turn.wait(announced.map(|length| length.saturating_sub(received))).await;
            let asked = Instant::now();
            let idle = self.options().idle_timeout;
            let piece = timeout(idle, response.chunk())
                .await
                .map_err(|_| timed_out("no data in the middle of the body", idle))?
                .map_err(Failure::of_library)?;
            let Some(piece) = piece else { break };
            turn.pay(piece.len() as u64);
            received += piece.len() as u64;
            all_received.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if received > max_encoded_bytes || !decoder.feed(&piece, take)? {
                return Ok(None);
            }
            pace.received(piece.len() as u64, asked.elapsed())?;
        }
        match announced {
            Some(length) if length != received => Err(Failure::new(
                TransportKind::Protocol,
                format!("received {received} bytes, but {length} were announced"),
                Retry::Backoff,
            )),
            _ => Ok(decoder.finish(take)?.then_some(())),
        }
    }

    /// One attempt to get a byte range (RFC 9110, 14.2), in pieces. Pieces received before a failure have already been
    /// passed to `take`. A server that sends the whole file instead does not support ranges; that is a failure.
    pub(super) async fn try_range(&self, url: &Url, range: &Range<u64>, take: &mut Take<'_>) -> Result<(), Failure> {
        let options = self.options();
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let (client, headers) = self.party(url)?;
        let request = client.get(url.clone()).headers(headers).header(RANGE, wanted);
        let patience = options.connect_timeout + options.idle_timeout;
        let response = self.answer(url, request, patience).await?;
        let length = range.end - range.start;
        let protocol = |reason: &str| Failure::new(TransportKind::Protocol, reason, Retry::Never);
        if response.status().is_success() && Coding::of(response.headers())? != Coding::Identity {
            // The range is one of the encoded file, and cannot be decoded on its own.
            return Err(protocol(
                "the host compresses what it sends, so parts of this bundle cannot be requested: chunks instead",
            ));
        }
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let given = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or("");
                if !given.starts_with(&format!("bytes {}-{}/", range.start, range.end - 1)) {
                    return Err(protocol("the host sent another part of this bundle than requested: chunks instead"));
                }
            }
            // The requested range is the whole file.
            StatusCode::OK if range.start == 0 && announced_length(response.headers()) == Some(length) => {}
            StatusCode::OK => return Err(protocol(NO_RANGES)),
            _ => return Err(self.refused(url, &response)),
        }
        match self.read_pieces(response, length, take, &AtomicU64::new(0)).await? {
            Some(()) => Ok(()),
            None => Err(too_long(length)),
        }
    }
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| {
            let text = headers.get(name)?.to_str().ok()?;
            (text.len() <= MAX_VALIDATOR_BYTES).then(|| text.to_owned())
        };
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    /// Adds the conditional headers. Returns whether there are any.
    fn insert_into(&self, headers: &mut HeaderMap) -> bool {
        let pairs = [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)];
        let mut any = false;
        for (name, text) in pairs {
            if let Some(value) = text.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
                any = true;
            }
        }
        any
    }
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn secret_header(what: &'static str, secret: &Secret) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::from_str(secret.expose()).map_err(|_| Error::invalid(what, "it is not a valid header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn timed_out(what: &str, after: Duration) -> Failure {
    Failure::new(TransportKind::TimedOut, format!("{what} for {:.1} s", after.as_secs_f64()), Retry::Backoff)
}

/// Whether a proxy answers so in place of the server.
fn is_of_proxies(status: StatusCode) -> bool {
    matches!(status.as_u16(), 407 | 502..=504)
}

pub(super) fn too_long(max_bytes: u64) -> Failure {
    Failure::new(TransportKind::Protocol, format!("the body is longer than {max_bytes} bytes"), Retry::Never)
}
