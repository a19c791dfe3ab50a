//! Chunks and small documents over HTTP/1.1 and HTTP/2.
//!
//! ```text
//! fetch_all   many chunks, many requests in flight, mirrors in order     http/scheduler.rs
//!   Mirrors    which mirror first, which one is down                      http/mirrors.rs
//!   Concurrency    how many requests at once                                  http/concurrency.rs
//!   HttpStore one base URL: chunk id -> stored bytes                     http/store.rs
//!     HttpClient  one GET with caps, floors and retries                  http/client.rs
//!       Limiter   bytes per second                                       http/limiter.rs
//! HttpBundle  ranges of one bundle, going on where a line broke        http/bundle.rs
//!     HttpClient  one request that brings something                      http/send.rs
//! ```
//!
//! Promises: every wait has an end, every body a cap, a chunk is asked for once while all is well, and no
//! credential reaches another host, an error text or a log. It does not decode or verify: what arrives is
//! a [`CompressedChunk`](crate::formats::chunk::CompressedChunk), and whoever takes it says whether it was sound.
//!
//! Source of the store layout and its status codes: desync `remotehttp.go`. That 403 and 410 also mean
//! "missing here" is ours: private buckets answer 403 for keys that they do not have.

use std::fmt;
use std::time::Duration;

mod bundle;
mod client;
mod concurrency;
mod failure;
mod limiter;
mod mirrors;
mod network;
mod scheduler;
mod send;
mod store;

pub use client::{HttpAnswer, HttpClient, HttpRequest, Validators};
pub use network::Network;
pub use scheduler::{ChunkRequest, Deliver, FetchStats, fetch_all};
pub(crate) use send::{Outgoing, Reply};
pub use store::HttpStore;
pub use url::Url;

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
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
    /// The whole `Authorization` value. Goes to every URL asked for, but not to where that redirects.
    pub authorization: Option<Secret>,
    /// The whole `Cookie` value; same rule.
    pub cookie: Option<Secret>,
    /// Client certificate and its private key, PEM, in one.
    pub client_certificate_pem: Option<Vec<u8>>,
    /// Authorities to accept beside those of the system; each PEM, one or more certificates.
    pub ca_certificates_pem: Vec<Vec<u8>>,
    /// Proxy for everything but what `NO_PROXY` names; without it the environment decides.
    pub proxy: Option<String>,
    /// Longest time to a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence on a connection. Also the window over which a body must bring 1 KiB/s.
    pub idle_timeout: Duration,
    /// Tries per URL, the first one included; at least 1.
    pub attempts: u32,
    /// Pause before the second try; doubles for each further one, half of it at random.
    pub backoff: Duration,
    /// Most requests at once; 1 to 1024.
    pub max_in_flight: usize,
    /// Most bytes of bodies per second over all requests of the client.
    pub rate_limit_bytes_per_second: Option<u64>,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            authorization: None,
            cookie: None,
            client_certificate_pem: None,
            ca_certificates_pem: Vec::new(),
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            attempts: 4,
            backoff: Duration::from_millis(500),
            max_in_flight: 128,
            rate_limit_bytes_per_second: None,
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
            .field("ca_certificates", &self.ca_certificates_pem.len())
            // A proxy URL may hold a password.
            .field("proxy", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("attempts", &self.attempts)
            .field("backoff", &self.backoff)
            .field("max_in_flight", &self.max_in_flight)
            .field("rate_limit_bytes_per_second", &self.rate_limit_bytes_per_second)
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
