//! Chunks as objects in a folder or in S3, at `abcd/<id>.cacnk`: a desync store that others can serve too.
//!
//! An object is written before its row, and removed after its row was claimed. If an upload and garbage collection meet
//! at the same chunk, the row decides. After a row has become live, its object is checked once more, in case a removal
//! was already under way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutMode, RetryConfig};
use vsekai_updater::formats::chunk::ChunkId;

use super::check::Checker;
use super::reach::is_absent;
use super::{LEASE, Options, PutOutcome, StorageLocation, deleting};
use crate::db::Db;
use crate::error::{Error, Result, disk_full};
use crate::lease::Held;
use crate::model::{NewChunk, Time};

/// Objects removed at the same time.
const PARALLEL_DELETES: usize = 16;

/// How long the removal of an object may take: much less than the lease of garbage collection.
const DELETE_TIMEOUT: Duration = Duration::from_secs(10);

/// Removals that are ended at once.
const CLAIMS: u32 = 500;

/// How often to try an upload that collides with garbage collection.
const PUT_TRIES: u32 = 3;

#[derive(Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    timeout: Duration,
    /// The name under which this store takes the lease of removals.
    holder: String,
    /// One upload at a time ends removals.
    removal: tokio::sync::Mutex<()>,
}

impl Objects {
    pub(super) fn open(options: &Options) -> Result<Self> {
        let (store, prefix) = open_objects(options)?;
        let holder = format!("chunks {}", uuid::Uuid::new_v4());
        Ok(Self { store, prefix, timeout: options.timeout, holder, removal: tokio::sync::Mutex::default() })
    }

    pub(super) async fn get(&self, id: &ChunkId) -> Result<Option<Bytes>> {
        let path = self.path(id);
        let read = async { self.store.get(&path).await?.bytes().await };
        found(self.in_time(read).await)
    }

