//! `vsekai config`

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::install::config::{Origin, Row, Settings};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::settings::Config;
use crate::cli::output::{DONE, Output};
use crate::cli::settings;
use crate::text::table;

#[derive(Serialize)]
struct Shown {
    #[serde(serialize_with = "crate::text::lossy_option")]
    file: Option<PathBuf>,
    settings: Vec<Row>,
    /// Why nothing in the file is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Place {
    #[serde(serialize_with = "crate::text::lossy")]
    file: PathBuf,
}

pub(crate) fn run(args: &Config, output: Output) -> Result<u8> {
    match args {
        Config::Show => {
            let (all, problem) = match settings::all() {
                Err(error @ Error::Malformed { .. }) => (settings::without_file()?, Some(error.message())),
                all => (all?, None),
            };
            let shown = Shown { file: settings::file(), settings: rows(&all), problem };
            if let Some(problem) = &shown.problem {
                output.note(&format!("warning: nothing in the file is used: {problem}"));
            }
            output.done("config show", &shown, &self::shown(&shown));
        }
        Config::Get { key } => {
            if let Some(row) = rows(&settings::all()?).into_iter().find(|row| row.key == key) {
                output.detail(&format!("{key} comes from: {}", origin(&row)));
                output.done("config get", &row, &row.text);
            }
        }
        Config::Set { key, value } => {
            let values = values(key, value)?;
            for path in values.iter().filter(|value| is_path(key, value) && !Path::new(value).exists()) {
                output.note(&format!("warning: there is no {path} yet"));
            }
            let (file, _) = settings::change(key, &values)?;
            let text = format!("Set {key} in {}.", file.display());
            output.done("config set", &Place { file }, &text);
        }
        Config::Unset { key } => {
            let (file, was_set) = settings::change(key, &[])?;
            if let Err(error) = settings::all() {
                output.note(&format!("warning: {}", error.message()));
            }
            let text = if was_set {
                format!("Removed {key} from {}; its default applies.", file.display())
            } else {
                format!("{key} was not set in {}.", file.display())
            };
            output.done("config unset", &Place { file }, &text);
        }
        Config::Path => {
            let file = settings::known_file()?;
            let text = file.display().to_string();
            output.done("config path", &Place { file }, &text);
        }
    }
    Ok(DONE)
}

fn is_path(key: &str, value: &str) -> bool {
    match key {
        "trust_root" | "cache" => true,
        "repository" => !value.contains("://") && text::meant_url(value).is_none(),
        _ => false,
    }
}

/// The values as the file has them: paths are absolute there, because it does not know the working folder.
fn values(key: &str, given: &[String]) -> Result<Vec<String>> {
    if given.iter().any(|value| value.trim().is_empty()) {
        return Err(Error::invalid("value", format!("it is empty; `vsekai config unset {key}` removes the setting")));
    }
    let absolute = |value: &String| {
        if !is_path(key, value) {
            return Ok(value.clone());
        }
        Ok(std::path::absolute(value).map_err(Error::io("find", value))?.display().to_string())
    };
    given.iter().map(absolute).collect()
}

/// All settings, with what applies where nothing is set.
fn rows(settings: &Settings) -> Vec<Row> {
    let mut rows = settings.rows();
    for row in rows.iter_mut().filter(|row| row.text.is_empty()) {
        let value = match row.key {
            "mode" => ModeName::default().to_string(),
            "platform" => Platform::current().to_string(),
            _ => continue,
        };
        *row = Row::of(row.key, value.into(), row.origin);
    }
    rows
}

/// Where a value comes from; a variable by its name.
fn origin(row: &Row) -> String {
    match row.origin {
        Origin::Flag => "option".to_owned(),
        Origin::Environment => format!("VSEKAI_{}", row.key.to_ascii_uppercase()),
        Origin::File => "file".to_owned(),
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Default if row.key == "platform" => "this machine".to_owned(),
        Origin::Default => "default".to_owned(),
    }
}

fn shown(shown: &Shown) -> String {
    let row = |row: &Row| {
        let value = match (row.text.as_str(), row.key) {
            ("", "limit_rate") => "unlimited".to_owned(),
            ("", "trust_root") if row.origin == Origin::BuiltIn => "root.json".to_owned(),
            ("", "proxy") => proxy_of_the_system().unwrap_or_else(|| "none".to_owned()),
            ("", _) => "none".to_owned(),
            (value, _) => value.to_owned(),
        };
        vec![row.key.to_owned(), value, origin(row)]
    };
    let rows: Vec<_> = shown.settings.iter().map(row).collect();
    let file = match &shown.file {
        Some(path) if path.exists() => path.display().to_string(),
        Some(path) => format!("{} (does not exist)", path.display()),
        None => "none".to_owned(),
    };
    format!(
        "{}\n\nfile: {file}\nAn install keeps its own repository, trusted root and mode: `vsekai status GAME`.",
        table(&["setting", "value", "from"], &rows)
    )
}

/// The usual variable that names a proxy, if one is set. Its value may have a password.
fn proxy_of_the_system() -> Option<String> {
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let set = names.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))?;
    Some(format!("as in {set}"))
}
