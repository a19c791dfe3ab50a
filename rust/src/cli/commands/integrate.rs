//! `vsekai integrate`, `unintegrate`

use crate::app::host;
use crate::error::Result;
use crate::event::Monitor;
use crate::install::integrate::{Links, Record};
use serde::Serialize;

use crate::cli::arguments::install::{Integrate, Unintegrate};
use crate::cli::output::{DONE, Output};
use crate::cli::{options, updater};

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

pub(crate) fn run(args: &Integrate, output: Output, monitor: &Monitor) -> Result<u8> {
    let record = updater::offline(&options::install_dir(args.dir.as_deref())?, args.trust_owner)?
        .integrate(&host::desktop(args.name.as_deref().unwrap_or(host::DISPLAY_NAME), links(args))?, monitor)?;
    let done = Done::of(Some(&record));
    let text = done.text("Registered with the desktop, for this user:");
    output.done("integrate", &done, &text);
    if !done.has_links && !args.no_links {
        output.note("Another program handles uro:// links. To take them over: --take-links");
    }
    Ok(DONE)
}

fn links(args: &Integrate) -> Links {
    match (args.no_links, args.take_links) {
        (true, _) => Links::Never,
        (false, true) => Links::TakeOver,
        (false, false) => Links::IfFree,
    }
}

pub(crate) fn undo(args: &Unintegrate, output: Output, monitor: &Monitor) -> Result<u8> {
    let record =
        updater::offline(&options::install_dir(args.dir.as_deref())?, args.trust_owner)?.unintegrate(monitor)?;
    let done = Done::of(record.as_ref());
    let head = if record.is_some() { "Removed from the desktop:" } else { "It was not registered with the desktop." };
    output.done("unintegrate", &done, &done.text(head));
    Ok(DONE)
}