    pub(super) async fn size(&self, id: &ChunkId) -> Result<Option<u64>> {
        let path = self.path(id);
        match self.in_time(self.store.head(&path)).await {
            Ok(head) => Ok(Some(head.size)),
            // The answer to HEAD does not tell whether the object or the whole bucket is gone.
            Err(object_store::Error::NotFound { .. }) => Ok(self.get(id).await?.map(|bytes| bytes.len() as u64)),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the object first, then the row.
    pub(super) async fn put(
        &self,
        db: &Arc<dyn Db>,
        checker: &Checker,
        mut chunk: NewChunk,
        stored: Bytes,
    ) -> Result<PutOutcome> {
        for _ in 0..PUT_TRIES {
            chunk.stored_size = self.put_object(checker, &chunk, &stored).await?;
            match db.put_chunk(&chunk, None).await? {
                None if self.end_removal(db).await? => {}
                None => return Err(deleting()),
                Some(true) if self.size(&chunk.id).await? == Some(chunk.stored_size) => {
                    return Ok(PutOutcome::New);
                }
                // Another upload may have made the row live just now, without having checked the object yet.
                Some(false) if self.size(&chunk.id).await?.is_some() => return Ok(PutOutcome::There),
                // A late removal has taken the object. The row is live now, so no other will follow.
                Some(_) => {}
            }
        }
        Err(deleting())
    }

    /// Ends a removal that was begun by a process that is gone. Returns whether nothing is being removed any more: not
    /// while another process has the lease.
    async fn end_removal(&self, db: &Arc<dyn Db>) -> Result<bool> {
        let _alone = self.removal.lock().await;
        let Some(lease) = Held::take(db, LEASE, &self.holder).await? else { return Ok(false) };
        loop {
            let claimed = db.claim(Time(i64::MIN), CLAIMS).await?;
            if claimed.is_empty() {
                break;
            }
            let gone = self.remove(claimed, &|| lease.is_held()).await;
            db.forget(&gone).await?;
            if gone.is_empty() {
                break;
            }
        }
        lease.give_back().await?;
        Ok(true)
    }

    /// Makes sure that the object exists. Returns its size.
    async fn put_object(&self, checker: &Checker, chunk: &NewChunk, stored: &Bytes) -> Result<u64> {
        let ours = stored.len() as u64;
        if self.write(&chunk.id, stored, PutMode::Create).await? {
            return Ok(ours);
        }
        let theirs = match self.size(&chunk.id).await? {
            Some(size) if size == ours => return Ok(size),
            Some(_) => self.get(&chunk.id).await?,
            None => None,
        };
        // The existing object may be compressed differently, which is fine if it is the same chunk.
        if let Some(theirs) = theirs {
            let size = theirs.len() as u64;
            if checker.is_sound(chunk.id, theirs).await {
                return Ok(size);
            }
            tracing::warn!(event = "chunk_replaced", id = %chunk.id, "replacing a damaged chunk in the store");
        }
        self.write(&chunk.id, stored, PutMode::Overwrite).await?;
        Ok(ours)
    }

    /// Returns whether the object was written: [`PutMode::Create`] does not replace an existing one.
    async fn write(&self, id: &ChunkId, stored: &Bytes, mode: PutMode) -> Result<bool> {
        let path = self.path(id);
        let put = self.store.put_opts(&path, stored.clone().into(), mode.into());
        match self.in_time(put).await {
            Ok(_) => Ok(true),
            // S3 answers with the second when the same object is being created concurrently.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(error) if is_full(&error) => Err(disk_full()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes objects for as long as it may. Returns those that are gone now.
    pub(super) async fn remove(&self, ids: Vec<ChunkId>, may_remove: &(dyn Fn() -> bool + Sync)) -> Vec<ChunkId> {
        let removals = ids.into_iter().map(async |id| {
            if !may_remove() {
                return None;
            }
            let path = self.path(&id);
            let gone = match tokio::time::timeout(DELETE_TIMEOUT, self.store.delete(&path)).await {
                Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => true,
                Ok(Err(error)) => {
                    tracing::warn!(event = "chunk_not_removed", %id, %error, "cannot remove a chunk");
                    false
                }
                Err(_) => {
                    tracing::warn!(event = "chunk_not_removed", %id, "cannot remove a chunk in time");
                    false
                }
            };
            gone.then_some(id)
        });
        futures_util::stream::iter(removals)
            .buffer_unordered(PARALLEL_DELETES)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    fn path(&self, id: &ChunkId) -> Path {
        let path = id.store_path();
        path.split('/').fold(self.prefix.clone(), Path::join)
    }

    /// Limits the time of a request with all its retries. The client's own limits apply to each try.
    async fn in_time<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(elapsed) => Err(object_store::Error::Generic { store: "chunks", source: elapsed.into() }),
        }
    }
}

/// Opens the folder or the bucket. Returns it with the prefix of all its objects.
pub(crate) fn open_objects(options: &Options) -> Result<(Arc<dyn ObjectStore>, Path)> {
    open_with(options, 3)
}

/// The same for requests that are to fail soon: what they find is wanted now.
pub(super) fn open_for_probes(options: &Options, timeout: Duration) -> Result<(Arc<dyn ObjectStore>, Path)> {
    open_with(&Options { timeout, ..options.clone() }, 0)
}

fn open_with(options: &Options, retries: usize) -> Result<(Arc<dyn ObjectStore>, Path)> {
    match &options.location {
        StorageLocation::Database => Err(Error::internal("the database is not an object store")),
        StorageLocation::Folder(folder) => {
            let refuse = |reason: &dyn std::fmt::Display| {
                let hint = "Mount that folder, let the user of the server write to it, or name another with `--chunks`";
                Error::config(format!("the chunks in {}: {reason}", folder.display()), hint)
            };
            std::fs::create_dir_all(folder).map_err(|e| refuse(&vsekai_updater::text::system_reason(&e)))?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(|e| refuse(&e))?;
            Ok((Arc::new(store.with_fsync(true)), Path::default()))
        }
        StorageLocation::S3 { bucket, prefix } => {
            Ok((Arc::new(open_s3(bucket, options, retries)?), Path::from(prefix.as_str())))
        }
    }
}

fn open_s3(bucket: &str, options: &Options, max_retries: usize) -> Result<object_store::aws::AmazonS3> {
    let retries = RetryConfig { backoff: BackoffConfig::default(), max_retries, retry_timeout: options.timeout };
    let client = ClientOptions::new()
        .with_timeout(options.timeout)
        .with_connect_timeout(options.timeout.min(Duration::from_secs(5)));
    let mut builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(retries)
        .with_conditional_put(S3ConditionalPut::ETagMatch);
    for (name, value) in &options.s3 {
        // Orchestrators and AWS's own tools set many variables that do not concern a store.
        if let Ok(key) = name.parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        } else {
            tracing::debug!(name, "this variable is passed over: it is no setting of an S3 store");
        }
    }
    let store = builder.with_bucket_name(bucket).build();
    let hint =
        "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and AWS_ENDPOINT for other services than AWS";
    store.map_err(|e| Error::config(format!("the chunks in s3://{bucket}: {e}"), hint))
}

/// Whether the disk of the store has no room left.
pub(super) fn is_full(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let full = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded];
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| full.contains(&error.kind())) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn found<T>(result: object_store::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
