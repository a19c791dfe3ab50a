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

/// How the environment variables begin.
const PREFIX: &str = "VSEKAI_SERVER_";

/// Largest configuration file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Most webhooks.
const MAX_WEBHOOKS: usize = 20;

/// Longest name of a publisher, in bytes.
const MAX_NAME: usize = 100;

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
    /// `file`, `environment` or `command line`, by name of the setting. Settings not listed have their defaults.
    pub origins: BTreeMap<String, &'static str>,
}

impl Loaded {
    /// Combines a file, if there is one, with environment variables and `name=value` pairs.
    ///
    /// # Errors
    /// [`Error::Config`], which names the setting and where it was given.
    pub fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        pairs: &[(String, String)],
    ) -> Result<Self> {
        let mut table: Table = toml::from_str(EXAMPLE).map_err(|error| Error::Config(error.to_string()))?;
        let mut origins = BTreeMap::new();
        if let Some(path) = file {
            let shown = path.display();
            let bytes =
                vsekai_updater::local::disk::read(path, MAX_BYTES).map_err(|error| Error::Config(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|_| Error::Config(format!("{shown} is not UTF-8")))?;
            let given: Table = toml::from_str(&text).map_err(|error| Error::Config(format!("{shown}: {error}")))?;
            for (name, value) in given {
                known(&table, &name, &shown.to_string())?;
                origins.insert(name.clone(), "file");
                table.insert(name, value);
            }
        }
        for (variable, text) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            // The name of the file itself, and what Kubernetes sets for a service called vsekai-server.
            if name == "CONFIG" || name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_") {
                continue;
            }
            set(&mut table, &name.to_ascii_lowercase(), &text, &variable)?;
            origins.insert(name.to_ascii_lowercase(), "environment");
        }
        for (name, text) in pairs {
            set(&mut table, name, text, "the command line")?;
            origins.insert(name.clone(), "command line");
        }
        let config: Config = table.clone().try_into().map_err(|error| misfit(&table, &error))?;
        config.check()?;
        Ok(Self { config, origins })
    }
}

/// The error for a value of the wrong kind, which the parser does not show.
fn misfit(table: &Table, error: &toml::de::Error) -> Error {
    let said = error.to_string();
    let said = said.trim();
    let value = said.rsplit('`').nth(1).and_then(|name| Some((name, table.get(name)?)));
    Error::Config(match value {
        Some((name @ "listen", value)) => {
            format!("{name}: {value} is not an address and a port up to 65535, such as 127.0.0.1:8080")
        }
        Some((_, value)) => format!("{said}: {value}"),
        None => said.to_owned(),
    })
}

fn known<'a>(table: &'a Table, name: &str, place: &str) -> Result<&'a Value> {
    let unknown =
        || Error::Config(format!("{place}: there is no setting {name:?}; config.example.toml lists all of them"));
    table.get(name).ok_or_else(unknown)
}

/// Sets a value given as text, with the type of the default.
fn set(table: &mut Table, name: &str, text: &str, place: &str) -> Result<()> {
    let refuse = |kind: &str| Error::Config(format!("{place}: {name} must be {kind}, not {text:?}"));
    let value = match known(table, name, place)? {
        Value::Integer(_) => Value::Integer(text.parse().map_err(|_| refuse("a number"))?),
        Value::Boolean(_) => Value::Boolean(text.parse().map_err(|_| refuse("true or false"))?),
        Value::Array(_) => {
            Value::Array(text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Value::from).collect())
        }
        _ => Value::from(text),
    };
    table.insert(name.to_owned(), value);
    Ok(())
}

