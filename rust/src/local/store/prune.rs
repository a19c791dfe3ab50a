//! Removes chunks that no index names any more, and what killed writers left.
//!
//! It cannot take chunks away from a [`make`](crate::local::make::make()) that runs: the two exclude each other
//! by a lock, and the later one is told so at once. Programs that know no such lock (desync, casync), and
//! indexes that are made but not published yet, are covered by the grace time: what was added or reused
//! within it stays, named or not.

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

/// Grace time for those who do not choose one: longer than any upload that is followed by its index.
pub const DEFAULT_GRACE: Duration = Duration::from_hours(24);

/// What [`prune`] did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Chunks that an index names.
    pub kept: u64,
    /// Files removed: chunks and leftovers.
    pub removed: u64,
    /// Their size as stored, in bytes.
    pub removed_bytes: u64,
    /// Files that no index names, but younger than the grace time.
    pub too_young: u64,
}

/// Removes every chunk that none of `keep` names and every leftover, if it is older than `grace`; then
/// the folders that this emptied. With `dry_run` it only counts.
///
/// # Errors
/// `Busy` while something adds to the store; `Invalid` without any index, which would empty it.
pub fn prune(store: &LocalStore, keep: &[Index], grace: Duration, dry_run: bool, monitor: &Monitor) -> Result<Pruned> {
    if keep.is_empty() {
        let reason = "at least one is needed, or the whole store would go".to_owned();
        return Err(Error::Invalid { what: "list of indexes to keep", reason });
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
        // Asked as late as can be: another program may have used the chunk since the listing.
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
        // Not worth failing for: what had to go is gone.
        let _ = disk::remove_empty_directory(&folder);
    }
    Ok(pruned)
}
