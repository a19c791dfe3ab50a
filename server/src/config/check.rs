//! Which values can be used, and which cannot together.

use super::fault::Fault;
use super::{Config, Value};

/// Longest name of a publisher, in bytes.
const MAX_NAME: usize = 100;

/// Longest time of a setting in hours: ten years.
const MAX_HOURS: i64 = 87_600;

/// Most bundles for one version.
const MAX_BUNDLES: usize = 100;

type Checked = Result<(), Fault>;

impl Config {
    pub(super) fn check(&self) -> Checked {
        self.check_texts()?;
        self.check_numbers()?;
        self.check_bundles()?;
        self.webhook_urls().map_err(|error| Fault::from(("webhooks", error)).write(webhook()))?;
        self.chunk_location().map_err(|error| {
            let is_folder = self.chunks.starts_with('/');
            let meant = if is_folder { format!("file://{}", self.chunks) } else { "file:///srv/chunks".to_owned() };
            Fault::from(("chunks", error)).write(meant)
        })?;
        self.metrics().map_err(|error| Fault::new("metrics_listen", error.to_string()).write("127.0.0.1:9090"))?;
        Ok(())
    }

    fn check_texts(&self) -> Checked {
        let lacks = |name, value| {
            Err(Fault::new(name, format!("tls_cert and tls_key must be set together, and {name} is not")).write(value))
        };
        match (self.tls_cert.is_empty(), self.tls_key.is_empty()) {
            (true, false) => return lacks("tls_cert", "/etc/ssl/update.pem"),
            (false, true) => return lacks("tls_key", "/etc/ssl/update.key"),
            _ => {}
        }
        if self.publisher.len() > MAX_NAME || self.publisher.contains(char::is_control) {
            let reason = format!("publisher must have at most {MAX_NAME} bytes and no control characters");
            return Err(Fault::new("publisher", reason).write("V-Sekai"));
        }
        let is_web = ["http://", "https://"].iter().any(|scheme| self.public_url.starts_with(scheme));
        if !self.public_url.is_empty() && !is_web {
            let reason = format!("public_url must begin with https:// or http://, not be {:?}", self.public_url);
            return Err(Fault::new("public_url", reason).write("https://updates.example.org"));
        }
        if !matches!(self.log_format.as_str(), "text" | "json") {
            let reason = format!("log_format must be \"text\" or \"json\", not {:?}", self.log_format);
            return Err(Fault::new("log_format", reason));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Checked {
        let at_least_1 = [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("open_publications", self.open_publications),
            ("database_connections", self.database_connections as usize),
            ("writes_per_second", self.writes_per_second as usize),
            ("chunk_puts_per_second", self.chunk_puts_per_second as usize),
            ("wrong_tokens_per_minute", self.wrong_tokens_per_minute as usize),
        ];
        if let Some((name, _)) = at_least_1.into_iter().find(|(_, value)| *value == 0) {
            return Err(Fault::new(name, format!("{name} must be at least 1")));
        }
        let least = self.max_index_mib.saturating_mul(2);
        if self.upload_memory_mib < least {
            let (name, now) = ("upload_memory_mib", self.upload_memory_mib);
            let reason = format!("{name} must be at least twice max_index_mib, which is {least}, not {now}");
            return Err(Fault::new(name, reason).write(i64::try_from(least).unwrap_or(i64::MAX)));
        }
        let hours = [
            ("clean_grace_h", self.clean_grace_h, 0),
            ("publication_h", self.publication_h, 1),
            ("superseded_h", self.superseded_h, 0),
        ];
        if let Some((name, value, least)) = hours.into_iter().find(|(_, it, least)| !(*least..=MAX_HOURS).contains(it))
        {
            let reason = format!("{name} must be {least} to {MAX_HOURS}, which is ten years, not {value}");
            return Err(Fault::new(name, reason));
        }
        range("reports_every_s", self.reports_every_s, 1, 3600)
    }

    fn check_bundles(&self) -> Checked {
        self.bundle_effort().map_err(|error| Fault::new("bundle_effort", error.to_string()))?;
        range("bundle_cpu_percent", self.bundle_cpu_percent.into(), 1, 100)?;
        range("bundle_threads", self.bundle_threads as u64, 1, 256)?;
        let both = self.bundle_deltas.saturating_add(self.bundle_asked);
        if both > MAX_BUNDLES {
            let reason = format!("bundle_deltas and bundle_asked must be at most {MAX_BUNDLES} together, not {both}");
            let name = if self.bundle_deltas > self.bundle_asked { "bundle_deltas" } else { "bundle_asked" };
            return Err(Fault::new(name, reason));
        }
        Ok(())
    }
}

fn range(name: &str, value: u64, least: u64, most: u64) -> Checked {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::new(name, format!("{name} must be {least} to {most}, not {value}")))
}

fn webhook() -> Value {
    Value::Array(vec![Value::from("https://hooks.example.org/vsekai")])
}
