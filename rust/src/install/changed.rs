//! Files of a version that a player or the game has changed: they are never dropped silently.
//!
//! A file counts as changed if its size or time differs from those recorded at installation, and its content from the
//! published one. A file whose bytes differ under an unchanged time was damaged by the disk, so nobody misses those
//! bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::installed_version::InstalledVersion;
use super::takeover::may_share;
use super::verify::has_content;
use super::{InstallRoot, foreign};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::local::disk::{self, CloneMemory};
use crate::path::RelPath;

/// Most files that are named in a warning.
const NAMED: usize = 5;

/// What happens to the changed files of a version that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// They are moved to `saved/`.
    Save,
    /// Only files of the kinds that players and games write are moved: a whole copy replaces the damaged version, so
    /// any other file with different bytes was damage.
    SaveWritten,
    /// They are removed with the version, because the whole install is.
    Drop,
}

/// The changed files of a version. Reads only files whose size or time has changed, and files that the game may change.
pub(super) fn list(kept: &InstalledVersion, monitor: &Monitor) -> Result<Vec<RelPath>> {
    let is_changed = |(node, path, size): &(usize, &RelPath, u64)| {
        let Ok(found) = std::fs::symlink_metadata(path.below(kept.tree())) else { return false };
        // A crash can leave an empty file, which is not worth saving.
        let is_something = found.is_file() && (found.len() > 0 || *size == 0);
        // The stamp of a mutable file was taken after the game's copy had been carried over.
        let may_differ = kept.is_mutable(*node) || !kept.has_stamp(*node);
        is_something && may_differ && !has_content(kept, *node)
    };
    let files: Vec<_> = kept.documents.table.files().map(|(node, path, size, _)| (node, path, size)).collect();
    Ok(monitor.pool()?.install(|| {
        files.into_par_iter().filter(is_changed).map(|(_, path, _)| path.clone()).collect::<Vec<RelPath>>()
    }))
}

/// Moves the changed files of a version that is about to be removed to `saved/`, except those that a remaining version
/// has, and those that are there already. Returns the number of files moved.
pub(super) fn move_away(
    root: &InstallRoot,
    kept: &InstalledVersion,
    staying: &[PathBuf],
    changes: Changes,
    monitor: &Monitor,
) -> Result<u64> {
    let Some(folder) = kept.folder().filter(|_| changes != Changes::Drop) else { return Ok(0) };
    let saved = root.saved(&folder);
    let mut staying = staying.to_vec();
    staying.push(saved.clone());
    let theirs = list(kept, monitor)?;
    // Uses the published size, because what is left of a large file may be small.
    let table = &kept.documents.table;
    let sizes: HashMap<&RelPath, u64> = table.files().map(|(_, path, size, _)| (path, size)).collect();
    let is_wanted =
        |path: &&RelPath| changes == Changes::Save || !may_share(path, sizes.get(*path).copied().unwrap_or_default());
    let paths: Vec<PathBuf> = theirs.iter().filter(is_wanted).map(|path| path.below(Path::new(""))).collect();
    Ok(foreign::save(kept.tree(), &paths, &staying, &saved)?.moved)
}

/// Copies the changed files of the version that an update has just left to `saved/`, except those that the new version
/// has taken over. Warns about them, and returns their number.
///
/// The files themselves stay in the version that was left, because a rollback returns to it.
pub(super) fn copy(root: &InstallRoot, left: &InstalledVersion, new: &Path, monitor: &Monitor) -> Result<u64> {
    let Some(folder) = left.folder() else { return Ok(0) };
    let saved = root.saved(&folder);
    let memory = CloneMemory::default();
    let mut copied = Vec::new();
    for path in list(left, monitor)? {
        let (from, there) = (path.below(left.tree()), path.below(&saved));
        if foreign::is_same(&from, &path.below(new)) || foreign::is_same(&from, &there) {
            continue;
        }
        let size = std::fs::symlink_metadata(&from).map_or(0, |found| found.len());
        let temporary = disk::temporary_beside(&root.control("saved"));
        // A large file is linked, because nobody writes to the version that was left.
        let taken = if may_share(&path, size) { disk::clone_or_link } else { disk::clone_or_copy };
        taken(&from, &temporary, &memory)?;
        let to = foreign::free_place(&saved, &path.below(Path::new("")));
        to.parent().map_or(Ok(()), disk::create_directory)?;
        disk::rename(&temporary, &to)?;
        copied.push(path);
    }
    if !copied.is_empty() {
        say(&copied, &saved, monitor);
    }
    Ok(copied.len() as u64)
}

fn say(paths: &[RelPath], saved: &Path, monitor: &Monitor) {
    let mut names = paths.iter().take(NAMED).map(RelPath::as_str).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        names = format!("{names} and {} more", paths.len() - NAMED);
    }
    let message = format!(
        "the new version has its own copy of files that were changed here: {names}. The changed ones are in {}",
        saved.display()
    );
    let code = Error::ForeignConflict { path: saved.to_owned() }.code();
    monitor.emit(Event::Warned { code, message });
}
