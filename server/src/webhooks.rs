//! Tells others what happens here: changes of the repository, signatures that are about to expire, failures.
//!
//! ```text
//! Webhooks     events in, one queue for each address    this file
//!   watch      looks for what to tell every minute      webhooks/watch.rs
//!   deliver    sends, signs, and tries again            webhooks/deliver.rs
//! ```
//!
//! Messages follow the Standard Webhooks specification, so that receivers can verify them with a library. A receiver may
//! get a message twice, and knows that by its id; after a long failure or a restart of this server it may miss one.
//! Nothing waits for a receiver. Like the prober, this connects to public addresses only, unless the operator allows more.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::{AuditEntry, Time};
use crate::service::Service;

mod deliver;
mod watch;

use deliver::Secret;

/// Messages that wait for one receiver.
const QUEUE: usize = 100;

/// Largest file with a secret, in bytes.
const MAX_SECRET_FILE: u64 = 4096;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    /// The same for the same thing, whoever tells it and however often.
    id: String,
    /// What happened, such as `version.publish`.
    kind: String,
    at: Time,
    /// For people to read.
    text: String,
    data: Value,
}

impl Event {
    fn body(&self) -> Vec<u8> {
        let body = json!({"type": self.kind, "timestamp": self.at.to_string(), "text": self.text, "data": self.data});
        body.to_string().into_bytes()
    }
}

/// Where to tell.
#[derive(Debug)]
struct Receiver {
    url: Url,
    queue: mpsc::Sender<Arc<Event>>,
    /// Until somebody takes messages from the queue.
    waiting: std::sync::Mutex<Option<mpsc::Receiver<Arc<Event>>>>,
}

/// The addresses that are told what happens.
#[derive(Debug)]
pub struct Webhooks {
    receivers: Vec<Receiver>,
    secret: Option<Secret>,
    allow_private: bool,
}

impl Webhooks {
    /// Reads the secret, if there are webhooks.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub async fn open(config: &Config) -> Result<Self> {
        let urls = config.webhook_urls()?;
        let secret = if urls.is_empty() { None } else { Some(read_secret(&config.webhook_secret_file).await?) };
        let receiver = |url: Url| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            Receiver { url, queue, waiting: std::sync::Mutex::new(Some(waiting)) }
        };
        let receivers = urls.into_iter().map(receiver).collect();
        Ok(Self { receivers, secret, allow_private: config.allow_private_webhooks })
    }

    /// Starts to deliver, and to look for what to tell.
    ///
    /// # Errors
    /// [`Error::Internal`] if the client cannot be made.
    pub fn start(self: Arc<Self>, tasks: &mut JoinSet<()>, service: &Arc<Service>, holder: &str) -> Result<()> {
        let Some(secret) = &self.secret else { return Ok(()) };
        let client = crate::probe::client(self.allow_private, deliver::TIMEOUT)?;
        for receiver in &self.receivers {
            let waiting = receiver.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            if let Some(waiting) = waiting {
                tasks.spawn(deliver::forever(client.clone(), receiver.url.clone(), secret.clone(), waiting));
            }
        }
        tasks.spawn(watch::forever(Arc::clone(&self), Arc::clone(service), holder.to_owned()));
        Ok(())
    }

    /// Tells changes of the repository. The server's own renewals are none that anybody asks about.
    pub fn tell_changes(&self, entries: &[AuditEntry]) {
        for entry in entries.iter().filter(|entry| entry.action != "repository.renew") {
            let detail = serde_json::from_str(&entry.detail).unwrap_or(Value::Null);
            self.tell(Event {
                id: format!("audit_{}", entry.id.simple()),
                kind: entry.action.clone(),
                at: entry.at,
                text: text_of(entry, &detail),
                data: json!({
                    "subject": entry.subject, "actor": entry.actor, "request_id": entry.request_id, "detail": detail,
                }),
            });
        }
    }

    fn tell(&self, event: Event) {
        let event = Arc::new(event);
        for receiver in &self.receivers {
            if receiver.queue.try_send(Arc::clone(&event)).is_err() {
                deliver::count("dropped");
                tracing::warn!(
                    event = "webhook_overrun",
                    to = shown(&receiver.url),
                    kind = event.kind,
                    "too many messages wait for a webhook"
                );
            }
        }
    }
}

/// What was done to what, and why if that is known.
fn text_of(entry: &AuditEntry, detail: &Value) -> String {
    let reason = detail["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {}{reason}", entry.action, entry.subject).trim_end().to_owned()
}

/// How the secret of webhooks is made.
const SECRET_HINT: &str = "Make a secret with `(umask 077 && openssl rand -base64 32 > webhook.secret)`, and \
                                      set webhook_secret_file to its path";

async fn read_secret(file: &str) -> Result<Secret> {
    let path = Path::new(file).to_owned();
    let read = tokio::task::spawn_blocking(move || vsekai_updater::local::disk::read(&path, MAX_SECRET_FILE)).await;
    let failed = |reason: String| Error::config(format!("webhook_secret_file: {reason}"), SECRET_HINT);
    let bytes = read.map_err(|error| failed(error.to_string()))?;
    let bytes = bytes.map_err(|error| failed(error.message_with_causes()))?;
    Secret::parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| failed(format!("{file} must have 24 to 64 bytes in base64")))
}

/// An address as it may be shown: many receivers have their secret in the path.
pub fn shown(url: &Url) -> String {
    format!("{}/…", url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let url = Url::parse("https://hooks.example.org/services/hush?key=hush").unwrap();
        assert_eq!(shown(&url), "https://hooks.example.org/…");
    }
}
