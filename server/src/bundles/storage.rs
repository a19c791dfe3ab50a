//! The bytes of bundles: parts in the database, or objects next to the chunks, at `bundles/<id>`.
//!
//! They are read in pieces, each while the previous one is being sent: a slow client occupies the memory of two pieces,
//! and no connection to the store.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vsekai_updater::digest::Digest;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncReadExt as _;

use crate::chunks::{self, StorageLocation};
use crate::db::Db;
use crate::error::{Error, Result};

/// Size of a part in the database. It can never change, because stored bundles depend on it.
const PART_BYTES: u64 = 256 << 10;

/// Parts that are read before they are written: 4 MiB.
const PARTS_AT_ONCE: usize = 16;

/// Parts removed in one transaction.
const PARTS_REMOVED: u32 = 256;

/// How much of an object is read at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Size of a part in an upload. S3 accepts no less than 5 MiB, and some stores want all parts of the same size.
const UPLOAD_BYTES: u64 = 8 << 20;

/// How long the removal of an object may take: much less than the lease of garbage collection.
const DELETE_TIMEOUT: Duration = Duration::from_secs(10);

/// The bytes of a bundle, piece by piece.
pub type Pieces = BoxStream<'static, Result<Bytes>>;

#[derive(Debug, Clone)]
pub(super) enum Storage {
    InDatabase(Arc<dyn Db>),
    AsObjects { store: Arc<dyn ObjectStore>, prefix: ObjectPath, timeout: Duration },
}

impl Storage {
    pub(super) fn open(db: Arc<dyn Db>, options: &chunks::Options) -> Result<Self> {
        if options.location == StorageLocation::Database {
            return Ok(Self::InDatabase(db));
        }
        let (store, prefix) = chunks::open_objects(options)?;
        Ok(Self::AsObjects { store, prefix: prefix.join("bundles"), timeout: options.timeout })
    }

    /// Stores a whole file, replacing what an earlier try has left.
    pub(super) async fn put(&self, id: &Digest, length: u64, file: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Error::internal_by(format!("reading {}", file.display()))(error);
        let mut input = tokio::fs::File::open(file).await.map_err(failed)?.take(length);
        match self {
            Self::InDatabase(db) => {
                self.remove(id).await?;
                let mut first = 0;
                loop {
                    let mut parts = Vec::new();
                    while parts.len() < PARTS_AT_ONCE
                        && let Some(part) = next(&mut input, PART_BYTES).await.map_err(failed)?
                    {
                        parts.push(part);
                    }
                    if parts.is_empty() {
                        return Ok(());
                    }
                    db.put_bundle_parts(id, first, &parts).await?;
                    first += parts.len() as u64;
                }
            }
            Self::AsObjects { store, timeout, .. } => {
                let path = self.path(id);
                let mut upload = in_time(*timeout, store.put_multipart(&path)).await?;
                let sent = async {
                    while let Some(part) = next(&mut input, UPLOAD_BYTES).await.map_err(failed)? {
                        in_time(*timeout, upload.put_part(part.into())).await?;
                    }
                    in_time(*timeout, upload.complete()).await
                };
                let outcome = sent.await;
                if outcome.is_err() {
                    // Remains that cannot be removed waste space, but nobody sees them.
                    let _ = in_time(*timeout, upload.abort()).await;
                }
                outcome.map(drop)
            }
        }
    }

