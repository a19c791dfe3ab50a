//! Removes chunks that no index names any more, and files left by killed writers.
//!
//! It cannot remove chunks that a running [`make`](crate::local::make::make()) needs: a lock excludes the two from each
//! other, and the later one fails immediately. The grace time protects programs that do not use this lock (desync,
//! casync), and indexes that were made but are not published yet: a chunk that was added or reused within it stays,
//! named or not.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::{LocalStore, StoreEntry, age};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::local::disk;

/// Default grace time: longer than any upload that precedes the publication of its index.
pub const DEFAULT_GRACE: Duration = Duration::from_hours(24);

/// The result of [`prune`], or of its dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Number of chunks that an index names.
    pub kept: u64,
    /// Number of removed files: chunks and leftovers.
    pub removed: u64,
    /// Their total size as stored, in bytes.
    pub removed_bytes: u64,
    /// Number of files that no index names but that are younger than the grace time.
    pub too_young: u64,
}

/// Removes chunks that no index in `keep` names, and leftovers, if they are older than `grace`; then the folders that
/// became empty. With `dry_run` it only counts.
///
/// # Errors
/// `Busy` while something adds to the store; `Invalid` if `keep` is empty, since that would empty the store.
pub fn prune(store: &LocalStore, keep: &[Index], grace: Duration, dry_run: bool, monitor: &Monitor) -> Result<Pruned> {
    if keep.is_empty() {
        let reason = "it is empty, so every chunk would be removed".to_owned();
        return Err(Error::invalid("list of indexes to keep", reason));
    }
    let _lock = store.claim("prune")?;
    let named: HashSet<ChunkId> = keep.iter().flat_map(|index| index.iter().map(|chunk| chunk.id)).collect();
    let mut pruned = Pruned::default();
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for entry in store.entries()? {
        monitor.cancel.check()?;
        let path = match entry {
            StoreEntry::Chunk { id, .. } if named.contains(&id) => {
                pruned.kept += 1;
                continue;
            }
            StoreEntry::Chunk { path, .. } | StoreEntry::Leftover { path } => path,
        };
        // Checked as late as possible: another program may have used the chunk since the store was listed.
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        if age(&found) < grace {
            pruned.too_young += 1;
            continue;
        }
        if !dry_run {
            disk::remove_file(&path)?;
            folders.extend(path.parent().map(Path::to_owned));
        }
        pruned.removed += 1;
        pruned.removed_bytes += found.len();
    }
    for folder in folders {
        // Not worth an error: the files themselves are gone.
        let _ = disk::remove_empty_directory(&folder);
    }
    Ok(pruned)
}
