//! What is wrong with a setting, and what to write instead, in the place where it was given.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::{Table, Value};
use vsekai_updater::text;

use super::{EXAMPLE, PREFIX};
use crate::error::Error;

/// Where a setting was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it can be told.
        line: Option<usize>,
    },
    /// By its environment variable.
    Environment,
    /// By an option of its own, such as `--listen`.
    Option,
    /// By `--set`.
    Pair,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File { .. } => "file",
            Self::Environment => "environment",
            Self::Option | Self::Pair => "command line",
        })
    }
}

impl Origin {
    /// How this value of the setting is written there.
    fn line(&self, name: &str, value: &Value) -> String {
        match self {
            Self::File { path, line } => {
                let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
                format!("In {}{line}, write `{name} = {value}`", path.display())
            }
            Self::Environment => format!("Write {PREFIX}{}={}", name.to_ascii_uppercase(), plain(value)),
            Self::Option => format!("Write `--{name} {}`", plain(value)),
            Self::Pair => format!("Write `--set {name}={}`", plain(value)),
        }
    }
}

/// Where a setting is given that has its default now.
fn anywhere(name: &str, value: &Value) -> String {
    format!("Write `--set {name}={}`, or `{name} = {value}` in the configuration file", plain(value))
}

/// A value as a shell takes it.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    };
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-./:@%+=,".contains(it);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{text}'") }
}

/// A setting that cannot be used.
#[derive(Debug)]
pub(super) struct Fault {
    /// The setting to change.
    setting: String,
    /// What is wrong with it.
    reason: String,
    /// A value that can be used; the default if none is given.
    value: Option<Value>,
    /// What to do, in place of what the example says about the setting.
    advice: Option<String>,
}

impl Fault {
    pub(super) fn new(setting: &str, reason: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), reason: reason.into(), value: None, advice: None }
    }

    /// With a value that can be used.
    pub(super) fn write(self, value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// A text on the command line or in the environment that is not of the type of the setting.
    pub(super) fn of_text(table: &Table, name: &str, text: &str) -> Self {
        Self::new(name, format!("{name} must be {}, not {text:?}", kind(name, table.get(name))))
    }

    /// A value of a file that is not of the type of the setting, as the parser says.
    pub(super) fn of_kind(table: &Table, error: &toml::de::Error) -> Self {
        let said = error.to_string();
        // The parser names the setting last, in backticks.
        let Some((name, value)) = said.trim().rsplit('`').nth(1).and_then(|name| Some((name, table.get(name)?))) else {
            return Self::new("", said.trim());
        };
        let default = default_of(name);
        match (&default, value) {
            (Some(Value::Integer(_)), Value::Integer(number)) if *number >= 0 => {
                Self::new(name, format!("{name}: {number} is too large"))
            }
            _ => Self::new(name, format!("{name} must be {}, not {value}", kind(name, default.as_ref()))),
        }
    }

    /// The error, with what to write where the setting was given.
    pub(super) fn found_at(self, origins: &BTreeMap<String, Origin>) -> Error {
        let origin = origins.get(&self.setting).cloned();
        self.at(origin.as_ref())
    }

    pub(super) fn at(self, origin: Option<&Origin>) -> Error {
        let Some(value) = self.value.or_else(|| default_of(&self.setting)) else {
            return Error::config(self.reason, OTHERS);
        };
        let line = match origin {
            Some(origin) => origin.line(&self.setting, &value),
            None => anywhere(&self.setting, &value),
        };
        let more = self.advice.or_else(|| about(&self.setting)).map(|more| format!(". {more}")).unwrap_or_default();
        Error::config(self.reason, format!("{line}{more}"))
    }
}

/// An error about a setting, which knows a way out but not where the setting was given.
impl From<(&str, Error)> for Fault {
    fn from((setting, error): (&str, Error)) -> Self {
        let advice = match &error {
            Error::Config { hint, .. } => Some(hint.clone()),
            _ => None,
        };
        Self { setting: setting.to_owned(), reason: error.to_string(), value: None, advice }
    }
}

/// How to find a setting.
const OTHERS: &str = "`vsekai-server example-config` prints every setting with an explanation";

/// The error for a name that no setting has.
pub(super) fn unknown(table: &Table, name: &str, value: &Value, origin: &Origin) -> Error {
    let place = match origin {
        Origin::File { path, line } => {
            format!("{}{}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())
        }
        Origin::Environment => format!("{PREFIX}{}", name.to_ascii_uppercase()),
        Origin::Option | Origin::Pair => "the command line".to_owned(),
    };
    let known: Vec<&str> = table.keys().map(String::as_str).collect();
    let typed = name.to_ascii_lowercase().replace('-', "_");
    let hint = match text::closest(&typed, &known) {
        Some(meant) => {
            let value = Value::from(text::without_secrets(&plain_text(value)));
            let more = about(meant).map(|more| format!(". {more}")).unwrap_or_default();
            format!("Did you mean `{meant}`? {}{more}", origin.line(meant, &typed_as(meant, value)))
        }
        None => OTHERS.to_owned(),
    };
    Error::config(format!("{place}: there is no setting {name:?}"), hint)
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The text as a value of the type that the setting has, for a line of a file.
fn typed_as(name: &str, text: Value) -> Value {
    let parsed = |text: &str| match default_of(name)? {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => None,
    };
    text.as_str().and_then(parsed).unwrap_or(text)
}

fn default_of(name: &str) -> Option<Value> {
    toml::from_str::<Table>(EXAMPLE).ok()?.remove(name)
}

/// What a setting takes, as the end of a sentence.
fn kind(name: &str, default: Option<&Value>) -> &'static str {
    match (name, default) {
        ("listen", _) => "an address and a port up to 65535",
        ("trusted_proxies", _) => "a list of IP addresses",
        (_, Some(Value::Integer(_))) => "a whole number from 0 up",
        (_, Some(Value::Boolean(_))) => "true or false",
        (_, Some(Value::Array(_))) => "a list",
        _ => "text in quotes",
    }
}

/// The first sentence of what the example says about a setting.
pub(super) fn about(name: &str) -> Option<String> {
    let at = EXAMPLE.find(&format!("\n{name} = "))?;
    let lines: Vec<&str> = EXAMPLE[..at].lines().rev().take_while(|line| !line.is_empty()).collect();
    let comment: Vec<&str> = lines.iter().rev().filter_map(|line| line.strip_prefix("# ")).collect();
    let comment = comment.join(" ");
    let end = comment.find(". ").unwrap_or_else(|| comment.trim_end_matches('.').len());
    (!comment.is_empty()).then(|| comment[..end].to_owned())
}
