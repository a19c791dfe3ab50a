//! `vsekai mode`

use std::path::PathBuf;

use crate::app::updater::ModeInfo;
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::ModeName;
use crate::text;
use serde::Serialize;

use crate::cli::arguments::install::{Mode, ModeCurrent, ModeList, ModeSwitch};
use crate::cli::output::{DONE, Output};
use crate::cli::settings;
use crate::cli::updater;

pub(crate) fn run(args: Mode, output: Output, monitor: &Monitor) -> Result<u8> {
    match args {
        Mode::List(args) => list(&args, output, monitor),
        Mode::Current(args) => current(&args, output, monitor),
        Mode::Switch(args) => switch(&args, output, monitor),
    }
}

#[derive(Serialize)]
struct Listed {
    modes: Vec<ModeInfo>,
}

fn list(args: &ModeList, output: Output, monitor: &Monitor) -> Result<u8> {
    // Without an install, nothing is read from or written to this folder.
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let modes = updater::updater(&dir, &args.source, |_| {})?.modes(monitor)?;
    let width = modes.iter().map(|mode| mode.name.as_str().len()).max().unwrap_or(0);
    let row = |mode: &ModeInfo| {
        let newest = mode.newest.as_ref().map_or("nothing for this platform".to_owned(), ToString::to_string);
        let what = match &mode.update_to {
            Some(next) => format!("moved to {next}"),
            None if !mode.is_active => "retired".to_owned(),
            None => newest,
        };
        let mark = if mode.is_current { "*" } else { " " };
        let line = format!("{mark} {:width$}  {what}  {}", mode.name.as_str(), text::line(&mode.description));
        line.trim_end().to_owned()
    };
    let text = modes.iter().map(row).collect::<Vec<_>>().join("\n");
    output.done("mode list", &Listed { modes }, if text.is_empty() { "There are no modes yet." } else { &text });
    Ok(DONE)
}

#[derive(Serialize)]
struct Current<'a> {
    mode: &'a ModeName,
    directory: Option<String>,
}

/// A path that is not UTF-8 is shown with replacements.
fn shown(path: Option<&PathBuf>) -> Option<String> {
    path.map(|path| path.to_string_lossy().into_owned())
}

fn current(args: &ModeCurrent, output: Output, monitor: &Monitor) -> Result<u8> {
    let mode = match &args.dir {
        Some(dir) => updater::offline(dir, None)?.status(monitor)?.mode,
        None => settings::default_mode()?,
    };
    output.done("mode current", &Current { mode: &mode, directory: shown(args.dir.as_ref()) }, mode.as_str());
    Ok(DONE)
}

fn switch(args: &ModeSwitch, output: Output, monitor: &Monitor) -> Result<u8> {
    let (mode, text) = if let Some(dir) = &args.dir {
        let mode = updater::updater(dir, &args.source, |_| {})?.switch_mode(&args.mode_name, monitor)?;
        let moved =
            if mode == args.mode_name { String::new() } else { format!(", the successor of {}", args.mode_name) };
        let text = format!(
            "{dir} now follows {mode}{moved}.\n\nhint: Run `vsekai --update {dir}` to get its version.",
            dir = dir.display()
        );
        (mode, text)
    } else {
        let file = settings::set_default_mode(&args.mode_name)?;
        let text = format!("New installs will follow {} (set in {}).", args.mode_name, file.display());
        (args.mode_name.clone(), text)
    };
    output.done("mode switch", &Current { mode: &mode, directory: shown(args.dir.as_ref()) }, &text);
    Ok(DONE)
}
