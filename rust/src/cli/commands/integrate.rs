//! `vsekai integrate`, `unintegrate`

use crate::app::host::{self, Brand};
use crate::error::Result;
use crate::event::Monitor;
use crate::install::integrate::{Links, Record};
use serde::Serialize;

use crate::cli::arguments::install::{Integrate, Unintegrate};
use crate::cli::output::{DONE, Output};
use crate::cli::{options, updater, words};

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

    /// The files and keys, one a line.
    fn places(&self) -> String {
        let lines: Vec<String> = self.places.iter().map(|place| format!("  {place}")).collect();
        lines.join("\n")
    }
}

pub(crate) fn run(args: &Integrate, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let brand = Brand::named(args.name.as_deref().unwrap_or(host::DISPLAY_NAME));
    let desktop = host::desktop(&brand, links(args))?;
    let record = updater::offline(&dir, args.trust_owner)?.integrate(&desktop, monitor)?;
    let done = Done::of(Some(&record));
    output.detail(&done.places());
    let links = if done.has_links { format!(", and opens {}:// links", host::SCHEME) } else { String::new() };
    let here = words::after(args.dir.as_deref());
    let text = format!("{} is in this user's menu now{links}. `vsekai unintegrate{here}` takes it out.", dir.display());
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
    let dir = options::install_dir(args.dir.as_deref())?;
    let record = updater::offline(&dir, args.trust_owner)?.unintegrate(monitor)?;
    let done = Done::of(record.as_ref());
    output.detail(&done.places());
    let text = match record {
        Some(_) => format!("{} is no longer in this user's menu.", dir.display()),
        None => format!("{} was not in this user's menu.", dir.display()),
    };
    output.done("unintegrate", &done, &text);
    Ok(DONE)
}
