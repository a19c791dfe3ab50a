//! `vsekai check`

use std::path::Path;

use crate::app::updater::{Available, Checked, Updater};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::{ModeName, Why};
use crate::version::Version;

use crate::cli::arguments::install::Check;
use crate::cli::output::{DONE, Output};
use crate::cli::size::bytes;
use crate::cli::summary::{to_download, up_to_date};
use crate::cli::{options, updater, words};

/// Exit code of `--exit-code` if an update is available.
const WAITING: u8 = 10;

pub(crate) fn run(args: &Check, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let updater = updater::updater(&dir, &args.source, |settings| {
        settings.mode = args.mode.clone().or(settings.mode.take());
        settings.at_once = args.now;
    })?;
    let checked = updater.check(monitor)?;
    let here = words::after(args.dir.as_deref());
    let text = match &checked.available {
        // A plan costs requests: for people, not for a script that checks every minute.
        Some(available) if output.is_for_people() => text(&checked, available, price(&updater, monitor), &here),
        Some(_) => String::new(),
        None => nothing(&updater, &checked, (&dir, &here), monitor),
    };
    output.done("check", &checked, &text);
    Ok(match checked.available {
        Some(_) if args.exit_code => WAITING,
        _ => DONE,
    })
}

/// What the update will download, as the launcher and `update` say it. Only a plan knows what the install has already. A
/// plan that fails is no reason for a check to fail.
fn price(updater: &Updater, monitor: &Monitor) -> Option<String> {
    let prepared = updater.plan(monitor).ok()??;
    to_download(prepared.summary(), prepared.prices())
}

fn text(checked: &Checked, available: &Available, planned: Option<String>, here: &str) -> String {
    let (version, mode) = (&available.version, &available.mode);
    // A bundle can turn out to be of no use, with a server that sends only whole files.
    let bound = if available.download_bytes < available.sizes.stored_bytes { "about" } else { "at most" };
    let download = planned.unwrap_or_else(|| format!("{bound} {} to download", bytes(available.download_bytes)));
    let mut text = match (&checked.current, available.why) {
        (_, Why::Incomplete) => {
            format!("A part of {version} ({mode}) is gone; `vsekai update{here}` brings it back: {download}.")
        }
        (Some(current), Why::Recalled) => format!(
            "{} was recalled by its publisher; `vsekai update{here}` goes back to {version} ({mode}): {download}.",
            current.version
        ),
        (Some(current), _) => format!(
            "Update available: {} -> {version} ({mode}), {download}. `vsekai update{here}` installs it.",
            current.version
        ),
        (None, _) => format!("{version} ({mode}) can be installed: {download}."),
    };
    if let Some(later) = checked.held_back.as_ref().map(|version| held_back(version, here)) {
        text = format!("{text}\n{later}");
    }
    if !available.notes.is_empty() {
        text = format!("{text}\n\n{}", available.notes.trim_end());
    }
    text
}

/// There is no update; some versions may not be offered here any more.
fn nothing(updater: &Updater, checked: &Checked, (dir, here): (&Path, &str), monitor: &Monitor) -> String {
    let Some(current) = &checked.current else {
        return format!("{} offers nothing to install here now.", checked.mode);
    };
    let later = checked.held_back.as_ref().map(|version| format!("\n{}", held_back(version, here)));
    let aside = aside(updater, &checked.mode, here, monitor);
    format!("{}{aside}{}", up_to_date(dir, current, &checked.mode, checked.is_recalled), later.unwrap_or_default())
}

/// Why a version that others have is not offered here yet.
pub(super) fn held_back(version: &Version, here: &str) -> String {
    format!("{version} is being rolled out; this install gets it later. To take it now: `vsekai update{here} --now`.")
}

/// Names the versions of this mode that are not offered here any more; empty if there are none.
pub(super) fn aside(updater: &Updater, mode: &ModeName, here: &str, monitor: &Monitor) -> String {
    let bad = updater.status(monitor).map(|status| status.bad).unwrap_or_default();
    let aside: Vec<String> = bad.iter().filter(|(of, _)| of == mode).map(|(_, it)| it.to_string()).collect();
    match aside.as_slice() {
        [] => String::new(),
        [one] => format!(" {one} is not offered here any more; `vsekai update{here} --version {one}` installs it."),
        several => {
            format!(
                " Not offered here any more: {}; `vsekai update{here} --version` with one of them installs it.",
                several.join(", ")
            )
        }
    }
}
