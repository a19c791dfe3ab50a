//! The user's settings from a TOML file, the environment and the command line, each value with its origin.
//!
//! Every value is checked when it is read. An unknown key is an error, because a misspelt setting would otherwise be
//! silently ignored. This module neither reads the environment nor chooses folders; both are passed to it. It stores no
//! secrets, and hides passwords in URLs.

mod check;
mod merge;
mod place;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

pub use check::rate_bytes_per_second;
pub use merge::{Origin, Row, Setting, Settings, VARIABLES};
pub use place::{Folders, System, file_in};

use crate::error::{Error, Format, Result, Source};
use crate::local::disk;
use crate::text;

/// How long a game must run to count as started, unless it says so earlier.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// Largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: usize = 64 << 10;

/// One source of settings: the file, or the flags of a command line. `None` and empty lists are not set.
///
/// ```toml
/// repository = ["https://example.org/v-sekai"]
/// mode = "beta"
/// limit_rate = "5M"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// URLs or folders of the repository and its mirrors, in order of preference.
    pub repository: Vec<String>,
    /// The path of the publisher's `root.json`.
    pub trust_root: Option<PathBuf>,
    /// The mode that new installs follow.
    pub mode: Option<String>,
    /// The platform, if it is not that of this machine.
    pub platform: Option<String>,
    /// Download limit in bytes per second, such as `5M`, `500K` or `64KiB`.
    pub limit_rate: Option<String>,
    /// The URL of a proxy.
    pub proxy: Option<String>,
    /// Maximum number of parallel requests.
    pub connections: Option<u16>,
    /// A chunk store to which downloaded chunks are added.
    pub cache: Option<PathBuf>,
    /// Whether to read the chunk cache that casync tools share.
    pub shared_cache: Option<bool>,
    /// How long a new version must run to count as started, in seconds.
    pub grace_seconds: Option<u64>,
    /// Whether to tell the publisher, if asked, whether a new version starts.
    pub reports: Option<bool>,
}

/// The same settings, with the position of each value in the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    repository: Option<Spanned<Vec<String>>>,
    trust_root: Option<Spanned<PathBuf>>,
    mode: Option<Spanned<String>>,
    platform: Option<Spanned<String>>,
    limit_rate: Option<Spanned<String>>,
    proxy: Option<Spanned<String>>,
    connections: Option<Spanned<u16>>,
    cache: Option<Spanned<PathBuf>>,
    shared_cache: Option<bool>,
    grace_seconds: Option<Spanned<u64>>,
    reports: Option<bool>,
}

impl Config {
    /// Reads and checks the text of a configuration file.
    ///
    /// # Errors
    /// `Malformed` with the line and the reason; for an unknown key, also the known ones.
    pub fn parse(text: &str) -> Result<Self> {
        let raw = Raw::parse(text)?;
        Ok(Self {
            repository: checked(text, raw.repository, |all| check::repositories(all))?.unwrap_or_default(),
            trust_root: checked(text, raw.trust_root, |path| check::absolute(path))?,
            mode: checked(text, raw.mode, |name| check::mode(name))?,
            platform: checked(text, raw.platform, |name| check::platform(name))?,
            limit_rate: checked(text, raw.limit_rate, |rate| check::rate(rate))?,
            proxy: checked(text, raw.proxy, |url| check::proxy(url))?,
            connections: checked(text, raw.connections, |count| check::connections(*count))?,
            cache: checked(text, raw.cache, |path| check::absolute(path))?,
            shared_cache: raw.shared_cache,
            grace_seconds: checked(text, raw.grace_seconds, |seconds| check::grace_seconds(*seconds))?,
            reports: raw.reports,
        })
    }

    /// Reads the file at `path`. If it does not exist, nothing is set.
    ///
    /// # Errors
    /// As [`Config::parse`], with the path in the reason; `Io` if it cannot be read.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&read(path)?).map_err(|error| in_file(path, error))
    }

    /// Sets the mode in the text of a configuration file: see [`Config::with`].
    ///
    /// # Errors
    /// Those of [`Config::with`].
    pub fn with_mode(text: &str, mode: &str) -> Result<String> {
        Self::with(text, "mode", &[mode.to_owned()])
    }

    /// Sets a key in the text of a configuration file, or removes it without `values`, and changes nothing else: comments
    /// and order are kept. Several values are a list. The line that makes a text invalid can be set or removed like
    /// any other.
    ///
    /// # Errors
    /// `Malformed` if the text is not a valid configuration and this does not make it one, `Invalid` if the key is
    /// unknown or the value not allowed.
    pub fn with(text: &str, key: &str, values: &[String]) -> Result<String> {
        let was_valid = Self::parse(text).is_ok();
        let invalid = |reason: String| Error::invalid("setting", reason);
        let old = old_value(text, key);
        let known = match KEYS.iter().find(|known| **known == key) {
            Some(known) => known,
            None if values.is_empty() && old.is_some() => key,
            None => {
                let meant = text::closest(key, &KEYS).map(|meant| format!("; did you mean {meant:?}?"));
                let meant = meant.unwrap_or_default();
                return Err(invalid(format!("there is no {key:?}{meant}; there are {}", KEYS.join(", "))));
            }
        };
        let is_removed = values.is_empty() && old.is_some();
        let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let changed = match (old, written(known, values).map_err(invalid)?) {
            (Some(span), Some(value)) => [&text[..span.start], &value, &text[span.end..]].concat(),
            (Some(span), None) => {
                let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
                let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
                [&text[..start], &text[end..]].concat()
            }
            (None, None) => text.to_owned(),
            (None, Some(value)) if text.is_empty() || text.ends_with('\n') => {
                format!("{text}{known} = {value}{line_end}")
            }
            (None, Some(value)) => format!("{text}{line_end}{known} = {value}{line_end}"),
        };
        match Self::parse(&changed) {
            Ok(_) => Ok(changed),
            // What else is wrong in it is for another call.
            Err(_) if is_removed => Ok(changed),
            // Not the line of the file that would have been.
            Err(Error::Malformed { reason, .. }) if was_valid => {
                let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, reason)| reason);
                let reason = reason.strip_prefix(known).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(reason);
                Err(Error::invalid(KEYS.iter().find(|it| **it == known).copied().unwrap_or("setting"), reason))
            }
            Err(other) => Err(other),
        }
    }
}

