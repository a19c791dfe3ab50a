//! Opens the seeds: the installed tree, and those that the caller names.

use super::{Request, SeedSpec, destination};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::Layout;
use crate::formats::chunker::{Algorithm, Chunker};
use crate::formats::index::Index;
use crate::local::make;
use crate::local::receipt::{Receipt, Workplace};
use crate::local::seed::Seed;
use crate::local::sources::Sources;
use crate::local::tree;

/// Opens all seeds. If the destination itself is adopted and matches its index exactly, also returns its layout: only
/// then is it certain that it contains no files of the user.
pub(super) fn open(
    request: &Request,
    workplace: &Workplace,
    installed: Option<&Receipt>,
    sources: &mut Sources,
    monitor: &Monitor,
) -> Result<Option<Layout>> {
    let mut taken_over = None;
    if let Some(receipt) = installed {
        sources.seeds.push(Seed::new(workplace.destination(), receipt.index.clone(), receipt.layout.clone())?);
    }
    for spec in &request.seeds {
        let is_destination = destination::is_same(&spec.path, workplace.destination());
        if installed.is_some() && is_destination {
            continue;
        }
        let seed = open_one(spec, &request.index, monitor)?;
        if is_destination && spec.index.as_ref() == Some(seed.index()) {
            taken_over = Some(seed.layout().clone());
        }
        sources.seeds.push(seed);
    }
    Ok(taken_over)
}

/// Tries the cheapest way first: our receipt, then the named index if the files match it, then cutting anew.
fn open_one(spec: &SeedSpec, wanted: &Index, monitor: &Monitor) -> Result<Seed> {
    let receipt = Workplace::of(&spec.path)?.receipt();
    if let Some(receipt) = receipt.filter(|it| spec.index.as_ref().is_none_or(|index| *index == it.index)) {
        return Seed::new(&spec.path, receipt.index, receipt.layout);
    }
    let flags = spec.index.as_ref().unwrap_or(wanted).flags();
    let layout = if spec.path.is_dir() {
        tree::layout(&spec.path, &tree::Recorded::AsOnDisk(flags))?
    } else {
        Layout::blob(tree::file_size(&spec.path)?)
    };
    match &spec.index {
        // A wrong guess about the entries between the files only costs the chunks that contain them.
        Some(index) if index.stream_bytes() == layout.stream_bytes() => Seed::new(&spec.path, index.clone(), layout),
        _ => {
            let chunker = Chunker::new(Algorithm::Casync, wanted.sizes())?;
            let index =
                make::index_of(&spec.path, &layout, &chunker, wanted.flags(), make::has_forced_cuts(wanted), monitor)?;
            Seed::new(&spec.path, index, layout)
        }
    }
}
