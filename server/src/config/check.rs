//! Which values can be used, and which cannot together.

use url::Url;

use super::Config;
use super::fault::Fault;
use crate::error::Error;

/// Longest name of a publisher, in bytes.
const MAX_NAME: usize = 100;

/// Longest time of a setting in hours: ten years.
const MAX_HOURS: i64 = 87_600;

/// Most bundles for one version.
const MAX_BUNDLES: usize = 100;

type Checked = Result<(), Fault>;

impl Config {
    /// Everything that is wrong with the settings.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let checks = [
            self.check_tls(),
            self.check_texts(),
            self.check_public_url(),
            self.check_rates(),
            self.check_memory(),
            self.check_hours(),
            range("reports_every_s", self.reports_every_s, 1, 3600),
            self.check_database(),
            self.check_effort(),
            range("bundle_cpu_percent", self.bundle_cpu_percent.into(), 1, 100),
            range("bundle_threads", self.bundle_threads as u64, 1, 256),
            self.check_bundles(),
            self.check_chunks(),
            self.check_metrics(),
            self.check_log(),
        ];
        checks.into_iter().filter_map(Result::err).chain(super::webhooks::faults(self)).collect()
    }

    fn check_tls(&self) -> Checked {
        let lacks = |name, value| {
            Err(Fault::new(name, format!("tls_cert and tls_key must be set together, and {name} is not")).write(value))
        };
        match (self.tls_cert.is_empty(), self.tls_key.is_empty()) {
            (true, false) => lacks("tls_cert", "/etc/ssl/update.pem"),
            (false, true) => lacks("tls_key", "/etc/ssl/update.key"),
            _ => Ok(()),
        }
    }

    fn check_texts(&self) -> Checked {
        if self.publisher.len() > MAX_NAME || self.publisher.contains(char::is_control) {
            let reason = format!("publisher must have at most {MAX_NAME} bytes and no control characters");
            return Err(Fault::new("publisher", reason).write("V-Sekai"));
        }
        if !matches!(self.log_format.as_str(), "text" | "json") {
            let reason = format!("log_format must be \"text\" or \"json\", not {:?}", self.log_format);
            return Err(Fault::new("log_format", reason));
        }
        Ok(())
    }

    fn check_public_url(&self) -> Checked {
        let is_web = ["http://", "https://"].iter().any(|scheme| self.public_url.starts_with(scheme));
        let reason = match Url::parse(&self.public_url) {
            _ if self.public_url.is_empty() => return Ok(()),
            _ if !is_web => "must begin with https:// or http://, not be",
            Ok(url) if url.has_host() => return Ok(()),
            _ => "must be the whole address of a server, not",
        };
        let reason = format!("public_url {reason} {:?}", self.public_url);
        Err(Fault::new("public_url", reason).write("https://updates.example.org"))
    }

    fn check_rates(&self) -> Checked {
        let at_least_1 = [
            ("connections", self.connections),
            ("connections_per_address", self.connections_per_address),
            ("open_publications", self.open_publications),
            ("database_connections", self.database_connections as usize),
            ("writes_per_second", self.writes_per_second as usize),
            ("chunk_puts_per_second", self.chunk_puts_per_second as usize),
            ("wrong_tokens_per_minute", self.wrong_tokens_per_minute as usize),
        ];
        match at_least_1.into_iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Fault::new(name, format!("{name} must be at least 1"))),
            None => Ok(()),
        }
    }

    fn check_memory(&self) -> Checked {
        let least = self.max_index_mib.saturating_mul(2);
        if self.upload_memory_mib >= least {
            return Ok(());
        }
        let (name, now) = ("upload_memory_mib", self.upload_memory_mib);
        let reason = format!("{name} must be at least twice max_index_mib, which is {least}, not {now}");
        Err(Fault::new(name, reason).write(i64::try_from(least).unwrap_or(i64::MAX)))
    }

    fn check_hours(&self) -> Checked {
        let hours = [
            ("clean_grace_h", self.clean_grace_h, 0),
            ("publication_h", self.publication_h, 1),
            ("superseded_h", self.superseded_h, 0),
        ];
        match hours.into_iter().find(|(_, it, least)| !(*least..=MAX_HOURS).contains(it)) {
            Some((name, value, least)) => {
                let reason = format!("{name} must be {least} to {MAX_HOURS}, which is ten years, not {value}");
                Err(Fault::new(name, reason))
            }
            None => Ok(()),
        }
    }

    fn check_database(&self) -> Checked {
        if self.database.is_empty() || crate::db::is_url(&self.database) {
            return Ok(());
        }
        let reason = "database must begin with sqlite:, postgres://, postgresql:// or cockroachdb://";
        let advice = "For SQLite, write sqlite:FILE";
        Err(Fault::new("database", reason).write("postgres://USER:PASSWORD@HOST/NAME").advise(advice))
    }

    fn check_effort(&self) -> Checked {
        self.bundle_effort().map(|_| ()).map_err(|error| Fault::new("bundle_effort", error.to_string()))
    }

    fn check_bundles(&self) -> Checked {
        let both = self.bundle_deltas.saturating_add(self.bundle_asked);
        if both <= MAX_BUNDLES {
            return Ok(());
        }
        let reason = format!("bundle_deltas and bundle_asked must be at most {MAX_BUNDLES} together, not {both}");
        let name = if self.bundle_deltas > self.bundle_asked { "bundle_deltas" } else { "bundle_asked" };
        Err(Fault::new(name, reason))
    }

    fn check_chunks(&self) -> Checked {
        self.chunk_location().map(|_| ()).map_err(|error| {
            let is_folder = self.chunks.starts_with('/');
            let meant = if is_folder { format!("file://{}", self.chunks) } else { "file:///srv/chunks".to_owned() };
            Fault::from(("chunks", error)).write(meant)
        })
    }

    fn check_metrics(&self) -> Checked {
        let refuse = |error: Error| {
            let meant = super::address::meant(&self.metrics_listen).unwrap_or_else(|| "127.0.0.1:9090".to_owned());
            Fault::new("metrics_listen", error.to_string()).write(meant)
        };
        self.metrics().map(|_| ()).map_err(refuse)
    }

    fn check_log(&self) -> Checked {
        self.log_filter().map(|_| ()).map_err(|error| Fault::from(("log", error)))
    }
}

fn range(name: &str, value: u64, least: u64, most: u64) -> Checked {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::new(name, format!("{name} must be {least} to {most}, not {value}")))
}
