//! `vsekai config`

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use vsekai_updater::config::{Origin, Row};
use vsekai_updater::error::Result;

use crate::cli::install::Config;
use crate::output::Output;
use crate::settings;

#[derive(Serialize)]
struct Shown {
    file: Option<PathBuf>,
    settings: Vec<Row>,
}

pub(crate) fn run(args: &Config, output: Output) -> Result<ExitCode> {
    match args {
        Config::Show => {
            let shown = Shown { file: settings::file(), settings: settings::all()?.rows() };
            output.done("config show", &shown, &text(&shown));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &Shown) -> String {
    let row = |row: &Row| {
        let origin = match row.origin {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::Default => "default",
        };
        let value = if row.value.is_empty() { "-" } else { &row.value };
        format!("  {:14} {value}  ({origin})", row.key)
    };
    let rows = shown.settings.iter().map(row).collect::<Vec<_>>().join("\n");
    let file = shown.file.as_ref().map_or("no file".to_owned(), |path| path.display().to_string());
    format!("{file}\n{rows}")
}
