//! `vsekai config`

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::install::config::{Origin, Row};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::settings::Config;
use crate::cli::output::{DONE, Output};
use crate::cli::settings;

#[derive(Serialize)]
struct Shown {
    #[serde(serialize_with = "crate::text::lossy_option")]
    file: Option<PathBuf>,
    settings: Vec<Row>,
}

#[derive(Serialize)]
struct Place {
    #[serde(serialize_with = "crate::text::lossy")]
    file: PathBuf,
}

pub(crate) fn run(args: &Config, output: Output) -> Result<u8> {
    match args {
        Config::Show => {
            let shown = Shown { file: settings::file(), settings: settings::all()?.rows() };
            output.done("config show", &shown, &self::shown(&shown));
        }
        Config::Get { key } => {
            if let Some(row) = settings::all()?.rows().into_iter().find(|row| row.key == key) {
                output.done("config get", &row, &row.value);
            }
        }
        Config::Set { key, value } => {
            let values = values(key, value)?;
            for path in values.iter().filter(|value| is_path(key, value) && !Path::new(value).exists()) {
                output.note(&format!("warning: there is no {path} yet"));
            }
            let file = settings::change(key, &values)?;
            let text = format!("Set {key} in {}.", file.display());
            output.done("config set", &Place { file }, &text);
        }
        Config::Unset { key } => {
            let was_set = settings::all()?.rows().iter().any(|row| row.key == key && row.origin == Origin::File);
            let file = settings::change(key, &[])?;
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
    let absolute = |value: &String| {
        if !is_path(key, value) {
            return Ok(value.clone());
        }
        Ok(std::path::absolute(value).map_err(Error::io("find", value))?.display().to_string())
    };
    given.iter().map(absolute).collect()
}

fn shown(shown: &Shown) -> String {
    let row = |row: &Row| {
        let origin = match row.origin {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::BuiltIn => "built in",
            Origin::Default => "default",
        };
        let value = match row.value.as_str() {
            // The default of an install, which a setting can only change.
            "" if row.key == "mode" => ModeName::default().to_string(),
            "" => "-".to_owned(),
            value => value.to_owned(),
        };
        format!("  {:14} {value}  ({origin})", row.key)
    };
    let rows = shown.settings.iter().map(row).collect::<Vec<_>>().join("\n");
    let file = shown.file.as_ref().map_or("no file".to_owned(), |path| path.display().to_string());
    format!("{file}\n{rows}")
}
