//! Builds the missing or improvable bundles of a version, and writes their list last. Nothing is signed, so this can be
//! repeated at any time without a key.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::check::Job;
use super::history::{self, History};
use super::{Bundles, Bundling, LeftOut};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::bundle::{BundleInfo, BundleList, ChunkSource, list_name, name_of};
use crate::formats::chunk::{ChunkId, Compressor, DigestAlgorithm};
use crate::formats::index::{Index, IndexChunk};
use crate::formats::release::{Catalog, FileTable, Release, target_name};
use crate::local::bundle_builder::{Side, StoreSource, build};
use crate::local::disk;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::store::LocalStore;
use crate::path::RelPath;
use crate::version::Version;

/// The bundles of a repository, and the chunks that they are built from.
pub(super) trait BundleStore {
    /// Makes sure that [`Self::chunks`] has all chunks of both versions at hand.
    fn prepare(&self, old: &Index, new: &Index) -> Result<()>;

    /// The chunks of a version.
    fn chunks(&self, digest: DigestAlgorithm) -> Box<dyn ChunkSource + '_>;

    /// A folder for temporary files.
    fn scratch(&self) -> Result<PathBuf>;

    /// Reads a list of bundles, by its path below the repository.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Which of these files exist.
    fn present(&self, names: Vec<String>) -> Result<Vec<bool>>;

    /// Moves a complete bundle to its place, or sends it there.
    fn place(&self, file: &File, temporary: &Path, info: &BundleInfo) -> Result<()>;

    /// Replaces a list of bundles.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// All files below `bundles/`, and when they were written.
    fn files(&self) -> Result<Vec<(String, SystemTime)>>;

    /// Removes files, also if they are gone already.
    fn remove(&self, names: Vec<String>) -> Result<()>;

    /// Whether deltas are wanted that save too little, because they would be built there otherwise.
    fn wants_all(&self) -> bool {
        false
    }
}

/// How long a replaced bundle is kept for clients that are downloading it.
const GRACE: Duration = Duration::from_hours(24);

/// The most that a delta may take of what its players would download without it, in percent. More than that is not worth
/// the room in the repository.
const MAX_PERCENT: u64 = 90;

/// The level that chunks are stored with, unless the publisher chose another one.
const USUAL_LEVEL: i32 = 3;

/// The parts of a version from which bundles are built.
pub(super) struct Subject {
    pub(super) index: Index,
    pub(super) table: FileTable,
    pub(super) mutable: Vec<RelPath>,
}

impl Subject {
    pub(super) fn of(past: &dyn History, release: &Release) -> Result<Option<Self>> {
        let (Some(index), Some(table)) = (past.target(&release.index.path)?, past.target(&release.files.path)?) else {
            return Ok(None);
        };
        let index = Index::parse(&index)?;
        let table = FileTable::parse(&table, &index)?;
        Ok(Some(Self { index, table, mutable: release.mutable.clone() }))
    }

    fn is_mutable(&self, node: usize) -> bool {
        let path = self.table.layout().nodes().get(node).and_then(|node| node.path.as_ref());
        path.is_some_and(|path| self.mutable.contains(path))
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.index.to_bytes())
    }
}

/// The chunks of the new version in its tree, and those of older versions in a cache.
pub(super) struct Nearby<'a> {
    sources: &'a Sources,
    stores: Vec<(&'a LocalStore, StoreSource<'a>)>,
    digest: DigestAlgorithm,
}

impl<'a> Nearby<'a> {
    pub(super) fn new(sources: &'a Sources, cache: &'a LocalStore, digest: DigestAlgorithm) -> Self {
        let stores = sources.stores.iter().chain([cache]);
        let stores = stores.map(|store| (store, StoreSource::new(store, digest))).collect();
        Self { sources, stores, digest }
    }
}

