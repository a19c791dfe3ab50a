//! `tuf/current.pack`: the metadata in force and what clients need next, in one file.
//!
//! It is not stored. Each process makes it once for each revision of the repository that clients ask about, and again
//! after a moment, because bundles are added without a new revision. Clients that find no pack read the single files,
//! so a pack that cannot be made is logged and reported as absent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use vsekai_updater::Error as UpdaterError;
use vsekai_updater::net::trust::make_pack;

use crate::bundles::Bundles;
use crate::db::{Db, View};
use crate::error::{Error, Result};
use crate::model::RepositoryFile;

/// How long a pack may contain outdated lists of bundles.
const LISTS_FRESH: Duration = Duration::from_secs(2);

/// Makes packs, and caches the one of the newest revision.
#[derive(Debug)]
pub(crate) struct MetadataPacks {
    db: Arc<dyn Db>,
    bundles: Arc<Bundles>,
    last: tokio::sync::Mutex<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    revision: u64,
    at: Instant,
    pack: Option<Bytes>,
}

impl MetadataPacks {
    pub(crate) fn new(db: Arc<dyn Db>, bundles: Arc<Bundles>) -> Self {
        Self { db, bundles, last: tokio::sync::Mutex::default() }
    }

    /// The current pack, or `None` if there is no repository yet.
    pub(crate) async fn get(&self) -> Result<Option<Bytes>> {
        // Requests that arrive meanwhile wait here, and find it made.
        let mut last = self.last.lock().await;
        let revision = self.db.revision().await?;
        if let Some(made) = &*last
            && made.revision == revision
            && made.at.elapsed() < LISTS_FRESH
        {
            return Ok(made.pack.clone());
        }
        let view = self.db.view().await?;
        let revision = view.revision;
        let pack = pack_of_view(Arc::clone(&self.db), Arc::clone(&self.bundles), view).await?;
        *last = Some(Made { revision, at: Instant::now(), pack: pack.clone() });
        Ok(pack)
    }
}

/// Makes the pack of a view. Targets never change, so they may be read later than the view.
async fn pack_of_view(db: Arc<dyn Db>, bundles: Arc<Bundles>, view: View) -> Result<Option<Bytes>> {
    let handle = Handle::current();
    let work = move || {
        let failed = Mutex::new(None);
        let read = |path: &str| {
            let found = handle.block_on(read_other(db.as_ref(), &bundles, path));
            found.map_err(|error| {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                UpdaterError::Cancelled
            })
        };
        let pack = pack_of_files(&view.metadata, &read);
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(pack),
        }
    };
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(Error::internal_by("making a pack"))?
}

/// Reads a target, or a list of bundles if it is not empty.
async fn read_other(db: &dyn Db, bundles: &Bundles, path: &str) -> Result<Option<Bytes>> {
    let list = path.strip_prefix("bundles/").and_then(|name| name.strip_suffix(".json"));
    let Some(to) = list.and_then(|digest| digest.parse().ok()) else { return db.repository_file(path).await };
    let list = bundles.list(&to).await?;
    if list.bundles.is_empty() { Ok(None) } else { Ok(Some(list.to_bytes()?.into())) }
}

/// Makes a pack of these files, and of others that `other` reads by their path. `None` if they are not a repository.
pub fn pack_of_files(
    files: &[RepositoryFile],
    other: &dyn Fn(&str) -> std::result::Result<Option<Bytes>, UpdaterError>,
) -> Option<Bytes> {
    let version = |file: &RepositoryFile| file.path.strip_prefix("tuf/")?.strip_suffix(".root.json")?.parse().ok();
    let newest_root = files.iter().filter_map(version).max()?;
    let read = |path: &str, max_bytes| {
        let found = match files.iter().find(|file| file.path == path) {
            Some(file) => Some(file.bytes.clone()),
            None => other(path)?.map(Vec::from),
        };
        Ok(found.filter(|bytes: &Vec<u8>| bytes.len() as u64 <= max_bytes))
    };
    match make_pack(newest_root, &read) {
        Ok(pack) => Some(pack.into()),
        Err(error) => {
            tracing::warn!(event = "pack_failed", code = error.code(), "cannot make tuf/current.pack: {error}");
            None
        }
    }
}
