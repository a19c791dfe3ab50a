//! Merges settings: flags override the environment, which overrides the file, which overrides what is built in and the
//! defaults. Remembers each origin.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::{Config, DEFAULT_GRACE, check};
use crate::error::{Error, Result};
use crate::text;

const DEFAULT_CONNECTIONS: u16 = 128;

/// The environment variables that [`Settings::merge`] asks for.
pub const VARIABLES: [&str; 9] = [
    "VSEKAI_REPOSITORY",
    "VSEKAI_TRUST_ROOT",
    "VSEKAI_MODE",
    "VSEKAI_PLATFORM",
    "VSEKAI_LIMIT_RATE",
    "VSEKAI_PROXY",
    "VSEKAI_CONNECTIONS",
    "VSEKAI_CACHE",
    "VSEKAI_GRACE_SECONDS",
];

/// The origin of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An option on the command line.
    Flag,
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
    /// Whoever made the program has built it in.
    BuiltIn,
    /// The default.
    Default,
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in effect.
    pub value: T,
    /// The origin of the value.
    pub origin: Origin,
}

/// All settings in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// See [`Config::repository`]. A source with priority replaces the whole list.
    pub repository: Setting<Vec<String>>,
    /// See [`Config::trust_root`].
    pub trust_root: Setting<Option<PathBuf>>,
    /// See [`Config::mode`].
    pub mode: Setting<Option<String>>,
    /// See [`Config::platform`].
    pub platform: Setting<Option<String>>,
    /// See [`Config::limit_rate`]; checked, as [`rate_bytes_per_second`](super::rate_bytes_per_second) reads it.
    pub limit_rate: Setting<Option<String>>,
    /// See [`Config::proxy`].
    pub proxy: Setting<Option<String>>,
    /// See [`Config::connections`]. The default is 128.
    pub connections: Setting<u16>,
    /// See [`Config::cache`].
    pub cache: Setting<Option<PathBuf>>,
    /// See [`Config::shared_cache`]. The default is true.
    pub shared_cache: Setting<bool>,
    /// See [`Config::grace_seconds`]. The default is 30.
    pub grace_seconds: Setting<u64>,
    /// See [`Config::reports`]. The default is false. Only the file can change it, which is the player's own.
    pub reports: Setting<bool>,
}

/// A setting, formatted for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The setting's key in the file.
    pub key: &'static str,
    /// The value as text, without passwords and queries; empty if it is not set.
    #[serde(skip)]
    pub text: String,
    /// The same for a program: a list, a number or a truth value where the setting is one; null if it is not set.
    pub value: Value,
    /// The origin of the value.
    pub origin: Origin,
}

impl Settings {
    /// Merges all sources. `environment` returns the value of a variable; an empty one counts as not set.
    ///
    /// The variables are `VSEKAI_REPOSITORY` (separated by spaces), `VSEKAI_TRUST_ROOT`, `VSEKAI_MODE`,
    /// `VSEKAI_PLATFORM`, `VSEKAI_LIMIT_RATE`, `VSEKAI_PROXY`, `VSEKAI_CONNECTIONS`, `VSEKAI_CACHE` and
    /// `VSEKAI_GRACE_SECONDS`. Others are ignored.
    ///
    /// # Errors
    /// `Invalid` with the flag or variable whose value is not allowed.
    pub fn merge(flags: Config, environment: &dyn Fn(&str) -> Option<String>, file: Config) -> Result<Self> {
        check_flags(&flags)?;
        Ok(Self::combine(flags, from_environment(environment)?, file))
    }

    /// The settings of a file alone.
    pub fn of_file(file: Config) -> Self {
        Self::combine(Config::default(), Config::default(), file)
    }

    fn combine(flags: Config, variables: Config, file: Config) -> Self {
        let lists = [(flags.repository, Origin::Flag), (variables.repository, Origin::Environment)];
        let lists = lists.into_iter().chain([(file.repository, Origin::File)]);
        let repository = lists.into_iter().find(|(list, _)| !list.is_empty());
        let (value, origin) = repository.unwrap_or((Vec::new(), Origin::Default));
        Self {
            repository: Setting { value, origin },
            trust_root: first(flags.trust_root, variables.trust_root, file.trust_root),
            mode: first(flags.mode, variables.mode, file.mode),
            platform: first(flags.platform, variables.platform, file.platform),
            limit_rate: first(flags.limit_rate, variables.limit_rate, file.limit_rate),
            proxy: first(flags.proxy, variables.proxy, file.proxy),
            connections: first(flags.connections, variables.connections, file.connections).or(DEFAULT_CONNECTIONS),
            cache: first(flags.cache, variables.cache, file.cache),
            shared_cache: first(flags.shared_cache, variables.shared_cache, file.shared_cache).or(true),
            grace_seconds: first(flags.grace_seconds, variables.grace_seconds, file.grace_seconds)
                .or(DEFAULT_GRACE.as_secs()),
            reports: first(None, None, file.reports).or(false),
        }
    }

