//! Removes the chunks that no version of a repository needs.

#[cfg(feature = "bucket")]
use std::collections::HashSet;
use std::time::Duration;

use super::Destination;
use super::folder::Folder;
use super::history::{self, History};
use super::roles::check_is_repository;
use crate::error::{Error, Result};
use crate::event::Monitor;
#[cfg(feature = "bucket")]
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::formats::release::{Catalog, DEFAULT_STORE, Release, target_name};
use crate::local::store::LocalStore;
use crate::local::store::prune::{self, Pruned};
use crate::net::trust::{KeyFolder, Keys, Publication};

/// Removes the chunks that no version in the catalog needs, recalled ones included, if they are older than `grace`. With
/// `dry_run` it only counts. `keys` is a key folder, of which only the root is needed.
///
/// # Errors
/// `Busy` while something is published; `Invalid` if there is no version, since that would empty the store; `Trust` if a
/// signed document is missing or damaged. Nothing is removed then. A server cleans up by itself: `Unsupported`.
pub fn prune(
    repository: &Destination,
    keys: impl Into<KeyFolder>,
    grace: Duration,
    dry_run: bool,
    monitor: &Monitor,
) -> Result<Pruned> {
    let keys = Keys::open(keys)?;
    match repository {
        Destination::Folder(folder) => {
            check_is_repository(folder)?;
            let publication = Publication::open(folder, &keys)?;
            let past = Folder { publication: &publication, store: None };
            let indexes = offered_indexes(&past, &history::catalog_of(&past)?)?;
            let store = LocalStore::open(&folder.join(DEFAULT_STORE))?;
            prune::prune(&store, &indexes, grace, dry_run, monitor)
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => super::bucket::prune(bucket, &keys, grace, dry_run, monitor),
        Destination::Server(_) => Err(Error::unsupported("cleaning up an update server from here: it does so itself")),
    }
}

/// The ids of all chunks of these indexes.
#[cfg(feature = "bucket")]
pub(super) fn chunks_of(indexes: &[Index]) -> HashSet<ChunkId> {
    indexes.iter().flat_map(|index| index.iter().map(|chunk| chunk.id)).collect()
}

/// The indexes of all versions in the catalog. One that cannot be read is an error: its chunks would be removed.
pub(super) fn offered_indexes(past: &dyn History, catalog: &Catalog) -> Result<Vec<Index>> {
    let mut indexes = Vec::new();
    for (name, mode) in &catalog.modes {
        for offer in &mode.versions {
            for platform in &offer.platforms {
                let target = target_name(name, &offer.version, platform, "release.json");
                let document = past.target(&target)?;
                let lost = || Error::invalid("repository", format!("{target} is not listed"));
                let release = Release::parse(&document.ok_or_else(lost)?, None)?;
                indexes.push(history::index_of(past, &release)?);
            }
        }
    }
    Ok(indexes)
}
