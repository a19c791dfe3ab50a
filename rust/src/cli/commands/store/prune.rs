//! `vsekai store prune`

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::index::Index;
use crate::limits;
use crate::local::disk;
use crate::local::store::LocalStore;
use crate::local::store::prune::{Pruned, prune};
use serde::Serialize;

use crate::cli::arguments::store::Prune;
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count, counted};

#[derive(Serialize)]
struct Outcome {
    dry_run: bool,
    #[serde(flatten)]
    pruned: Pruned,
}

pub(crate) fn run(args: &Prune, output: Output, monitor: &Monitor) -> Result<u8> {
    let store = LocalStore::open(options::folder(&args.store)?)?;
    let read = |path: &std::path::PathBuf| Index::parse(&disk::read(path, limits::MAX_INDEX_BYTES)?);
    let keep = args.indexes.iter().map(read).collect::<Result<Vec<_>>>()?;
    let pruned = prune(&store, &keep, args.grace, args.dry_run, monitor)?;
    Ok(report("store prune", pruned, args.dry_run, output))
}

/// The result of `verb`, also for `repository prune`.
pub(crate) fn report(verb: &str, pruned: Pruned, dry_run: bool, output: Output) -> u8 {
    let outcome = Outcome { dry_run, pruned };
    output.done(verb, &outcome, &text(&outcome));
    DONE
}

fn text(outcome: &Outcome) -> String {
    let pruned = &outcome.pruned;
    let verb = if outcome.dry_run { "Would remove" } else { "Removed" };
    format!(
        "{verb} {}, {}. Kept {} and {} recent ones.",
        counted(pruned.removed, "file", "files"),
        bytes(pruned.removed_bytes),
        counted(pruned.kept, "needed chunk", "needed chunks"),
        count(pruned.too_young),
    )
}
