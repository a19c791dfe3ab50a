//! The configuration: defaults, a file, the environment and the command line, in this order. Later ones win.
//!
//! Promises: unknown names are errors in all of them, the origin of every setting is known, and secrets are never
//! shown. The environment is passed in by the program, not read here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;
use url::Url;
use vsekai_updater::formats::bundle::Effort;
use vsekai_updater::text;

use crate::chunks::StorageLocation;
use crate::error::{Error, Result};

mod address;
mod check;
mod fault;
mod file;
mod paths;
#[cfg(test)]
mod tests;
mod webhooks;

use fault::Fault;
pub use fault::Origin;

/// How the environment variables begin.
const PREFIX: &str = "VSEKAI_SERVER_";

/// Levels of the log, as its filters have them.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// What can be logged.
const LOG_FORMS: &str = "error, warn, info or debug; or parts with levels of their own, as in info,access=debug";

/// Every setting; `config.example.toml` explains each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.example.toml explains them, and a test compares the two")]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Config {
    pub listen: SocketAddr,
    pub metrics_listen: String,
    pub data: PathBuf,
    pub database: String,
    pub database_connections: u32,
    pub chunks: String,
    pub chunk_cache_mib: u64,
    pub keys: String,
    pub trust_clock: bool,
    pub public_url: String,
    pub publisher: String,
    pub docs: bool,
    pub admin_page: bool,
    pub region: String,
    pub allow_private_cdns: bool,
    pub probe_every_s: u64,
    pub reports_every_s: u64,
    pub clean_every_min: u64,
    pub clean_grace_h: i64,
    pub publication_h: i64,
    pub superseded_h: i64,
    pub bundles: bool,
    pub bundle_versions: usize,
    pub bundle_deltas: usize,
    pub bundle_asked: usize,
    pub bundle_effort: String,
    pub bundle_threads: usize,
    pub bundle_cpu_percent: u32,
    pub connections: usize,
    pub connections_per_address: usize,
    pub max_index_mib: u64,
    pub upload_memory_mib: u64,
    pub open_publications: usize,
    pub unpublished_gib: u64,
    pub disk_reserve_mib: u64,
    pub writes_per_second: u32,
    pub chunk_puts_per_second: u32,
    pub wrong_tokens_per_minute: u32,
    pub trusted_proxies: Vec<IpAddr>,
    pub tls_cert: String,
    pub tls_key: String,
    pub webhooks: Vec<String>,
    pub webhook_secret_file: String,
    pub allow_private_webhooks: bool,
    pub log: String,
    pub log_format: String,
    pub drain_s: u64,
    pub shutdown_s: u64,
}

/// Every setting with its explanation and its default value.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// A configuration with the origin of each setting.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// By name of the setting. Settings not listed have their defaults.
    pub origins: BTreeMap<String, Origin>,
}

/// A setting that is given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// Whether it is given by an option of its own, such as `--listen`, instead of `--set`.
    pub is_option: bool,
}

impl Loaded {
    /// Combines a file, if there is one, with environment variables and what the command line gives.
    ///
    /// # Errors
    /// [`Error::Config`], which names the setting, and what to write where it was given; [`Error::Settings`] about several.
    pub fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        given: &[Given],
    ) -> Result<Self> {
        let defaults: Table = toml::from_str(EXAMPLE).map_err(Error::internal_by("reading the example"))?;
        let mut reading = Reading { table: defaults, origins: BTreeMap::new(), faults: Vec::new() };
        if let Some(path) = file {
            reading.file(path)?;
        }
        for (variable, text) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            // The name of the file itself, and what Kubernetes sets for a service called vsekai-server.
            if name == "CONFIG" || name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_") {
                continue;
            }
            reading.text(&name.to_ascii_lowercase(), &text, Origin::Environment);
        }
        for Given { name, value, is_option } in given {
            reading.text(name, value, if *is_option { Origin::Option } else { Origin::Pair });
        }
        reading.end()
    }
}

/// Whether `log_format` is JSON, as far as the settings can be read: what is wrong with them is told in this form, too.
pub fn wants_json(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>, given: &[Given]) -> bool {
    let pair = given.iter().rfind(|it| it.name == "log_format").map(|it| it.value.clone());
    let mut variables = environment.filter(|(name, _)| name.strip_prefix(PREFIX) == Some("LOG_FORMAT")).map(|it| it.1);
    let of_file = || {
        let table = file::parse(file?, &file::read(file?).ok()?).ok()?;
        table.get("log_format")?.as_str().map(str::to_owned)
    };
    pair.or_else(|| variables.next()).or_else(of_file).is_some_and(|format| format == "json")
}

/// Settings as they are read, and what is wrong with them: all of it is told at once.
struct Reading {
    table: Table,
    origins: BTreeMap<String, Origin>,
    faults: Vec<Error>,
}

impl Reading {
    fn file(&mut self, path: &Path) -> Result<()> {
        let text = file::read(path)?;
        for (name, value) in file::parse(path, &text)? {
            let origin = Origin::File { path: path.to_owned(), line: file::line_of(&text, &name) };
            if self.knows(&name, &value, &origin) {
                self.set(name, value, origin);
            }
        }
        Ok(())
    }

    /// Sets a value given as text, with the type of the default.
    fn text(&mut self, name: &str, text: &str, origin: Origin) {
        if !self.knows(name, &Value::from(text), &origin) {
            return;
        }
        let value = match self.table.get(name) {
            Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
            Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
            Some(Value::Array(_)) => {
                let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
                Some(Value::Array(items.map(Value::from).collect()))
            }
            _ => Some(Value::from(text)),
        };
        match value {
            Some(value) => self.set(name.to_owned(), value, origin),
            None => self.faults.push(Fault::of_text(&self.table, name, text).at(Some(&origin))),
        }
    }