impl Config {
    fn check(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::Config(text.to_owned()));
        if self.tls_cert.is_empty() != self.tls_key.is_empty() {
            return refuse("tls_cert and tls_key must be set together");
        }
        if self.publisher.len() > MAX_NAME || self.publisher.contains(char::is_control) {
            return refuse("publisher must have at most 100 bytes and no control characters");
        }
        if !matches!(self.log_format.as_str(), "text" | "json") {
            return refuse("log_format must be \"text\" or \"json\"");
        }
        let places = [self.connections, self.connections_per_address, self.open_publications];
        if self.database_connections == 0 || places.contains(&0) {
            return refuse(
                "connections, connections_per_address, open_publications and database_connections must be at least 1",
            );
        }
        if self.upload_memory_mib < 2 * self.max_index_mib {
            return refuse("upload_memory_mib must be at least twice max_index_mib: a token has half of it");
        }
        let hours = [self.clean_grace_h, self.publication_h, self.superseded_h];
        if hours.iter().any(|hours| !(0..=87_600).contains(hours)) || self.publication_h == 0 {
            return refuse(
                "clean_grace_h, publication_h and superseded_h must be at most ten years, and publication_h at least 1",
            );
        }
        if !(1..=3600).contains(&self.reports_every_s) {
            return refuse("reports_every_s must be 1 to 3600");
        }
        if self.writes_per_second == 0 || self.chunk_puts_per_second == 0 || self.wrong_tokens_per_minute == 0 {
            return refuse("rates must be at least 1");
        }
        self.webhook_urls()?;
        self.bundle_effort()?;
        if !(1..=100).contains(&self.bundle_cpu_percent) || !(1..=256).contains(&self.bundle_threads) {
            return refuse("bundle_cpu_percent must be 1 to 100, and bundle_threads 1 to 256");
        }
        if self.bundle_deltas + self.bundle_asked > 100 {
            return refuse("bundle_deltas and bundle_asked must be at most 100 together");
        }
        self.chunk_location()?;
        self.metrics()?;
        Ok(())
    }

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
        let refuse = || Error::Config("bundle_effort must be \"fast\", \"normal\" or \"best\"".to_owned());
        Effort::parse(&self.bundle_effort).ok_or_else(refuse)
    }

    /// The addresses of webhooks.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn webhook_urls(&self) -> Result<Vec<Url>> {
        if self.webhooks.len() > MAX_WEBHOOKS {
            return Err(Error::Config(format!("webhooks: at most {MAX_WEBHOOKS} are possible")));
        }
        if !self.webhooks.is_empty() && self.webhook_secret_file.is_empty() {
            return Err(Error::Config("webhooks need webhook_secret_file, the secret that signs them".to_owned()));
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
        let refuse = |_| Error::Config(format!("metrics_listen: {:?} is not an address and port", self.metrics_listen));
        self.metrics_listen.parse().map(Some).map_err(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> std::iter::Empty<(String, String)> {
        std::iter::empty()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_folder_of_a_database_is_that_of_its_file() {
        let folder = |database: &str| {
            let pairs = [("database".to_owned(), database.to_owned())];
            Loaded::read(None, none(), &pairs).unwrap().config.database_folder()
        };
        assert_eq!(folder("sqlite:///srv/db/main.db?mode=rwc"), Some(PathBuf::from("/srv/db")));
        assert_eq!(folder("sqlite:main.db"), Some(PathBuf::new()));
        assert_eq!(folder("postgres://user@host/name"), None);
        assert_eq!(folder(""), None);
    }

    #[test]
    fn example_has_every_setting_and_explains_each() {
        let loaded = Loaded::read(None, none(), &[]).unwrap();
        let all = Table::try_from(&loaded.config).unwrap();
        let example: Table = toml::from_str(EXAMPLE).unwrap();
        assert_eq!(all, example);
        for name in all.keys() {
            let at = EXAMPLE.find(&format!("\n{name} = ")).unwrap_or_else(|| panic!("{name} is not in the example"));
            let before = EXAMPLE[..at].lines().last().unwrap();
            assert!(before.starts_with('#') || before.starts_with("tls_cert"), "{name} is not explained");
        }
    }

    #[test]
    fn later_places_win() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, "region = \"file\"\nlog = \"warn\"\nconnections = 5\n").unwrap();
        let environment =
            [pair("VSEKAI_SERVER_REGION", "environment"), pair("VSEKAI_SERVER_LOG", "error"), pair("HOME", "/")];
        let loaded = Loaded::read(Some(&file), environment.into_iter(), &[pair("region", "line")]).unwrap();
        assert_eq!(
            (loaded.config.region.as_str(), loaded.config.log.as_str(), loaded.config.connections),
            ("line", "error", 5)
        );
        assert_eq!(loaded.origins["region"], "command line");
        assert_eq!(loaded.origins["log"], "environment");
        assert_eq!(loaded.origins["connections"], "file");
        assert!(!loaded.origins.contains_key("data"));
    }

    #[test]
    fn variables_of_kubernetes_and_of_the_file_itself_are_no_settings() {
        let names = ["CONFIG", "PORT", "PORT_80_TCP", "SERVICE_HOST", "SERVICE_PORT"];
        let environment = names.map(|name| pair(&format!("{PREFIX}{name}"), "tcp://10.0.0.1:80"));
        assert!(Loaded::read(None, environment.into_iter(), &[]).unwrap().origins.is_empty());
    }

    #[test]
    fn unknown_names_and_wrong_values_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, "regoin = \"eu\"").unwrap();
        let told = |result: Result<Loaded>| result.unwrap_err().to_string();
        assert!(told(Loaded::read(Some(&file), none(), &[])).contains("regoin"));
        assert!(told(Loaded::read(None, [pair("VSEKAI_SERVER_REGOIN", "eu")].into_iter(), &[])).contains("regoin"));
        for (name, value) in [
            ("connections", "many"),
            ("docs", "yes"),
            ("listen", "8080"),
            ("chunks", "ftp://x"),
            ("tls_cert", "a.pem"),
            ("log_format", "xml"),
            ("metrics_listen", "here"),
            ("publication_h", "0"),
            ("reports_every_s", "0"),
            ("clean_grace_h", "-1"),
            ("trusted_proxies", "proxy"),
            ("connections", "-3"),
            ("bundle_cpu_percent", "0"),
            ("bundle_threads", "0"),
            ("bundle_effort", "most"),
            ("bundle_deltas", "101"),
            ("webhooks", "https://hooks.example.org/without-a-secret"),
            ("publisher", "a\nb"),
            ("nonsense", ""),
        ] {
            let error = Loaded::read(None, none(), &[pair(name, value)]).unwrap_err();
            assert_eq!(error.code(), "config_invalid", "{name}={value}");
        }
        let lists = Loaded::read(None, none(), &[pair("trusted_proxies", "127.0.0.1, ::1")]).unwrap();
        assert_eq!(lists.config.trusted_proxies.len(), 2);
    }

    #[test]
    fn passwords_are_not_shown() {
        for url in [
            "postgres://vsekai@db/vsekai?password=hush&sslmode=require",
            "postgres://vsekai:hu/sh@db/vsekai",
            "postgres://vsekai:hush@bad host/vsekai",
        ] {
            let loaded = Loaded::read(None, none(), &[pair("database", url)]).unwrap();
            assert!(!loaded.config.database_shown().contains("hu"), "{}", loaded.config.database_shown());
        }
        let url = "postgres://vsekai:hush@db/vsekai";
        let loaded = Loaded::read(None, none(), &[pair("database", url)]).unwrap();
        assert_eq!(loaded.config.database_url(), url);
        assert!(!loaded.config.database_shown().contains("hush"));
    }
}
