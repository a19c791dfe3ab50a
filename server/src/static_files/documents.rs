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

/// How long to wait for the database, and how long for what can be served without it.
const PATIENCE: Duration = Duration::from_secs(30);
const KNOWN_PATIENCE: Duration = Duration::from_secs(1);

/// Changing files that are kept for when the database is away: there are two.
const MAX_LAST: u64 = 8;

#[derive(Debug)]
pub(super) struct Documents {
    db: Arc<dyn Db>,
    packs: MetadataPacks,
    lasting: Cache<String, Representation>,
    fresh: Cache<String, Option<Representation>>,
    /// What changing files were when they were read last.
    last: Cache<String, Representation>,
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
            last: Cache::builder().max_capacity(MAX_LAST).build(),
        }
    }

    /// The file at this path within the repository. If the database does not answer in time, what it was before.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Representation>> {
        let is_lasting = !is_changing(path);
        if is_lasting && let Some(content) = self.lasting.get(path).await {
            return Ok(Some(content));
        }
        if let Some(content) = self.fresh.get(path).await {
            return Ok(content);
        }
        let load = async {
            let read =
                async { if path == PACK { self.packs.get().await } else { self.db.repository_file(path).await } };
            let bytes = tokio::time::timeout(self.patience(path), read).await.map_err(|_| slow())??;
            let kind = Kind::of(path, is_lasting);
            Ok(bytes.map(|bytes| Representation::hashed(bytes, kind)))
        };
        let content = match self.fresh.try_get_with_by_ref(path, load).await {
            Ok(content) => content,
            Err(error) => return self.last_known(path, &error).await,
        };
        if !is_lasting && let Some(content) = &content {
            self.last.insert(path.to_owned(), content.clone()).await;
        }
        if is_lasting && let Some(content) = &content {
            self.lasting.insert(path.to_owned(), content.clone()).await;
            self.fresh.invalidate(path).await;
        }
        Ok(content)
    }

    /// What was read last, if the database does not answer now: players are better served by that than by nothing, and
    /// it is signed. For a moment it is not asked again, so that requests do not wait for it one after the other.
    async fn last_known(&self, path: &str, error: &Error) -> Result<Option<Representation>> {
        let Some(content) = self.last.get(path).await else { return Err(shared(error)) };
        tracing::warn!(
            event = "database_unanswered",
            path,
            code = error.code(),
            "the database does not answer; serving what was read last"
        );
        self.fresh.insert(path.to_owned(), Some(content.clone())).await;
        Ok(Some(content))
    }

    /// Like [`Self::get`], but reads the file again if it can change, and fails if that cannot be: for publishers, whose
    /// next signature builds on it.
    pub(super) async fn get_newest(&self, path: &str) -> Result<Option<Representation>> {
        if !is_changing(path) {
            return self.get(path).await;
        }
        let bytes = if path == PACK { self.packs.get().await? } else { self.db.repository_file(path).await? };
        let kind = Kind::of(path, false);
        let content = bytes.map(|bytes| Representation::hashed(bytes, kind));
        if let Some(content) = &content {
            self.last.insert(path.to_owned(), content.clone()).await;
        }
        self.fresh.insert(path.to_owned(), content.clone()).await;
        Ok(content)
    }

    /// How long to wait for the database: not long for what is known already.
    fn patience(&self, path: &str) -> Duration {
        if self.last.contains_key(path) { KNOWN_PATIENCE } else { PATIENCE }
    }

    pub(super) fn changed(&self) {
        self.fresh.invalidate_all();
    }
}

fn slow() -> Error {
    Error::Unavailable { code: "database_busy", reason: "The database does not answer".to_owned() }
}

fn is_changing(path: &str) -> bool {
    path == "tuf/timestamp.json" || path == PACK
}

/// A copy of a failure, for another request that waited for the same file.
pub(crate) fn shared(error: &Error) -> Error {
    match error {
        Error::Unavailable { code, reason } => Error::Unavailable { code, reason: reason.clone() },
        error => Error::internal_by("a file could not be read")(crate::problem::with_causes(error)),
    }
}