    fn knows(&mut self, name: &str, value: &Value, origin: &Origin) -> bool {
        let is_known = self.table.contains_key(name);
        if !is_known {
            self.faults.push(fault::unknown(&self.table, name, value, origin));
        }
        is_known
    }

    fn set(&mut self, name: String, value: Value, origin: Origin) {
        self.origins.insert(name.clone(), origin);
        self.table.insert(name, value);
    }

    /// The settings. Those of a wrong type have their defaults while the others are checked.
    fn end(mut self) -> Result<Loaded> {
        let defaults: Table = toml::from_str(EXAMPLE).map_err(Error::internal_by("reading the example"))?;
        // Of the file, only what is in force: a container may have set its own folder.
        for (name, origin) in &self.origins {
            match self.table.get(name).and_then(|value| paths::whole(name, value, origin)) {
                Some(Ok(whole)) => drop(self.table.insert(name.clone(), whole)),
                Some(Err(fault)) => self.faults.push(fault),
                None => {}
            }
        }
        let mut wrong = Vec::new();
        for name in self.origins.keys() {
            let mut alone = defaults.clone();
            let value = self.table.get(name).cloned().unwrap_or_else(|| Value::from(""));
            alone.insert(name.clone(), value.clone());
            if alone.try_into::<Config>().is_err() {
                wrong.push((name.clone(), value));
            }
        }
        for (name, value) in wrong {
            self.faults.push(Fault::of_kind(&name, &value).found_at(&self.origins));
            self.table.extend(defaults.get(&name).map(|value| (name, value.clone())));
        }
        let config: Config = self.table.try_into().map_err(Error::internal_by("reading the settings"))?;
        let about_values = config.faults();
        let origins = self.origins;
        self.faults.extend(about_values.into_iter().map(|fault| fault.found_at(&origins)));
        match self.faults.len() {
            0 => Ok(Loaded { config, origins }),
            1 => Err(self.faults.remove(0)),
            _ => Err(Error::Settings(self.faults)),
        }
    }
}

impl Config {
    /// The URL of the database.
    pub fn database_url(&self) -> String {
        if self.database.is_empty() {
            return format!("sqlite:{}", self.data.join("vsekai.db").display());
        }
        self.database.clone()
    }

    /// The folder of the database, if it is a file that is set.
    pub fn database_folder(&self) -> Option<PathBuf> {
        let file = self.database.strip_prefix("sqlite:")?;
        let file = file.split('?').next().unwrap_or(file).trim_start_matches("//");
        Some(Path::new(file).parent()?.to_owned())
    }

    /// The URL of the database without its password.
    pub fn database_shown(&self) -> String {
        let url = self.database_url();
        if !text::has_secret(&url) {
            return url;
        }
        match Url::parse(&url) {
            Ok(mut parsed) => {
                if parsed.password().is_some() {
                    let _ = parsed.set_password(Some("***"));
                }
                // PostgreSQL takes a password in the query, too.
                let has_query = parsed.query().is_some();
                parsed.set_query(None);
                if has_query { format!("{parsed}?…") } else { parsed.to_string() }
            }
            Err(_) => text::address(&url),
        }
    }

    /// The folder of the online keys.
    pub fn keys_folder(&self) -> PathBuf {
        if self.keys.is_empty() { self.data.join("keys") } else { PathBuf::from(&self.keys) }
    }

    /// Where chunks are kept.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn chunk_location(&self) -> Result<StorageLocation> {
        StorageLocation::parse(&self.chunks)
    }

    /// The greatest effort for bundles.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn bundle_effort(&self) -> Result<Effort> {
        let reason = || format!("bundle_effort must be \"fast\", \"normal\" or \"best\", not {:?}", self.bundle_effort);
        let refuse = || Error::config(reason(), "Set bundle_effort to one of them");
        Effort::parse(&self.bundle_effort).ok_or_else(refuse)
    }

    /// The addresses of webhooks.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn webhook_urls(&self) -> Result<Vec<Url>> {
        webhooks::urls(self)
    }

    /// What is logged.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn log_filter(&self) -> Result<EnvFilter> {
        // The library takes any other word for the name of a part of the program, and then logs nothing else.
        let unknown = self.log.split(',').map(str::trim).find(|part| {
            let is_word = !part.is_empty() && part.chars().all(char::is_alphanumeric);
            is_word && !LEVELS.iter().any(|level| part.eq_ignore_ascii_case(level))
        });
        if let Some(part) = unknown {
            let meant =
                text::closest(part, &LEVELS).map(|word| format!("; did you mean {word:?}?")).unwrap_or_default();
            return Err(Error::config(format!("log has no level {part:?}{meant}"), format!("Or {LOG_FORMS}")));
        }
        EnvFilter::try_new(&self.log).map_err(|_| {
            let reason = format!("log must be a level, or parts with levels, not {:?}", self.log);
            Error::config(reason, format!("Or {LOG_FORMS}"))
        })
    }

    /// The addresses of webhooks without what may be a secret: everything but their hosts.
    pub fn webhooks_shown(&self) -> Vec<String> {
        self.webhook_urls().unwrap_or_default().iter().map(crate::webhooks::shown).collect()
    }

    /// The address for metrics, if they are enabled.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn metrics(&self) -> Result<Option<SocketAddr>> {
        if self.metrics_listen.is_empty() {
            return Ok(None);
        }
        let reason = || format!("metrics_listen must be an address and a port, not {:?}", self.metrics_listen);
        let refuse = |_| Error::config(reason(), "Set metrics_listen to an address such as 127.0.0.1:9090");
        self.metrics_listen.parse().map(Some).map_err(refuse)
    }
}
