//! A request with a body, a limited answer and retries. Only for requests that are harmless when repeated.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use url::Url;

use super::client::{HttpClient, too_long};
use super::failure::{Failure, Retry};
use crate::error::Result;

/// Slowest upload that is waited for, in bytes per second.
const FLOOR_BYTES_PER_SECOND: u64 = 8 << 10;

/// A request with a body.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// How long the server may take to answer, in addition to the transfer.
    pub(crate) patience: Duration,
}

/// The server's answer, whether success or failure.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl HttpClient {
    /// Sends the request; repeats it if the connection fails or the server is overloaded. Any status is a valid answer
    /// once retrying does not help. Its body has at most `max_bytes`.
    pub(crate) async fn send(&self, outgoing: &Outgoing, max_bytes: u64) -> Result<Reply> {
        // The last answer of an overloaded server is more informative than the failure made from its status.
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

    /// The answer, and its `Retry-After` header.
    async fn try_send(&self, outgoing: &Outgoing, max_bytes: u64) -> Result<(Reply, Option<String>), Failure> {
        let (client, mut headers) = self.party(&outgoing.url)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(outgoing.content_type));
        let request = client.request(outgoing.method.clone(), outgoing.url.clone());
        let request = request.headers(headers).body(outgoing.body.clone());
        let options = self.options();
        let upload = Duration::from_secs(outgoing.body.len() as u64 / FLOOR_BYTES_PER_SECOND);
        let patience = options.connect_timeout + options.idle_timeout + outgoing.patience + upload;
        let response = self.answer(&outgoing.url, request, patience).await?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.read_body(response, max_bytes).await?.ok_or_else(|| too_long(max_bytes))?;
        Ok((Reply { status, body }, retry_after))
    }
}
