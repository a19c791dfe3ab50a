//! `vsekai integrate`, `unintegrate`

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use vsekai_updater::config::System;
use vsekai_updater::error::{Error, Result};
use vsekai_updater::event::Monitor;
use vsekai_updater::integrate::{Folders, Record};
use vsekai_updater::updater::Desktop;

use crate::cli::install::{Integrate, Unintegrate};
use crate::output::Output;
use crate::settings;

/// The mark of V-Sekai, as the launcher has it.
const ICON: &[u8] = include_bytes!("../../../../../themes/vsekai/icon.svg");

/// The scheme of the addresses that V-Sekai's users have.
const SCHEME: &str = "uro";

#[derive(Serialize)]
struct Done {
    has_links: bool,
    places: Vec<String>,
}

impl Done {
    fn of(record: Option<&Record>) -> Self {
        Self {
            has_links: record.is_some_and(|record| record.has_scheme),
            places: record.map(Record::places).unwrap_or_default(),
        }
    }

    fn text(&self, head: &str) -> String {
        let lines: Vec<&str> = std::iter::once(head).chain(self.places.iter().map(String::as_str)).collect();
        lines.join("\n  ")
    }
}

pub(crate) fn run(args: &Integrate, output: Output, monitor: &Monitor) -> Result<ExitCode> {
    let record = settings::offline(&args.dir)?.integrate(&desktop(args.take_links)?, monitor)?;
    let done = Done::of(Some(&record));
    let text = done.text("Registered with the desktop, for this user:");
    output.done("integrate", &done, &text);
    if !done.has_links {
        output.note("Another program has uro:// links. To take them: --take-links");
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn undo(args: &Unintegrate, output: Output, monitor: &Monitor) -> Result<ExitCode> {
    let record = settings::offline(&args.dir)?.unintegrate(monitor)?;
    let done = Done::of(record.as_ref());
    let head = if record.is_some() { "Taken back:" } else { "It was not registered with the desktop." };
    output.done("unintegrate", &done, &done.text(head));
    Ok(ExitCode::SUCCESS)
}

fn desktop(take_scheme: bool) -> Result<Desktop> {
    let no_home = || Error::Invalid { what: "desktop", reason: "no home folder is known".to_owned() };
    let folders = Folders::find(System::current(), &|name| std::env::var(name).ok()).ok_or_else(no_home)?;
    let program = std::env::current_exe().map_err(Error::io("find", "vsekai"))?;
    let scheme = SCHEME.to_owned();
    let display_name = "V-Sekai".to_owned();
    Ok(Desktop { display_name, program, icon_svg: ICON.to_vec(), scheme, take_scheme, folders, refresh: refresh() })
}

/// The program that tells the desktop of new entries, if this system has one.
fn refresh() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("update-desktop-database")).find(|program| program.is_file())
}
