//! `vsekai config`

use std::path::PathBuf;

use crate::error::Result;
use crate::install::config::{Origin, Row};
use serde::Serialize;

use crate::cli::arguments::install::Config;
use crate::cli::output::{DONE, Output};
use crate::cli::settings;

#[derive(Serialize)]
struct Shown {
    #[serde(serialize_with = "crate::text::lossy_option")]
    file: Option<PathBuf>,
    settings: Vec<Row>,
}

pub(crate) fn run(args: &Config, output: Output) -> Result<u8> {
    match args {
        Config::Show => {
            let shown = Shown { file: settings::file(), settings: settings::all()?.rows() };
            output.done("config show", &shown, &text(&shown));
        }
    }
    Ok(DONE)
}

fn text(shown: &Shown) -> String {
    let row = |row: &Row| {
        let origin = match row.origin {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::BuiltIn => "built in",
            Origin::Default => "default",
        };
        let value = if row.value.is_empty() { "-" } else { &row.value };
        format!("  {:14} {value}  ({origin})", row.key)
    };
    let rows = shown.settings.iter().map(row).collect::<Vec<_>>().join("\n");
    let file = shown.file.as_ref().map_or("no file".to_owned(), |path| path.display().to_string());
    format!("{file}\n{rows}")
}
