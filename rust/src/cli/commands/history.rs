//! `vsekai history`

use crate::error::Result;
use crate::event::Monitor;
use crate::install::Change;
use serde::Serialize;

use crate::cli::arguments::install::History;
use crate::cli::output::{DONE, Output};
use crate::cli::table::table;
use crate::cli::{options, size, updater};

#[derive(Serialize)]
struct Changes {
    /// Oldest first.
    changes: Vec<Change>,
}

pub(crate) fn run(args: &History, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = options::install_dir(args.dir.as_deref())?;
    let changes = updater::offline(&dir, None)?.history(monitor)?;
    let row = |change: &Change| {
        let what = if change.is_rollback { "went back" } else { "installed" };
        vec![size::time(change.time), what.to_owned(), change.version.to_string(), change.mode.to_string()]
    };
    let rows: Vec<_> = changes.iter().rev().map(row).collect();
    let text = match rows.as_slice() {
        [] => format!("Nothing is remembered of {}: it was last changed by an older vsekai.", dir.display()),
        rows => table(&["when", "what", "version", "mode"], rows),
    };
    output.done("history", &Changes { changes }, &text);
    Ok(DONE)
}
