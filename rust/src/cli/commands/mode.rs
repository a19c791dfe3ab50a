//! `vsekai mode`

use std::path::{Path, PathBuf};

use crate::app::updater::ModeInfo;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::ModeName;
use crate::install::InstallRoot;
use crate::text;
use serde::Serialize;

use crate::cli::arguments::install::{Mode, ModeCurrent, ModeList, ModeSwitch};
use crate::cli::output::{DONE, Output};
use crate::cli::{options, settings, updater, words};
use crate::text::table;

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
    let dir = args.dir.clone().or_else(|| if args.source.repository.is_empty() { options::around() } else { None });
    let is_install = dir.is_some();
    // Without an install, nothing is read from or written to this folder.
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    let modes = updater::updater(&dir, &args.source, |_| {})?.modes(monitor)?;
    let row = |mode: &ModeInfo| {
        let newest = mode.newest.as_ref().map_or("nothing for this platform".to_owned(), ToString::to_string);
        let what = match &mode.update_to {
            Some(next) => format!("moved to {next}"),
            None if !mode.is_active => "retired".to_owned(),
            None => newest,
        };
        let mark = if is_install && mode.is_current { "*" } else { "" };
        vec![mark.to_owned(), mode.name.to_string(), what, text::line(&mode.description)]
    };
    let rows: Vec<_> = modes.iter().map(row).collect();
    let text = match rows.as_slice() {
        [] => "There are no modes yet.".to_owned(),
        rows if is_install => {
            format!(
                "{}\n\nThe mode that this install follows is marked with *.",
                table(&["", "mode", "newest", ""], rows)
            )
        }
        rows => table(&["", "mode", "newest", ""], rows),
    };
    output.done("mode list", &Listed { modes }, &text);
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
    let dir = args.dir.clone().or_else(options::around);
    let mode = match &dir {
        Some(dir) => updater::offline(dir, None)?.status(monitor)?.mode,
        None => settings::default_mode()?,
    };
    output.done("mode current", &Current { mode: &mode, directory: shown(dir.as_ref()) }, mode.as_str());
    Ok(DONE)
}

fn is_install(dir: &Path) -> bool {
    InstallRoot::at(dir).is_ok_and(|root| root.is_ours())
}

fn switch(args: &ModeSwitch, output: Output, monitor: &Monitor) -> Result<u8> {
    let (wanted, named) = args.wanted()?;
    if let Some(named) = named.as_deref().filter(|named| is_install(Path::new(wanted.as_str())) && !is_install(named)) {
        let (game, mode) = (wanted.as_str(), named.display());
        let reason =
            format!("{game} is an install, and {mode} is none: did you mean `vsekai mode switch {mode} {game}`?");
        return Err(Error::invalid("NAME", reason));
    }
    let dir = named.clone().or_else(options::around);
    let (mode, text) = if let Some(dir) = &dir {
        let updater = updater::updater(dir, &args.source, |_| {})?;
        let before = updater.status(monitor).ok().map(|status| status.mode);
        let mode = updater.switch_mode(&wanted, monitor)?;
        let moved = if mode == wanted { String::new() } else { format!(", the successor of {wanted}") };
        let here = words::after(named.as_deref());
        let dir = dir.display();
        let text = if before.as_ref() == Some(&mode) {
            format!("{dir} already follows {mode}{moved}.")
        } else {
            format!("{dir} now follows {mode}{moved}.\n\nhint: `vsekai update{here}` gets its version.")
        };
        (mode, text)
    } else {
        let file = settings::set_default_mode(&wanted)?;
        let text = format!(
            "New installs will follow {wanted}: there is no install in the working folder, so this set `mode` in {}.\n\n\
             hint: `vsekai mode switch {wanted} GAME` switches the install in the folder GAME.",
            file.display()
        );
        (wanted.clone(), text)
    };
    output.done("mode switch", &Current { mode: &mode, directory: shown(dir.as_ref()) }, &text);
    Ok(DONE)
}
