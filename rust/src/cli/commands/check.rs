//! `vsekai check`

use std::path::Path;

use crate::app::updater::{Available, Checked, Updater};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::{ModeName, Why};

use crate::cli::arguments::install::Check;
use crate::cli::output::{DONE, Output};
use crate::cli::size::bytes;
use crate::cli::summary::{download_bytes, up_to_date};
use crate::cli::{options, updater};

/// Exit code of `--exit-code` if an update is available.
const WAITING: u8 = 10;

pub(crate) fn run(args: &Check, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let updater = updater::updater(&dir, &args.source, |settings| {
        settings.mode = args.mode.clone().or(settings.mode.take());
        settings.at_once = args.now;
    })?;
    let checked = updater.check(monitor)?;
    let text = match &checked.available {
        // A plan costs requests: for people, not for a script that checks every minute.
        Some(available) if output.is_for_people() => {
            text(&checked, available, price(&updater, &checked, available, monitor))
        }
        Some(_) => String::new(),
        None => nothing(&updater, &checked, &dir, monitor),
    };
    output.done("check", &checked, &text);
    Ok(match checked.available {
        Some(_) if args.exit_code => WAITING,
        _ => DONE,
    })
}

/// What the update will download. Only a plan knows that if nothing but single chunks is offered, of which the install has
/// some. A plan that fails is no reason for a check to fail.
fn price(updater: &Updater, checked: &Checked, available: &Available, monitor: &Monitor) -> Option<u64> {
    if checked.current.is_none() || available.download_bytes < available.sizes.stored_bytes {
        return None;
    }
    let prepared = updater.plan(monitor).ok()??;
    download_bytes(prepared.summary(), prepared.prices())
}

fn text(checked: &Checked, available: &Available, planned: Option<u64>) -> String {
    let (version, mode) = (&available.version, &available.mode);
    let download = match planned {
        Some(0) => "nothing to download".to_owned(),
        Some(planned) => format!("{} to download", bytes(planned)),
        None => format!("at most {} to download", bytes(available.download_bytes)),
    };
    let mut text = match (&checked.current, available.why) {
        (_, Why::Incomplete) => {
            format!("A part of {version} ({mode}) is gone; `vsekai update` brings it back: {download}.")
        }
        (Some(current), Why::Recalled) => format!(
            "{} was recalled by its publisher; `vsekai update` goes back to {version} ({mode}): {download}.",
            current.version
        ),
        (Some(current), _) => format!("Update available: {} -> {version} ({mode}), {download}.", current.version),
        (None, _) => format!("{version} ({mode}) can be installed: {download}."),
    };
    if !available.notes.is_empty() {
        text = format!("{text}\n\n{}", available.notes.trim_end());
    }
    text
}

/// There is no update; some versions may not be offered here any more.
fn nothing(updater: &Updater, checked: &Checked, dir: &Path, monitor: &Monitor) -> String {
    let Some(current) = &checked.current else {
        return format!("{} offers nothing to install here now.", checked.mode);
    };
    format!("{}{}", up_to_date(dir, current, &checked.mode), aside(updater, &checked.mode, monitor))
}

/// Names the versions of this mode that are not offered here any more; empty if there are none.
pub(super) fn aside(updater: &Updater, mode: &ModeName, monitor: &Monitor) -> String {
    let bad = updater.status(monitor).map(|status| status.bad).unwrap_or_default();
    let aside: Vec<String> = bad.iter().filter(|(of, _)| of == mode).map(|(_, it)| it.to_string()).collect();
    match aside.as_slice() {
        [] => String::new(),
        [one] => format!(" {one} is not offered here any more; `vsekai update --version {one}` installs it."),
        several => {
            format!(
                " Not offered here any more: {}; `vsekai update --version` with one of them installs it.",
                several.join(", ")
            )
        }
    }
}