/// The keys of the file, in the order of the documentation.
pub const KEYS: [&str; 11] = [
    "repository",
    "trust_root",
    "mode",
    "platform",
    "limit_rate",
    "proxy",
    "connections",
    "cache",
    "shared_cache",
    "grace_seconds",
    "reports",
];

/// The text of the file; none if it does not exist.
///
/// # Errors
/// `Malformed` if it is no text or too long, `Io` if it cannot be read.
pub fn read(path: &Path) -> Result<String> {
    let fault = |offset, reason: String| Err(in_file(path, malformed(offset, reason)));
    let bytes = match disk::read_if_exists(path, MAX_CONFIG_BYTES as u64) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(Error::Invalid { .. }) => return fault(0, too_long()),
        Err(other) => return Err(other),
    };
    String::from_utf8(bytes).or_else(|error| fault(error.utf8_error().valid_up_to() as u64, "not UTF-8".to_owned()))
}

/// An error about a text that was read from this file.
pub fn in_file(path: &Path, error: Error) -> Error {
    match error {
        Error::Malformed { offset, reason, source, .. } => {
            malformed(offset, format!("{}: {reason}", path.display())).with_source(source)
        }
        other => other,
    }
}

/// Where the value of a key is in the text.
fn old_value(text: &str, key: &str) -> Option<Range<usize>> {
    match toml::from_str::<BTreeMap<String, Spanned<toml::Value>>>(text) {
        Ok(mut values) => values.remove(key).map(|value| value.span()),
        Err(_) => rest_of_line(text, key),
    }
}

/// The same in a text that is not TOML: what follows `KEY =` on its line.
fn rest_of_line(text: &str, key: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if let Some((name, value)) = text[start..end].split_once('=')
            && name.trim() == key
        {
            return Some(end - value.trim_start().len()..end);
        }
        start += line.len();
    }
    None
}

/// The value of a key as TOML; `None` without values.
fn written(key: &str, values: &[String]) -> std::result::Result<Option<String>, String> {
    let Some(first) = values.first() else { return Ok(None) };
    let text = |value: &String| toml::Value::String(value.clone());
    let value = match key {
        "repository" => toml::Value::Array(values.iter().map(text).collect()),
        _ if values.len() > 1 => return Err(format!("{key} takes one value")),
        "connections" | "grace_seconds" => {
            toml::Value::Integer(first.parse().map_err(|_| format!("{key}: {first:?} is not a number"))?)
        }
        "shared_cache" | "reports" => toml::Value::Boolean(switch(key, first)?),
        _ => text(first),
    };
    Ok(Some(value.to_string()))
}

fn switch(key: &str, text: &str) -> std::result::Result<bool, String> {
    match text {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err(format!("{key} is true or false")),
    }
}

impl Raw {
    fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_CONFIG_BYTES {
            return Err(malformed(0, too_long()));
        }
        toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at_line(text, offset, &text::with_meant(error.message())).with_source(Some(Source::translated(error)))
        })
    }
}

fn checked<T>(
    text: &str,
    value: Option<Spanned<T>>,
    check: impl Fn(&T) -> std::result::Result<(), String>,
) -> Result<Option<T>> {
    let Some(value) = value else { return Ok(None) };
    check(value.get_ref()).map_err(|reason| at_line(text, value.span().start, &reason))?;
    Ok(Some(value.into_inner()))
}

fn at_line(text: &str, offset: usize, reason: &str) -> Error {
    let offset = offset.min(text.len());
    let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let key = text.get(start..).and_then(|rest| rest.lines().next()?.split_once('=')).map(|(key, _)| key.trim());
    // What is wrong with a value does not name its key.
    let key = key.filter(|key| KEYS.contains(key)).map(|key| format!("{key}: ")).unwrap_or_default();
    malformed(offset as u64, format!("line {line}: {key}{reason}"))
}

fn too_long() -> String {
    format!("longer than {MAX_CONFIG_BYTES} bytes")
}

fn malformed(offset: u64, reason: String) -> Error {
    Error::malformed(Format::Config, offset, reason)
}
