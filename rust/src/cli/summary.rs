//! A plan in words.

use crate::plan::Summary;

use crate::cli::size::{bytes, count};

/// One line for each number that matters before anything is done.
pub(crate) fn rows(plan: &Summary) -> String {
    let rows = [
        ("fetch", format!("{} chunks, at most {}", count(plan.fetch_chunks), bytes(plan.fetch_plain_bytes))),
        ("requests", count(plan.requests)),
        ("reuse", format!("{} from what is installed", bytes(plan.seed_bytes))),
        ("keep", format!("{} files untouched, {}", count(plan.kept_files), bytes(plan.kept_bytes))),
        ("write", format!("{} files, {}", count(plan.written_files), bytes(plan.write_bytes))),
        ("remove", format!("{} files", count(plan.removed_files))),
        ("resume", format!("{} are done already", bytes(plan.resumed_bytes))),
        ("disk", format!("{} needed while it works", bytes(plan.disk_bytes))),
    ];
    rows.map(|(name, value)| format!("  {name:9} {value}")).join("\n")
}