    /// The stored length, or `None` if the bundle is not there completely.
    pub(super) async fn size(&self, id: &Digest, length: u64) -> Result<Option<u64>> {
        match self {
            Self::InDatabase(db) => {
                let last = db.bundle_part(id, length.saturating_sub(1) / PART_BYTES).await?;
                let is_whole = last.is_some_and(|last| last.len() as u64 == (length - 1) % PART_BYTES + 1);
                Ok(is_whole.then_some(length))
            }
            Self::AsObjects { store, timeout, .. } => match in_time(*timeout, store.head(&self.path(id))).await {
                Ok(head) => Ok(Some(head.size)),
                Err(Error::ObjectStore(object_store::Error::NotFound { .. })) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    pub(super) async fn read(&self, id: Digest, range: Range<u64>) -> Result<Pieces> {
        let step = match self {
            Self::InDatabase(_) => PART_BYTES,
            Self::AsObjects { .. } => PIECE_BYTES,
        };
        let mut pieces = pieces_of(&range, step);
        let Some(first) = pieces.next() else { return Ok(stream::empty().boxed()) };
        // A failure can be reported only before the response has begun.
        let first = self.piece(&id, first).await?;
        let storage = self.clone();
        let rest = stream::iter(pieces).map(move |range| {
            let storage = storage.clone();
            async move { storage.piece(&id, range).await }
        });
        Ok(stream::once(std::future::ready(Ok(first))).chain(rest.buffered(1)).boxed())
    }

    /// Reads a range that lies within one part.
    async fn piece(&self, id: &Digest, range: Range<u64>) -> Result<Bytes> {
        match self {
            Self::InDatabase(db) => {
                let part = range.start / PART_BYTES;
                let bytes = db.bundle_part(id, part).await?.ok_or(Error::NotFound { what: "bundle" })?;
                let at = |offset: u64| usize::try_from(offset - part * PART_BYTES).unwrap_or(usize::MAX);
                let (start, end) = (at(range.start), at(range.end));
                if end > bytes.len() {
                    return Err(Error::internal(format!("part {part} of bundle {id} is too short")));
                }
                Ok(bytes.slice(start..end))
            }
            Self::AsObjects { store, timeout, .. } => {
                match in_time(*timeout, store.get_range(&self.path(id), range)).await {
                    Err(Error::ObjectStore(object_store::Error::NotFound { .. })) => {
                        Err(Error::NotFound { what: "bundle" })
                    }
                    outcome => outcome,
                }
            }
        }
    }

    pub(super) async fn remove(&self, id: &Digest) -> Result<()> {
        match self {
            Self::InDatabase(db) => remove_parts(db, id).await,
            Self::AsObjects { store, .. } => match in_time(DELETE_TIMEOUT, store.delete(&self.path(id))).await {
                Ok(()) | Err(Error::ObjectStore(object_store::Error::NotFound { .. })) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    fn path(&self, id: &Digest) -> ObjectPath {
        match self {
            Self::InDatabase(_) => ObjectPath::default(),
            Self::AsObjects { prefix, .. } => prefix.clone().join(id.to_string()),
        }
    }
}

/// Removes the parts of a bundle from the database.
pub(super) async fn remove_parts(db: &Arc<dyn Db>, id: &Digest) -> Result<()> {
    while db.remove_bundle_parts(id, PARTS_REMOVED).await? == u64::from(PARTS_REMOVED) {}
    Ok(())
}

/// Cuts a range at the multiples of `step`.
fn pieces_of(range: &Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> + Send + 'static {
    let Range { start, end } = *range;
    let steps = if start < end { start / step..end.div_ceil(step) } else { 0..0 };
    steps.map(move |at| start.max(at * step)..end.min((at + 1) * step))
}

/// Reads up to this many bytes of a file; `None` at its end.
async fn next(input: &mut tokio::io::Take<tokio::fs::File>, bytes: u64) -> std::io::Result<Option<Bytes>> {
    let mut part = Vec::with_capacity(usize::try_from(bytes.min(input.limit())).unwrap_or_default());
    (&mut *input).take(bytes).read_to_end(&mut part).await?;
    Ok((!part.is_empty()).then(|| part.into()))
}

/// Limits the time of a request with all its retries. The client's own limits apply to each try.
async fn in_time<T>(timeout: Duration, work: impl Future<Output = object_store::Result<T>>) -> Result<T> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => Ok(result?),
        Err(elapsed) => Err(object_store::Error::Generic { store: "bundles", source: elapsed.into() }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_range_and_cross_no_border() {
        for (start, end) in [(0, 0), (0, 1), (0, 10), (0, 11), (3, 9), (9, 10), (10, 11), (7, 42), (20, 30)] {
            let pieces: Vec<_> = pieces_of(&(start..end), 10).collect();
            let joined: Vec<u64> = pieces.iter().cloned().flatten().collect();
            assert_eq!(joined, (start..end).collect::<Vec<_>>());
            assert!(pieces.iter().all(|it| it.start / 10 == (it.end - 1) / 10), "{pieces:?}");
        }
    }
}
