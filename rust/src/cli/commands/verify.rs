//! `vsekai verify`

use crate::error::Result;
use crate::event::Monitor;
use crate::install::{Damage, Report, Verified};
use serde::Serialize;

use crate::cli::arguments::install::Verify;
use crate::cli::output::{DONE, Output};
use crate::cli::settings;
use crate::cli::size::{bytes, count};

/// Exit code for damage that is still there.
const DAMAGED: u8 = 3;

/// Damaged files that are named; the rest are counted. `--json` has them all.
const NAMED: usize = 20;

#[derive(Serialize)]
struct Outcome<'a> {
    #[serde(flatten)]
    found: &'a Verified,
    /// Nothing if nothing was repaired.
    repaired: Option<Report>,
}

pub(crate) fn run(args: &Verify, output: Output, monitor: &Monitor) -> Result<u8> {
    let updater = settings::updater(&args.dir, &args.source, |_| {})?;
    let (found, repaired) = if args.repair { updater.repair(monitor)? } else { (updater.verify(monitor)?, None) };
    let is_sound = found.damage.is_empty() || repaired.is_some();
    output.done("verify", &Outcome { found: &found, repaired }, &text(&found, repaired.as_ref(), args));
    Ok(if is_sound { DONE } else { DAMAGED })
}

fn text(found: &Verified, repaired: Option<&Report>, args: &Verify) -> String {
    let mut lines = vec![format!("Read {} files, {}.", count(found.files), bytes(found.bytes))];
    for damage in found.damage.iter().take(NAMED) {
        let what = match damage {
            Damage::Missing { .. } => "missing",
            Damage::Changed { .. } => "changed",
            Damage::Mode { .. } => "permissions",
        };
        lines.push(format!("{what}: {}", damage.path()));
    }
    if found.damage.len() > NAMED {
        lines.push(format!("and {} more", count((found.damage.len() - NAMED) as u64)));
    }
    match repaired {
        Some(report) => lines.push(format!(
            "Repaired: {} fetched in {} requests, {} written.",
            bytes(report.transfer.received_bytes),
            count(report.transfer.requests),
            bytes(report.written_bytes)
        )),
        None if found.damage.is_empty() => lines.push("All of it is as published.".to_owned()),
        None => lines.push(format!("\nhint: `vsekai verify --repair {}` makes it whole again.", args.dir.display())),
    }
    if !found.foreign.is_empty() {
        lines.push(format!("{} files are no part of the version; they stay.", count(found.foreign.len() as u64)));
    }
    lines.join("\n")
}
