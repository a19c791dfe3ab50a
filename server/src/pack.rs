//! `tuf/current.pack`: what clients ask for first, in one file, made of what the database has in force.
//!
//! It is kept nowhere: each process makes it once for each revision of the repository that it is asked for. Without one
//! clients read the single files, so whatever stands in the way of making it is no failure of theirs.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;
use vsekai_updater::Error as UpdaterError;
use vsekai_updater::trust::make_pack;

use crate::db::{Db, View};
use crate::error::{Error, Result};
use crate::model::RepositoryFile;

/// The pack of the newest revision that was asked for.
#[derive(Debug)]
pub(crate) struct Packs {
    db: Arc<dyn Db>,
    last: tokio::sync::Mutex<Option<(u64, Option<Bytes>)>>,
}

impl Packs {
    pub(crate) fn new(db: Arc<dyn Db>) -> Self {
        Self { db, last: tokio::sync::Mutex::default() }
    }

    /// The pack as it is now; nothing if there is no repository yet.
    pub(crate) async fn get(&self) -> Result<Option<Bytes>> {
        // Whoever comes meanwhile waits, and finds it made.
        let mut last = self.last.lock().await;
        let revision = self.db.revision().await?;
        if let Some((of, pack)) = &*last
            && *of == revision
        {
            return Ok(pack.clone());
        }
        let view = self.db.view().await?;
        let revision = view.revision;
        let pack = of_view(Arc::clone(&self.db), view).await?;
        *last = Some((revision, pack.clone()));
        Ok(pack)
    }
}

/// The metadata of one moment; targets never change, so they can be read later.
async fn of_view(db: Arc<dyn Db>, view: View) -> Result<Option<Bytes>> {
    let handle = Handle::current();
    let make = move || {
        let failed = Mutex::new(None);
        let other = |path: &str| {
            let found = handle.block_on(db.repository_file(path));
            found.map_err(|error| {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                UpdaterError::Cancelled
            })
        };
        let pack = of_files(&view.metadata, &other);
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(pack),
        }
    };
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(|error| Error::Internal { context: format!("making a pack: {error}") })?
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
