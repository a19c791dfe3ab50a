//! Metadata and targets, cached: immutable files until room is needed, everything else for a moment.
//!
//! Everything else is `current.pack`, which every client requests all the time, `timestamp.json`, and names that do not
//! exist. However many clients there are, the database sees one request per second for each.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use vsekai_updater::formats::metadata_pack::PATH as PACK;

use super::response::{Kind, Representation};
use crate::bundles::Bundles;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::service::metadata_pack::MetadataPacks;

/// Most changing or absent files that are cached.
const MAX_FRESH: u64 = 10_000;

#[derive(Debug)]
pub(super) struct Documents {
    db: Arc<dyn Db>,
    packs: MetadataPacks,
    lasting: Cache<String, Representation>,
    fresh: Cache<String, Option<Representation>>,
}

impl Documents {
    pub(super) fn new(db: Arc<dyn Db>, bundles: Arc<Bundles>, cache_bytes: u64, fresh: Duration) -> Self {
        let weigh = |path: &String, content: &Representation| {
            u32::try_from(path.len() + content.len() + 256).unwrap_or(u32::MAX)
        };
        Self {
            packs: MetadataPacks::new(Arc::clone(&db), bundles),
            db,
            lasting: Cache::builder().max_capacity(cache_bytes).weigher(weigh).build(),
            fresh: Cache::builder().max_capacity(MAX_FRESH).time_to_live(fresh).build(),
        }
    }

    /// The file at this path within the repository.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Representation>> {
        let is_lasting = !is_changing(path);
        if is_lasting && let Some(content) = self.lasting.get(path).await {
            return Ok(Some(content));
        }
        if let Some(content) = self.fresh.get(path).await {
            return Ok(content);
        }
        let load = async {
            let bytes = if path == PACK { self.packs.get().await? } else { self.db.repository_file(path).await? };
            let kind = Kind::of(path, is_lasting);
            Ok(bytes.map(|bytes| Representation::hashed(bytes, kind)))
        };
        let content = self.fresh.try_get_with_by_ref(path, load).await.map_err(|e: Arc<Error>| shared(&e))?;
        if is_lasting && let Some(content) = &content {
            self.lasting.insert(path.to_owned(), content.clone()).await;
            self.fresh.invalidate(path).await;
        }
        Ok(content)
    }

    /// Like [`Self::get`], but reads the file again if it can change: for publishers, whose next signature builds on
    /// it.
    pub(super) async fn get_newest(&self, path: &str) -> Result<Option<Representation>> {
        if is_changing(path) {
            self.fresh.invalidate(path).await;
        }
        self.get(path).await
    }

    pub(super) fn changed(&self) {
        self.fresh.invalidate_all();
    }
}

fn is_changing(path: &str) -> bool {
    path == "tuf/timestamp.json" || path == PACK
}

/// A copy of a failure, for another request that waited for the same file.
pub(super) fn shared(error: &Error) -> Error {
    match error {
        Error::Unavailable { code, reason } => Error::Unavailable { code, reason: reason.clone() },
        error => Error::Internal { context: format!("a file could not be read: {error}") },
    }
}