    /// Uses what is built into the program where nothing else is set: addresses of a repository, and whether there is a
    /// root of trust, whose value stays `None` because it is no file.
    #[must_use]
    pub fn with_built_in(mut self, repository: Vec<String>, has_trust_root: bool) -> Self {
        if self.repository.origin == Origin::Default && !repository.is_empty() {
            self.repository = Setting { value: repository, origin: Origin::BuiltIn };
        }
        if self.trust_root.origin == Origin::Default && has_trust_root {
            self.trust_root.origin = Origin::BuiltIn;
        }
        self
    }

    /// All settings for display, in the order of the documentation.
    pub fn rows(&self) -> Vec<Row> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let plain = |text: &Option<String>| text.clone().unwrap_or_default();
        let repository: Vec<_> = self.repository.value.iter().map(|url| text::address(url)).collect();
        let proxy = self.proxy.value.as_deref().map(text::address).unwrap_or_default();
        vec![
            Row { text: repository.join(" "), ..Row::of("repository", repository.into(), self.repository.origin) },
            Row::of("trust_root", path(&self.trust_root.value).into(), self.trust_root.origin),
            Row::of("mode", plain(&self.mode.value).into(), self.mode.origin),
            Row::of("platform", plain(&self.platform.value).into(), self.platform.origin),
            Row::of("limit_rate", plain(&self.limit_rate.value).into(), self.limit_rate.origin),
            Row::of("proxy", proxy.into(), self.proxy.origin),
            Row::of("connections", self.connections.value.into(), self.connections.origin),
            Row::of("cache", path(&self.cache.value).into(), self.cache.origin),
            Row::of("shared_cache", self.shared_cache.value.into(), self.shared_cache.origin),
            Row::of("grace_seconds", self.grace_seconds.value.into(), self.grace_seconds.origin),
            Row::of("reports", self.reports.value.into(), self.reports.origin),
        ]
    }
}

impl Row {
    /// A row whose text is the value in words; an empty text is no value.
    pub fn of(key: &'static str, value: Value, origin: Origin) -> Self {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = if text.is_empty() { Value::Null } else { value };
        Self { key, text, value, origin }
    }
}

impl<T> Setting<Option<T>> {
    fn or(self, default: T) -> Setting<T> {
        Setting { value: self.value.unwrap_or(default), origin: self.origin }
    }
}

fn first<T>(flag: Option<T>, variable: Option<T>, file: Option<T>) -> Setting<Option<T>> {
    let all = [(flag, Origin::Flag), (variable, Origin::Environment), (file, Origin::File)];
    let found = all.into_iter().find(|(value, _)| value.is_some());
    let (value, origin) = found.unwrap_or((None, Origin::Default));
    Setting { value, origin }
}

/// Checks flags. Their paths may be relative: the user knows the current folder.
fn check_flags(flags: &Config) -> Result<()> {
    fn check<T>(
        what: &'static str,
        value: Option<&T>,
        check: impl Fn(&T) -> std::result::Result<(), String>,
    ) -> Result<()> {
        let outcome = value.map_or(Ok(()), check);
        outcome.map_err(|reason| Error::invalid(what, reason))
    }
    check("--repository", Some(&flags.repository), |all| check::repositories(all))?;
    check("--mode", flags.mode.as_ref(), |name| check::mode(name))?;
    check("--platform", flags.platform.as_ref(), |name| check::platform(name))?;
    check("--limit-rate", flags.limit_rate.as_ref(), |rate| check::rate(rate))?;
    check("--proxy", flags.proxy.as_ref(), |url| check::proxy(url))?;
    check("--connections", flags.connections.as_ref(), |count| check::connections(*count))?;
    check("--grace-seconds", flags.grace_seconds.as_ref(), |seconds| check::grace_seconds(*seconds))
}

fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Result<Config> {
    let variable = |name: &'static str, check: fn(&str) -> std::result::Result<(), String>| {
        let value = environment(name).filter(|value| !value.is_empty());
        let outcome = value.as_deref().map_or(Ok(()), check);
        outcome.map(|()| value).map_err(|reason| Error::invalid(name, reason))
    };
    let repository = variable("VSEKAI_REPOSITORY", |text| check::repositories(&words(text)))?;
    let connections = variable("VSEKAI_CONNECTIONS", |text| number(text).and_then(check::connections))?;
    let grace = variable("VSEKAI_GRACE_SECONDS", |text| number(text).and_then(check::grace_seconds))?;
    Ok(Config {
        repository: repository.map(|text| words(&text)).unwrap_or_default(),
        trust_root: variable("VSEKAI_TRUST_ROOT", |_| Ok(()))?.map(PathBuf::from),
        mode: variable("VSEKAI_MODE", check::mode)?,
        platform: variable("VSEKAI_PLATFORM", check::platform)?,
        limit_rate: variable("VSEKAI_LIMIT_RATE", check::rate)?,
        proxy: variable("VSEKAI_PROXY", check::proxy)?,
        connections: connections.and_then(|text| number(&text).ok()),
        cache: variable("VSEKAI_CACHE", |_| Ok(()))?.map(PathBuf::from),
        shared_cache: None,
        grace_seconds: grace.and_then(|text| number(&text).ok()),
        reports: None,
    })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn number<T: std::str::FromStr>(text: &str) -> std::result::Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not a number, or is out of range"))
}
