//! The unsigned part of a repository in a bucket: chunks and bundles.

use std::collections::HashSet;
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use super::repository::BucketRepository;
use super::uplink::{self, Uplink};
use crate::error::Result;
use crate::formats::bundle::{BundleInfo, ChunkSource, name_of};
use crate::formats::chunk::{ChunkId, CompressedChunk, DigestAlgorithm};
use crate::formats::index::Index;
use crate::formats::release::DEFAULT_STORE;
use crate::limits;
use crate::local::disk;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::store::prune::Pruned;
use crate::local::store::{LocalStore, StoreEntry};
use crate::net::bucket::{Bucket, Condition, MAX_PARALLEL};
use crate::net::publish::bundles::{BundleStore, Nearby, lacking};

/// How long a chunk that no publication used stays in the cache.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// From this number of chunks on, a list of the store is tried before each is looked for.
const MANY: usize = 100;

/// How many entries of that list one look is worth.
const LISTED_FOR_EACH: usize = 20;

/// The path of a chunk below the root of the repository.
pub(super) fn chunk_path(id: &ChunkId) -> String {
    format!("{DEFAULT_STORE}/{}", id.store_path())
}

/// The chunks in a bucket, with a cache on this machine.
pub(super) struct BucketChunks<'a> {
    bucket: &'a Bucket,
    cache: LocalStore,
    /// A cache for this publication only, removed on drop.
    scratch: Option<PathBuf>,
}

impl Drop for BucketChunks<'_> {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch {
            // Whatever is left is in the system's folder for temporary files.
            let _ = disk::remove_all(scratch);
        }
    }
}

impl<'a> BucketChunks<'a> {
    pub(super) fn open(place: &'a BucketRepository, scratch: &Path) -> Result<Self> {
        if let Some(cache) = &place.cache {
            return Ok(Self { bucket: &place.bucket, cache: LocalStore::create(cache)?, scratch: None });
        }
        let scratch = scratch.join(format!(".publish-{:016x}", fastrand::u64(..)));
        disk::make_private_directory(&scratch)?;
        Ok(Self { bucket: &place.bucket, cache: LocalStore::open(&scratch)?, scratch: Some(scratch) })
    }