impl ChunkSource for Nearby<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        for seed in &self.sources.seeds {
            if let Some(found) = seed.read(&chunk.id, Vec::new())?
                && let Ok(plain) = found.verify(self.digest)
            {
                buffer.extend_from_slice(plain.as_bytes());
                return Ok(());
            }
        }
        match self.stores.iter().find(|(store, _)| store.has(&chunk.id)) {
            Some((_, source)) => source.append(chunk, buffer),
            None => Err(Error::ChunkMissing { id: chunk.id, origins: "the repository and the build".to_owned() }),
        }
    }
}

/// The chunks of `old` that `new` lacks, each once.
pub(super) fn lacking(old: &Index, new: &Index) -> Vec<WantedChunk> {
    let mut seen: HashSet<ChunkId> = new.iter().map(|chunk| chunk.id).collect();
    let lacking = old.iter().filter(|chunk| seen.insert(chunk.id));
    lacking.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect()
}

/// Builds the missing bundles. Returns those that were added to the list, and those that save too little.
pub(super) fn make(
    job: &Job<'_>,
    bundling: Bundling,
    store: &dyn BundleStore,
    (past, catalog): (&dyn History, &Catalog),
    new: &Subject,
    monitor: &Monitor,
) -> Result<Bundles> {
    let to = new.digest();
    let name = list_name(&to);
    let known = store.read(&name)?.and_then(|bytes| BundleList::parse(&bytes).ok());
    let mut list = known.unwrap_or_else(|| BundleList::new(Vec::new()));
    let mut is_there = store.present(list.bundles.iter().map(|info| name_of(&info.id)).collect())?.into_iter();
    list.bundles.retain(|_| is_there.next().unwrap_or(false));
    let is_missing = |list: &BundleList, old: Option<&Subject>| {
        let from = old.map(Subject::digest);
        list.find(from.as_ref()).is_none_or(|info| info.effort < bundling.effort)
    };
    // First, because deltas have to be better.
    let mut full = None;
    if is_missing(&list, None) {
        let info = make_one(store, new, None, bundling, &|_| true, monitor)?;
        full = info.ok().inspect(|info| list.put(info.clone()));
    }
    let full_bytes = list.find(None).map_or(u64::MAX, |info| info.length);
    let mut made = Bundles::default();
    let mut stored = StoredSizes::default();
    for (version, old) in olds(job, bundling.deltas, past, catalog, to)? {
        if !is_missing(&list, Some(&old)) {
            continue;
        }
        let instead_bytes = if store.wants_all() {
            u64::MAX
        } else {
            full_bytes.min(stored.of_update(store, &old.index, &new.index, monitor)?)
        };
        let is_worthwhile = |length: u64| length <= instead_bytes.saturating_mul(MAX_PERCENT) / 100;
        match make_one(store, new, Some(&old), bundling, &is_worthwhile, monitor)? {
            Ok(info) => {
                list.put(info.clone());
                made.built.push(info);
            }
            Err(length) => made.left_out.push(LeftOut { from: version, length, instead_bytes }),
        }
    }
    made.built.extend(full);
    if !made.built.is_empty() {
        store.write(&name, &list.to_bytes()?)?;
    }
    Ok(made)
}

/// What chunks take in a store, as far as anybody had to know: compressed here, because a bucket would have to be asked for
/// each of them.
#[derive(Default)]
struct StoredSizes {
    bytes: HashMap<ChunkId, u64>,
}

impl StoredSizes {
    /// What a player who has `old` downloads for `new` chunk by chunk.
    fn of_update(&mut self, store: &dyn BundleStore, old: &Index, new: &Index, monitor: &Monitor) -> Result<u64> {
        let chunks = store.chunks(new.digest());
        let mut compressor = Compressor::new(USUAL_LEVEL)?;
        let mut seen: HashSet<ChunkId> = old.iter().map(|chunk| chunk.id).collect();
        let (mut sum, mut plain) = (0, Vec::new());
        for chunk in new.iter().filter(|chunk| seen.insert(chunk.id)) {
            monitor.cancel.check()?;
            let known = self.bytes.get(&chunk.id).copied();
            let bytes = if let Some(bytes) = known {
                bytes
            } else {
                plain.clear();
                chunks.append(chunk, &mut plain)?;
                compressor.compress_as(chunk.id, &plain)?.as_bytes().len() as u64
            };
            self.bytes.insert(chunk.id, bytes);
            sum += bytes;
        }
        Ok(sum)
    }
}

