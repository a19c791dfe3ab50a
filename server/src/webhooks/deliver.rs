//! Sends messages to one receiver, one after the other, signed and with a few tries.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::mpsc;
use url::Url;

use super::{Event, shown};
use crate::error::{Error, Result};
use crate::model::Time;

/// How long a receiver may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses between tries: five tries in about two minutes.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(2), Duration::from_secs(20), Duration::from_secs(90)];

/// What signs messages.
#[derive(Clone)]
pub(super) struct Secret(Hmac<Sha256>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Parses 24 to 64 bytes in base64, perhaps after `whsec_`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        let is_long_enough = (24..=64).contains(&bytes.len());
        is_long_enough.then(|| Hmac::new_from_slice(&bytes).ok().map(Self)).flatten()
    }

    /// The header `webhook-signature`, as Standard Webhooks has it.
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Delivers what comes. Never returns before all senders are gone: drop the future to stop.
pub(super) async fn forever(
    client: reqwest::Client,
    url: Url,
    secret: Secret,
    mut waiting: mpsc::Receiver<Arc<Event>>,
) {
    while let Some(event) = waiting.recv().await {
        match deliver(&client, &url, &secret, &event).await {
            Ok(()) => count("ok"),
            Err(reason) => {
                count("failed");
                tracing::warn!(
                    event = "webhook_failed",
                    to = shown(&url),
                    kind = event.kind,
                    "a webhook was not delivered: {reason}"
                );
            }
        }
    }
}

/// Counts a message by what became of it.
pub(super) fn count(outcome: &'static str) {
    metrics::counter!("vsekai_webhook_messages_total", "outcome" => outcome).increment(1);
}

async fn deliver(client: &reqwest::Client, url: &Url, secret: &Secret, event: &Event) -> Result<(), String> {
    let body = event.body();
    let mut pauses = PAUSES.iter();
    loop {
        let reason = match send(client, url, secret, event, body.clone()).await {
            Ok(status) if status.is_success() => return Ok(()),
            // It understood, and does not want it: the same again changes nothing.
            Ok(status) if status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429) => {
                return Err(format!("it was refused with {status}"));
            }
            Ok(status) => format!("the answer was {status}"),
            Err(error) => error.to_string(),
        };
        let Some(pause) = pauses.next() else { return Err(reason) };
        tokio::time::sleep(*pause).await;
    }
}

async fn send(
    client: &reqwest::Client,
    url: &Url,
    secret: &Secret,
    event: &Event,
    body: Vec<u8>,
) -> Result<reqwest::StatusCode> {
    let seconds = Time::now().0.div_euclid(1_000_000);
    let sent = client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("user-agent", concat!("vsekai-server/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &event.id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", secret.sign(&event.id, seconds, &body))
        .body(body);
    // The address of a receiver may be its secret: the error must not show it.
    let sent = sent.send().await.map_err(reqwest::Error::without_url);
    Ok(sent.map_err(Error::internal_by("calling a webhook"))?.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn short_secrets_and_other_texts_are_none() {
        for text in ["", "whsec_", "password", "MfKQ9r8GKYqrTwjU", &STANDARD.encode([7; 65])] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{:?}", Secret::parse(&STANDARD.encode([7; 24])).unwrap()).contains('7'));
    }

    #[tokio::test]
    async fn names_of_this_machine_are_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
        let secret = Secret::parse(&STANDARD.encode([7; 32])).unwrap();
        let event = Event {
            id: "1".into(),
            kind: "test".into(),
            at: Time(0),
            text: String::new(),
            data: serde_json::json!({}),
        };
        let client = crate::probe::client(false, TIMEOUT).unwrap();
        assert!(send(&client, &url, &secret, &event, event.body()).await.is_err());
        let accepted = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(accepted.is_err(), "it was connected to");
    }
}
