//! What is wrong with a setting, and what to write instead, in the place where it was given.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use toml::{Table, Value};
use vsekai_updater::text;

use super::{EXAMPLE, PREFIX, address};
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
    /// Whether the advice is all there is to say: no other value would be right.
    is_advice_only: bool,
}

impl Fault {
    pub(super) fn new(setting: &str, reason: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), reason: reason.into(), value: None, advice: None, is_advice_only: false }
    }

    /// With a value that can be used.
    pub(super) fn write(self, value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// With what to do, after what to write.
    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// With what to do, where no value can be named that would be right.
    pub(super) fn advise_only(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), is_advice_only: true, ..self }
    }

    /// A text on the command line or in the environment that is not of the type of the setting.
    pub(super) fn of_text(table: &Table, name: &str, text: &str) -> Self {
        Self::new(name, format!("{name} must be {}, not {text:?}", kind(name, table.get(name))))
    }

    /// A value that is not of the type of the setting.
    pub(super) fn of_kind(name: &str, value: &Value) -> Self {
        let default = default_of(name);
        match (name, &default, value) {
            (_, Some(Value::Integer(_)), Value::Integer(number)) if *number >= 0 => {
                Self::new(name, format!("{name}: {number} is too large"))
            }
            ("trusted_proxies", _, Value::Array(all)) => of_proxies(all),
            ("listen", _, Value::String(text)) => {
                let fault = Self::new(name, format!("{name} must be {}, not {value}", kind(name, default.as_ref())));
                match address::meant(text) {
                    Some(meant) => fault.write(meant),
                    None => fault,
                }
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
        if let (true, Some(advice)) = (self.is_advice_only, &self.advice) {
            return Error::config(self.reason, advice.clone());
        }
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

/// Proxies are known by their addresses alone.
fn of_proxies(all: &[Value]) -> Fault {
    let is_address = |value: &Value| value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
    let (known, wrong): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|value| is_address(value));
    let wrong = wrong.first().map(|value| plain_text(value)).unwrap_or_default();
    let what = if wrong.contains('/') { "a network, not an address" } else { "not an IP address" };
    let meant = if known.is_empty() { vec![Value::from("127.0.0.1")] } else { known.into_iter().cloned().collect() };
    let advice = "Name each address from which a proxy connects to this server: 127.0.0.1 for one on this machine";
    Fault::new("trusted_proxies", format!("trusted_proxies: {wrong:?} is {what}")).write(meant).advise(advice)
}

/// An error about a setting, which knows a way out but not where the setting was given.
impl From<(&str, Error)> for Fault {
    fn from((setting, error): (&str, Error)) -> Self {
        let advice = match &error {
            Error::Config { hint, .. } => Some(hint.clone()),
            _ => None,
        };
        Self { setting: setting.to_owned(), reason: error.to_string(), value: None, advice, is_advice_only: false }
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
    if let (Value::Table(_), Origin::File { .. }) = (value, origin) {
        let hint = format!("Settings stand in no section: remove the line [{name}]");
        return Error::config(format!("{place}: there is no section [{name}]"), hint);
    }
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
