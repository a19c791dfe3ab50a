//! `vsekai status`

use crate::app::updater::Status;
use crate::error::Result;
use crate::event::Monitor;
use crate::install::Installed;

use crate::cli::arguments::install;
use crate::cli::output::{DONE, Output};
use crate::cli::{options, updater, words};

pub(crate) fn run(args: &install::Status, output: Output, monitor: &Monitor) -> Result<u8> {
    let status = updater::offline(&options::install_dir(args.dir.as_deref())?, None)?.status(monitor)?;
    output.done("status", &status, &text(&status, &words::after(args.dir.as_deref())));
    Ok(DONE)
}

fn text(status: &Status, here: &str) -> String {
    let version = |installed: &Option<Installed>| {
        installed.as_ref().map_or("none".to_owned(), |it| format!("{} ({}, {})", it.version, it.mode, it.platform))
    };
    let previous = if status.previous.is_none() && !status.bad.is_empty() {
        "none: this is the one that it went back to".to_owned()
    } else {
        version(&status.previous)
    };
    let repository = if status.repository.is_empty() {
        format!("unknown; `vsekai update{here} --repository URL --trust-root FILE` tells it again")
    } else {
        status.repository.join(" ")
    };
    let mut rows = vec![
        ("mode", status.mode.to_string()),
        ("current", version(&status.current)),
        ("previous", previous),
        ("repository", repository),
    ];
    if let Some(missing) = &status.missing {
        let text = format!("{missing} is gone; `vsekai update{here}` or `vsekai verify --repair{here}` brings it back");
        rows.push(("incomplete", text));
    }
    if let Some(trial) = &status.trial {
        rows.push(("trial", format!("the current version is on trial; starts so far: {}", trial.attempts)));
    }
    if !status.bad.is_empty() {
        let bad = status.bad.iter().map(|(mode, version)| format!("{version} ({mode})")).collect::<Vec<_>>();
        rows.push(("not again", format!("{}: left by a rollback, or did not start", bad.join(", "))));
    }
    if let Some(holder) = &status.busy {
        rows.push(("busy", format!("{holder} is changing it now")));
    } else if status.is_resumable {
        rows.push(("unfinished", format!("an update was interrupted; `vsekai update{here}` resumes it")));
    }
    let rows = rows.iter().map(|(name, value)| format!("  {name:10} {value}")).collect::<Vec<_>>();
    format!("{}\n{}", status.directory.display(), rows.join("\n"))
}
