//! `vsekai verify`

use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::install::{Damage, Examined, Installation, Verified};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::install::Verify;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count, counted};
use crate::cli::{options, updater, words};

/// Exit code for damage that was not repaired.
const DAMAGED: u8 = 3;

/// Most damaged files that are listed; further ones are only counted. `--json` lists all.
const NAMED: usize = 20;

#[derive(Serialize)]
struct Outcome<'a> {
    /// What the check of the current version found.
    #[serde(flatten)]
    found: &'a Verified,
    /// The repair of the current version; null if nothing was repaired.
    repaired: Option<Installation>,
    /// Every installed version, the current one first.
    versions: &'a [Examined],
}

pub(crate) fn run(args: &Verify, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let updater = updater::updater(&dir, &args.source, |_| {})?;
    let versions = if args.repair { updater.repair(monitor)? } else { updater.verify(monitor)? };
    let missing = || Error::NotInstalled { path: dir.clone() };
    let current = versions.iter().find(|version| version.is_current).ok_or_else(missing)?;
    let outcome = Outcome { found: &current.found, repaired: current.repaired, versions: &versions };
    let is_whole = versions.iter().all(Examined::is_whole);
    let mut texts: Vec<String> = versions.iter().map(|version| shown(version, output.is_verbose())).collect();
    if !is_whole {
        let here = words::after(args.dir.as_deref());
        let damaged: u64 = versions.iter().map(|version| version.found.damaged_bytes).sum();
        let price = if damaged > 0 { format!(", for about {} at most", bytes(damaged)) } else { String::new() };
        texts.push(format!("\nhint: `vsekai verify --repair{here}` repairs it{price}."));
    }
    output.done("verify", &outcome, &texts.join("\n"));
    Ok(if is_whole { DONE } else { DAMAGED })
}

fn shown(version: &Examined, is_verbose: bool) -> String {
    let Examined { installed, is_current, found, repaired } = version;
    let which = if *is_current { "current" } else { "previous" };
    let (files, read) = (counted(found.files, "file", "files"), bytes(found.bytes));
    let mut lines = vec![format!("{} ({}, {which}): read {files}, {read}.", installed.version, installed.mode)];
    for damage in found.damage.iter().take(NAMED) {
        let what = match damage {
            Damage::Missing { .. } => "missing",
            Damage::Changed { .. } => "changed",
            Damage::Mode { .. } => "permissions",
        };
        lines.push(format!("  {what}: {}", damage.path()));
    }
    if found.damage.len() > NAMED {
        lines.push(format!("  and {} more", count((found.damage.len() - NAMED) as u64)));
    }
    match repaired {
        Some(report) => lines.push(format!(
            "  Repaired: {} downloaded in {}, {} written.",
            bytes(report.work.transfer.received_bytes),
            counted(report.work.transfer.requests, "request", "requests"),
            bytes(report.work.written_bytes)
        )),
        None if found.damage.is_empty() => lines.push("  No problems found.".to_owned()),
        None => {}
    }
    if !found.foreign.is_empty() {
        lines.push(match found.foreign.len() {
            1 => "  1 other file is not part of this version and was kept.".to_owned(),
            many => {
                format!("  {} other files are not part of this version and were kept.", count(many as u64))
            }
        });
        if is_verbose {
            lines.extend(found.foreign.iter().map(|path| format!("  not ours: {}", text::line(path))));
        }
    }
    lines.join("\n")
}