/// The newest other versions, without duplicate content.
fn olds(
    job: &Job<'_>,
    most: usize,
    past: &dyn History,
    catalog: &Catalog,
    to: Digest,
) -> Result<Vec<(Version, Subject)>> {
    let mut seen: HashSet<Digest> = [to].into();
    let mut olds = Vec::new();
    for before in history::versions(past, catalog, job) {
        let before = before?;
        if olds.len() == most {
            break;
        }
        if let Some(old) = Subject::of(past, &before)?
            && seen.insert(old.digest())
        {
            olds.push((before.version, old));
        }
    }
    Ok(olds)
}

/// Builds one bundle and puts it into its place, if one of its length is wanted; otherwise returns its length.
fn make_one(
    store: &dyn BundleStore,
    new: &Subject,
    old: Option<&Subject>,
    bundling: Bundling,
    is_wanted: &dyn Fn(u64) -> bool,
    monitor: &Monitor,
) -> Result<std::result::Result<BundleInfo, u64>> {
    let scratch = store.scratch()?;
    store.prepare(old.map_or(&new.index, |old| &old.index), &new.index)?;
    let chunks = store.chunks(new.index.digest());
    let old_chunks = old.map(|old| store.chunks(old.index.digest()));
    let new_mutable = |node: usize| new.is_mutable(node);
    let old_mutable = |node: usize| old.is_some_and(|old| old.is_mutable(node));
    let side = Side { index: &new.index, table: &new.table, chunks: &*chunks, is_mutable: &new_mutable };
    let old_side = match (old, &old_chunks) {
        (Some(old), Some(chunks)) => {
            Some(Side { index: &old.index, table: &old.table, chunks: &**chunks, is_mutable: &old_mutable })
        }
        _ => None,
    };
    let temporary = disk::temporary_beside(&scratch.join("new"));
    let mut file = disk::create(&temporary)?;
    let built = build(side, old_side, bundling.effort, &scratch, &mut file, monitor);
    let placed = built.and_then(|built| {
        if !is_wanted(built.info.length) {
            return Ok(Err(built.info.length));
        }
        store.place(&file, &temporary, &built.info)?;
        Ok(Ok(built.info))
    });
    // Gone if it was moved to its place. The error that stopped the build is the one to report.
    let _ = disk::remove_file(&temporary);
    placed
}

/// Removes bundles that no list names, and lists of versions that are not in `kept`. Files younger than [`GRACE`] are
/// kept, because clients may be downloading them.
pub(super) fn clean(store: &dyn BundleStore, kept: impl FnOnce() -> Result<HashSet<Digest>>) -> Result<()> {
    let files = store.files()?;
    let now = SystemTime::now();
    let is_old = |written: &SystemTime| now.duration_since(*written).unwrap_or_default() > GRACE;
    if !files.iter().any(|(_, written)| is_old(written)) {
        return Ok(());
    }
    let mut named: HashSet<String> = HashSet::new();
    for to in kept()? {
        let name = list_name(&to);
        if let Some(bytes) = store.read(&name)? {
            named.insert(name);
            let list = BundleList::parse(&bytes).unwrap_or_default();
            named.extend(list.bundles.iter().map(|info| name_of(&info.id)));
        }
    }
    let gone = files.into_iter().filter(|(name, written)| !named.contains(name) && is_old(written));
    store.remove(gone.map(|(name, _)| name).collect())
}

/// The versions on offer, by the digest of their content.
pub(super) fn kept(past: &dyn History, catalog: &Catalog) -> Result<HashSet<Digest>> {
    let mut kept = HashSet::new();
    for (name, mode) in &catalog.modes {
        for offer in &mode.versions {
            for platform in &offer.platforms {
                let target = target_name(name, &offer.version, platform, "release.json");
                let release = past.target(&target)?.and_then(|bytes| Release::parse(&bytes, None).ok());
                kept.extend(release.map(|release| release.content()));
            }
        }
    }
    Ok(kept)
}
