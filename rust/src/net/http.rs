//! Chunks and small documents over HTTP/1.1 and HTTP/2.
//!
//! ```text
//! fetch_all         many chunks in parallel, from ranked mirrors        http/scheduler.rs
//!   Mirrors         which mirror to ask first, which one is down        http/mirrors.rs
//!   Concurrency     how many requests run at once                       http/concurrency.rs
//!   HttpStore       one base URL: chunk id -> stored bytes              http/store.rs
//!     HttpClient    one GET with size limits, minimum rate and retries  http/client.rs
//!       RateLimit   bytes per second                                    http/limiter.rs
//!       Decoder     of answers that were compressed unasked             http/encoding.rs
//! HttpBundle        ranges of one bundle, resumed after a failure       http/bundle.rs
//!     HttpClient    one request with a body                             http/send.rs
//! tell              one request about a player, with nothing about who    http/tell.rs
//!   UserOrigins     who gets credentials, and who may be private        http/origins.rs
//! ```
//!
//! Promises: every wait ends, every body has a size limit, a chunk is requested once unless something fails, and no
//! credential reaches another host, an error text or a log. No chunk is decoded or verified here: the result is a
//! [`CompressedChunk`](crate::formats::chunk::CompressedChunk), and its receiver reports whether it was sound.
//!
//! Source of the store layout and its status codes: desync `remotehttp.go`. In addition, 403 and 410
//! mean "missing here": private buckets answer 403 for keys that they do not have.

use std::fmt;
use std::time::Duration;

mod address;
mod bundle;
mod client;
mod concurrency;
mod connection;
mod encoding;
mod failure;
mod hours;
mod limiter;
mod mirrors;
mod network;
mod origins;
mod proxies;
mod rate;
mod scheduler;
mod send;
mod store;
mod tell;

pub use address::{is_private, parse_url};
pub use client::{HttpAnswer, HttpClient, HttpRequest, NO_RANGES, Validators};
pub(crate) use encoding::is_web_page;
pub(crate) use failure::shown;
pub use hours::Hours;
pub use limiter::RateLimit;
pub use network::Network;
pub use scheduler::{ChunkRequest, Deliver, FetchStats, fetch_all};
pub(crate) use send::{Outgoing, Reply};
pub use store::HttpStore;
pub use url::Url;

/// Text that is never printed: its `Debug` output hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How to talk to servers. [`HttpOptions::default`] suits a public store.
#[derive(Clone)]
pub struct HttpOptions {
    /// The complete `Authorization` value. Sent to every requested URL, but not to another host after a redirect; from
    /// a network [for a repository](Network::for_repository), only to the servers that the user named.
    pub authorization: Option<Secret>,
    /// The complete `Cookie` value; sent by the same rule.
    pub cookie: Option<Secret>,
    /// Client certificate and its private key, both in one PEM text.
    pub client_certificate_pem: Option<Vec<u8>>,
    /// Further servers that get the credentials of a network for a repository: those at these URLs.
    pub credential_origins: Vec<Url>,
    /// Certificate authorities to trust in addition to the system's. Each is PEM with one or more certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
    /// Proxy for all hosts but those of [`Self::no_proxy`]; without it, the environment and the system decide.
    pub proxy: Option<String>,
    /// Hosts that are reached without [`Self::proxy`], written as in the variable `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Longest time to connect, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence on a connection. Also the period over which a body must arrive at 1 KiB/s or more.
    pub idle_timeout: Duration,
    /// Attempts per URL, including the first; at least 1.
    pub attempts: u32,
    /// Pause before the second attempt; doubles for each further one. Half of it is random.
    pub backoff: Duration,
    /// Maximum number of parallel requests, 1 to 1024.
    pub max_in_flight: usize,
    /// Limit for the bodies of all requests together, of all clients that share it.
    pub rate_limit: RateLimit,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            authorization: None,
            cookie: None,
            client_certificate_pem: None,
            credential_origins: Vec::new(),
            ca_certificates_pem: Vec::new(),
            proxy: None,
            no_proxy: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            attempts: 4,
            backoff: Duration::from_millis(500),
            max_in_flight: 128,
            rate_limit: RateLimit::default(),
            user_agent: concat!("vsekai-updater/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("authorization", &self.authorization)
            .field("cookie", &self.cookie)
            .field("client_certificate", &self.client_certificate_pem.is_some())
            .field("credential_origins", &self.credential_origins.len())
            .field("ca_certificates", &self.ca_certificates_pem.len())
            // A proxy URL may hold a password.
            .field("proxy", &self.proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("attempts", &self.attempts)
            .field("backoff", &self.backoff)
            .field("max_in_flight", &self.max_in_flight)
            .field("rate_limit", &self.rate_limit)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let options = HttpOptions {
            authorization: Some(Secret::new("Bearer hush")),
            cookie: Some(Secret::new("hush=1")),
            client_certificate_pem: Some(b"hush".to_vec()),
            proxy: Some("http://user:hush@proxy".to_owned()),
            ..HttpOptions::default()
        };
        let text = format!("{options:?}");
        assert!(!text.contains("hush"), "{text}");
    }
}