    /// A chunk from the cache, or from the bucket.
    pub(super) fn get(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>> {
        if let Some(found) = self.cache.get(&wanted.id, wanted.max_stored_bytes())? {
            return Ok(Some(found));
        }
        let found = self.bucket.read(&chunk_path(&wanted.id), wanted.max_stored_bytes())?;
        Ok(found.map(|bytes| CompressedChunk::new(wanted.id, bytes)))
    }

    /// Which of these chunks the bucket has.
    pub(super) fn present(&self, wanted: &[WantedChunk]) -> Result<Vec<bool>> {
        let paths = || wanted.iter().map(|want| chunk_path(&want.id));
        if wanted.len() < MANY {
            return self.bucket.present(paths().collect());
        }
        // Looking for each takes longer than a list of all, unless the store is much larger than this version.
        let most = wanted.len().saturating_mul(LISTED_FOR_EACH);
        let listed = self.bucket.list(DEFAULT_STORE, most)?;
        let is_all = listed.len() < most;
        let listed: HashSet<String> = listed.into_iter().map(|entry| entry.path).collect();
        let rest = if is_all { Vec::new() } else { paths().filter(|path| !listed.contains(path)).collect() };
        let mut rest = self.bucket.present(rest)?.into_iter();
        Ok(paths().map(|path| listed.contains(&path) || rest.next().unwrap_or(false)).collect())
    }

    /// Reads chunks of `old` that `new` lacks into the cache.
    pub(super) fn bring_back(&self, old: &Index, new: &Index) -> Result<()> {
        self.bring(&lacking(old, new))
    }

    /// Reads chunks into the cache, those that it lacks.
    fn bring(&self, wanted: &[WantedChunk]) -> Result<()> {
        let mut missing = Vec::new();
        for want in wanted {
            if !self.cache.touch(&want.id)? {
                missing.push((chunk_path(&want.id), want.max_stored_bytes()));
            }
        }
        self.bucket.read_all(missing, |path, bytes| {
            chunk_id(&path).map_or(Ok(()), |id| self.cache.put(&CompressedChunk::new(id, bytes)))
        })
    }

    /// Removes what no publication has used for a while. A cache is no reason to fail.
    pub(super) fn forget_old(&self) {
        for entry in self.cache.entries().unwrap_or_default() {
            let (StoreEntry::Chunk { path, .. } | StoreEntry::Leftover { path }) = entry;
            let used = path.metadata().and_then(|found| found.modified());
            if used.is_ok_and(|used| SystemTime::now().duration_since(used).unwrap_or_default() > KEPT) {
                let _ = disk::remove_file(&path);
            }
        }
    }
}

/// Gives the paths of the chunks that are not `needed`, and written before `grace`, to `remove`, page by page.
pub(super) fn prune(
    bucket: &Bucket,
    needed: &HashSet<ChunkId>,
    grace: Duration,
    mut remove: impl FnMut(Vec<String>) -> Result<()>,
) -> Result<Pruned> {
    let (mut pruned, now) = (Pruned::default(), SystemTime::now());
    bucket.visit(DEFAULT_STORE, |entries| {
        let mut gone = Vec::new();
        for entry in entries {
            // Others keep files of their own in a bucket, too.
            let Some(id) = chunk_id(&entry.path) else { continue };
            if needed.contains(&id) {
                pruned.kept += 1;
            } else if now.duration_since(entry.modified).unwrap_or_default() < grace {
                pruned.too_young += 1;
            } else {
                pruned.removed += 1;
                pruned.removed_bytes += entry.length;
                gone.push(entry.path);
            }
        }
        remove(gone)
    })?;
    Ok(pruned)
}

fn chunk_id(path: &str) -> Option<ChunkId> {
    let id = path.rsplit('/').next()?.strip_suffix(".cacnk")?.parse().ok()?;
    (chunk_path(&id) == path).then_some(id)
}

impl Uplink for BucketChunks<'_> {
    fn put(&self, chunk: CompressedChunk) -> uplink::Request {
        // A full disk costs the next publication some requests.
        let _ = self.cache.put(&chunk);
        let bucket = self.bucket.clone();
        let path = chunk_path(&chunk.id());
        Box::pin(async move { bucket.put(path, chunk.into_bytes().into(), Condition::Always).await.map(drop) })
    }

    fn max_parallel(&self) -> usize {
        MAX_PARALLEL
    }

    fn run(&self, work: Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>) -> Result<()> {
        self.bucket.block_on(work)
    }
}

/// The bundles in a bucket.
pub(super) struct BucketBundles<'a> {
    pub(super) chunks: &'a BucketChunks<'a>,
    /// The new version on this machine.
    pub(super) sources: &'a Sources,
    pub(super) scratch: &'a Path,
}

impl BundleStore for BucketBundles<'_> {
    /// Reads back only what the new version, which is here, does not have.
    fn prepare(&self, old: &Index, new: &Index) -> Result<()> {
        self.chunks.bring_back(old, new)
    }

    fn chunks(&self, digest: DigestAlgorithm) -> Box<dyn ChunkSource + '_> {
        Box::new(Nearby::new(self.sources, &self.chunks.cache, digest))
    }

    fn scratch(&self) -> Result<PathBuf> {
        Ok(self.scratch.to_owned())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.chunks.bucket.read(name, limits::MAX_DOCUMENT_BYTES)
    }

    fn present(&self, names: Vec<String>) -> Result<Vec<bool>> {
        self.chunks.bucket.present(names)
    }

    fn place(&self, file: &File, temporary: &Path, info: &BundleInfo) -> Result<()> {
        self.chunks.bucket.send(&name_of(&info.id), file, temporary)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.chunks.bucket.write(name, bytes, &Condition::Always).map(drop)
    }

    fn files(&self) -> Result<Vec<(String, SystemTime)>> {
        let entries = self.chunks.bucket.list("bundles", usize::MAX)?;
        Ok(entries.into_iter().map(|entry| (entry.path, entry.modified)).collect())
    }

    fn remove(&self, names: Vec<String>) -> Result<()> {
        self.chunks.bucket.remove(names)
    }
}
