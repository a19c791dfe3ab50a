//! `tuf/current.pack`: what clients ask for first, in one file, made of what the database has in force.
//!
//! It is kept nowhere: each process makes it once for each revision of the repository that it is asked for, and again
//! after a while, for bundles are added without a revision. Without one clients read the single files, so whatever stands in the way of making it is no failure of theirs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use vsekai_updater::Error as UpdaterError;
use vsekai_updater::net::trust::make_pack;

use crate::bundles::Bundles;
use crate::db::{Db, View};
use crate::error::{Error, Result};
use crate::files::parse_digest;
use crate::model::RepositoryFile;

/// How long a pack keeps the lists of bundles that it was made with.
const LISTS_FRESH: Duration = Duration::from_secs(2);

/// The pack of the newest revision that was asked for.
#[derive(Debug)]
pub(crate) struct Packs {
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

impl Packs {
    pub(crate) fn new(db: Arc<dyn Db>, bundles: Arc<Bundles>) -> Self {
        Self { db, bundles, last: tokio::sync::Mutex::default() }
    }

    /// The pack as it is now; nothing if there is no repository yet.
    pub(crate) async fn get(&self) -> Result<Option<Bytes>> {
        // Whoever comes meanwhile waits, and finds it made.
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
        let pack = of_view(Arc::clone(&self.db), Arc::clone(&self.bundles), view).await?;
        *last = Some(Made { revision, at: Instant::now(), pack: pack.clone() });
        Ok(pack)
    }
}

/// The metadata of one moment; targets never change, so they can be read later.
async fn of_view(db: Arc<dyn Db>, bundles: Arc<Bundles>, view: View) -> Result<Option<Bytes>> {
    let handle = Handle::current();
    let work = move || {
        let failed = Mutex::new(None);
        let read = |path: &str| {
            let found = handle.block_on(other(db.as_ref(), &bundles, path));
            found.map_err(|error| {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                UpdaterError::Cancelled
            })
        };
        let pack = of_files(&view.metadata, &read);
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(pack),
        }
    };
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|error| Error::Internal { context: format!("making a pack: {error}") })?
}

/// A target, or a list of bundles if there are any.
async fn other(db: &dyn Db, bundles: &Bundles, path: &str) -> Result<Option<Bytes>> {
    let list = path.strip_prefix("bundles/").and_then(|name| name.strip_suffix(".json"));
    let Some(to) = list.and_then(parse_digest) else { return db.repository_file(path).await };
    let list = bundles.list(&to).await?;
    if list.bundles.is_empty() { Ok(None) } else { Ok(Some(list.to_bytes()?.into())) }
}

/// Of these files, and of others that `other` gives by their path. Nothing if they make no repository.
pub fn of_files(
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
            tracing::warn!(code = error.code(), "cannot make tuf/current.pack: {error}");
            None
        }
    }
}
