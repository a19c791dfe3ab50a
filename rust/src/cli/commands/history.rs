//! `vsekai history`

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::{ModeName, Why};
use crate::install::{Change, End, RollbackReason};
use crate::version::Version;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::arguments::install::History;
use crate::cli::output::{DONE, Output};
use crate::cli::{options, size, updater};
use crate::text::table;

#[derive(Serialize)]
struct Changes {
    /// Newest first, as the text has them.
    changes: Vec<Shown>,
}

/// A [`Change`] with the time as every other line of `--json` has it.
#[derive(Serialize)]
struct Shown {
    time: Option<Timestamp>,
    version: Version,
    mode: ModeName,
    is_rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<RollbackReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<End>,
}

impl From<Change> for Shown {
    fn from(change: Change) -> Self {
        let Change { time, version, mode, is_rollback, left, reason, why, ended } = change;
        let time = Timestamp::from_second(time).ok();
        Self { time, version, mode, is_rollback, left, reason, why, ended }
    }
}

pub(crate) fn run(args: &History, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let changes = updater::offline(&dir, None)?.history(monitor)?;
    let row = |change: &Change| {
        let what = if change.is_rollback { "went back" } else { "installed" };
        let (version, mode) = (change.version.to_string(), change.mode.to_string());
        vec![size::time(change.time), what.to_owned(), version, mode, why(change)]
    };
    let rows: Vec<_> = changes.iter().rev().map(row).collect();
    let changes = changes.iter().rev().cloned().map(Shown::from).collect();
    let text = match rows.as_slice() {
        [] => format!("Nothing is remembered of {}: it was last changed by an older vsekai.", dir.display()),
        rows => table(&["when", "what", "version", "mode", "why"], rows),
    };
    output.done("history", &Changes { changes }, &text);
    Ok(DONE)
}

/// Why a version was left; empty for one that was newer, and for what an older vsekai has recorded.
fn why(change: &Change) -> String {
    match (&change.left, change.why) {
        (Some(left), Some(Why::Recalled)) => return format!("{left} was recalled"),
        (Some(left), Some(Why::Asked)) => return format!("asked for instead of {left}"),
        _ => {}
    }
    let Some((left, reason)) = change.left.as_ref().zip(change.reason) else { return String::new() };
    match (reason, change.ended) {
        (RollbackReason::Asked, _) => format!("rollback from {left}"),
        (RollbackReason::DidNotStart, Some(End { exit_code: Some(code), .. })) => {
            format!("{left} did not start: exit code {code}")
        }
        (RollbackReason::DidNotStart, Some(End { signal: Some(signal), .. })) => {
            format!("{left} did not start: signal {signal}")
        }
        (RollbackReason::DidNotStart, _) => format!("{left} did not start"),
    }
}
