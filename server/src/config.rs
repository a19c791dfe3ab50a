//! The configuration: defaults, a file, the environment and the command line, in this order. Later ones win.
//!
//! Promises: unknown names are errors in all of them, the origin of every setting is known, and secrets are never
//! shown. The environment is passed in by the program, not read here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use url::Url;
use vsekai_updater::formats::bundle::Effort;
use vsekai_updater::text;

use crate::chunks::StorageLocation;
use crate::error::{Error, Result};

mod check;
mod fault;
mod file;
#[cfg(test)]
mod tests;

use fault::Fault;
pub use fault::Origin;

/// How the environment variables begin.
const PREFIX: &str = "VSEKAI_SERVER_";

/// Most webhooks.
const MAX_WEBHOOKS: usize = 20;

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
    /// [`Error::Config`], which names the setting, and what to write where it was given.
    pub fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        given: &[Given],
    ) -> Result<Self> {
        let mut table: Table = toml::from_str(EXAMPLE).map_err(Error::internal_by("reading the example"))?;
        let mut origins = BTreeMap::new();
        if let Some(path) = file {
            let text = file::read(path)?;
            for (name, value) in file::parse(path, &text)? {
                let origin = Origin::File { path: path.to_owned(), line: file::line_of(&text, &name) };
                known(&table, &name, &value, &origin)?;
                origins.insert(name.clone(), origin);
                table.insert(name, value);
            }
        }
        for (variable, text) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            // The name of the file itself, and what Kubernetes sets for a service called vsekai-server.
            if name == "CONFIG" || name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_") {
                continue;
            }
            set(&mut table, &name.to_ascii_lowercase(), &text, &Origin::Environment)?;
            origins.insert(name.to_ascii_lowercase(), Origin::Environment);
        }
        for Given { name, value, is_option } in given {
            let origin = if *is_option { Origin::Option } else { Origin::Pair };
            set(&mut table, name, value, &origin)?;
            origins.insert(name.clone(), origin);
        }
        let refused = |fault: Fault| fault.found_at(&origins);
        let config: Config = table.clone().try_into().map_err(|error| refused(Fault::of_kind(&table, &error)))?;
        config.check().map_err(refused)?;
        Ok(Self { config, origins })
    }
}

fn known<'a>(table: &'a Table, name: &str, value: &Value, origin: &Origin) -> Result<&'a Value> {
    table.get(name).ok_or_else(|| fault::unknown(table, name, value, origin))
}

/// Sets a value given as text, with the type of the default.
fn set(table: &mut Table, name: &str, text: &str, origin: &Origin) -> Result<()> {
    let refuse = || Fault::of_text(table, name, text).at(Some(origin));
    let value = match known(table, name, &Value::from(text), origin)? {
        Value::Integer(_) => Value::Integer(text.parse().map_err(|_| refuse())?),
        Value::Boolean(_) => Value::Boolean(text.parse().map_err(|_| refuse())?),
        Value::Array(_) => {
            Value::Array(text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Value::from).collect())
        }
        _ => Value::from(text),
    };
    table.insert(name.to_owned(), value);
    Ok(())
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
        if self.webhooks.len() > MAX_WEBHOOKS {
            let reason = format!("webhooks: {} are too many", self.webhooks.len());
            return Err(Error::config(reason, format!("Name at most {MAX_WEBHOOKS}")));
        }
        if !self.webhooks.is_empty() && self.webhook_secret_file.is_empty() {
            let reason = "webhooks need webhook_secret_file, the secret that signs them";
            return Err(Error::config(reason, crate::webhooks::SECRET_HINT));
        }
        self.webhooks.iter().map(|text| crate::webhooks::check_url(text, self.allow_private_webhooks)).collect()
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
