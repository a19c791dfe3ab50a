//! One request that brings something: a body of ours, an answer with a cap, retries. For requests that do no harm when
//! they come twice.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::client::{HttpClient, timed_out, too_long};
use super::failure::{Failure, Retry};
use crate::error::Result;

/// What a line must carry at least, in bytes per second, for a body to be worth waiting for.
const FLOOR_BYTES_PER_SECOND: u64 = 8 << 10;

/// A request with a body.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// How long the server may think before it answers.
    pub(crate) patience: Duration,
}

/// What the server said to it, whether yes or no.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl HttpClient {
    /// Sends it, again if the line fails or the server is overloaded. Any status is an answer once trying again does
    /// not help; its body has at most `max_bytes`.
    pub(crate) async fn send(&self, outgoing: &Outgoing, max_bytes: u64) -> Result<Reply> {
        // The last answer of an overloaded server says more than that there was one.
        let last = std::sync::Mutex::new(None);
        let keep = |reply| *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = reply;
        let once = || async {
            keep(None);
            let reply = self.try_send(outgoing, max_bytes).await?;
            let retry_after = reply.1.as_deref();
            let failure = Failure::of_status(reply.0.status, retry_after, SystemTime::now());
            if reply.0.status.is_success() || failure.retry == Retry::Never {
                return Ok(reply.0);
            }
            keep(Some(reply.0));
            Err(failure)
        };
        match self.with_retries(once).await {
            Ok(reply) => Ok(reply),
            Err(failure) => {
                let last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                last.ok_or_else(|| failure.into_error(&outgoing.url))
            }
        }
    }

    /// The answer, and when to come again.
    async fn try_send(&self, outgoing: &Outgoing, max_bytes: u64) -> Result<(Reply, Option<String>), Failure> {
        let mut headers = self.headers().clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(outgoing.content_type));
        let request = self.inner().request(outgoing.method.clone(), outgoing.url.clone());
        let request = request.headers(headers).body(outgoing.body.clone());
        let options = self.options();
        let upload = Duration::from_secs(outgoing.body.len() as u64 / FLOOR_BYTES_PER_SECOND);
        let patience = options.connect_timeout + options.idle_timeout + outgoing.patience + upload;
        let response = timeout(patience, request.send())
            .await
            .map_err(|_| timed_out("no answer", patience))?
            .map_err(Failure::of_library)?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.read_body(response, max_bytes).await?.ok_or_else(|| too_long(max_bytes))?;
        Ok((Reply { status, body }, retry_after))
    }
}
