//! Publishes to a bucket of an S3-compatible service, without a local copy of the repository.
//!
//! ```text
//! read      tuf/timestamp.json (and its tag), tuf/current.pack, and what that lacks
//! lock      locks/publish-*: no clean-up removes chunks until the end
//! send      the chunks that no published index names and the bucket lacks
//! bundles   chunks of older versions that the new one lacks are read back, or come from the cache
//! commit    targets and metadata under new names, then tuf/timestamp.json if its tag is still the same
//! ```
//!
//! A kill at any point leaves the repository in its old or new state. Of two publishers at the same time, the one
//! whose timestamp comes second starts its commit again, on top of the first.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use super::build::{self, BuildContext, Built, ChunkOutlet, Gathered, NewChunks, Reference};
use super::bundles::{self, Subject};
use super::check::Job;
use super::documents::{self, Documents};
use super::history::{self, History as _};
use super::prepared::{Ending, Prepared};
use super::prune::{chunks_of, offered_indexes};
use super::rehearsal::{Place, Rehearsal};
use super::upload;
use super::{Bundles, Look, Published, Request};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::formats::release::{CATALOG_TARGET, Catalog, Mode, ModeName, Release};
use crate::local::acquire::DigestChoice;
use crate::local::sources::{Sources, WantedChunk};
use crate::local::store::prune::Pruned;
use crate::net::trust::{CATALOG_ROLE, Committed, Keys, Publication, RoleValidity};

mod chunks;
mod lock;
mod repository;
mod uplink;

use chunks::{BucketBundles, BucketChunks};
use lock::{Lock, Purpose};
pub use repository::BucketRepository;
use repository::{Conflict, Repository};

/// Most attempts to commit while other publishers are faster.
const MAX_COMMITS: u32 = 12;

/// Half the longest pause before the second attempt; grows with each further one.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn publish(
    request: &Request,
    place: &BucketRepository,
    ending: Ending,
    monitor: &Monitor,
) -> Result<(Published, Option<Prepared>)> {
    let keys = Keys::open(&request.keys)?;
    let gathered = build::gather(request, &request.scratch, None, monitor)?;
    let mut job = Job::check(request, &gathered, monitor)?;
    if ending == Ending::Prepare {
        let found = Repository::look(&place.bucket, &keys, HashSet::new())?;
        if found.is_new() || found.publication.published_version(request.mode.as_str()).is_none() {
            return Err(Ending::begin_first());
        }
    }
    let past = Repository::open(&place.bucket, &keys, HashSet::new())?;
    past.publication.check_not_expired()?;
    let chunks = BucketChunks::open(place, &request.scratch)?;
    let past = past.with_chunks(&chunks);
    let before = history::latest(&past, &past.catalog, &job)?;
    job.compare(&gathered, &past, (&past.catalog, before.as_ref()), monitor)?;
    let there = history::same(&past, &job)?;
    let there_index = there.as_ref().map(|there| history::index_of(&past, there)).transpose()?;
    let same = there.as_ref().zip(there_index.as_ref());
    let same = same.map(|(there, index)| Reference { chunking: &there.chunking, index });
    let reference = same.or_else(|| before.as_ref().map(Into::into));
    let (cut, lock) = std::thread::scope(|scope| {
        let lock = || Lock::take(&place.bucket, Purpose::Publish, monitor);
        let lock = there.is_none().then(|| scope.spawn(lock));
        let cut = build::cut(request, gathered, &BuildContext { chunks: ChunkOutlet::None, reference }, monitor);
        let lock = lock.map(|lock| lock.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok::<_, Error>((cut?, lock.transpose()?))
    })?;
    let known = there_index.as_ref().into_iter().chain(before.as_ref().map(|before| &before.index));
    let known = known.flat_map(Index::iter).map(|chunk| chunk.id).collect();
    if let Some(there) = &there {
        documents::as_before(&job, there, &cut.index, cut.chunking())?;
        documents::check_terms(&past.catalog, &job)?;
    }
    let (sources, digest) = cut.sources()?;
    let built = cut.hash(monitor)?;
    let mut order = Order { job, keys: &keys, place, chunks: &chunks, lock, monitor, built, sources, digest, ending };
    let new = match &there {
        Some(_) => NewChunks::default(),
        None => order.exchange(&known, before.as_ref().map(|before| &before.index))?,
    };
    let bundles = order.make_bundles(&past)?;
    let (published, prepared) = match ending {
        Ending::Prepare if there.is_none() => {
            let (published, prepared) = order.prepare(past, before.as_ref().map(|before| &before.release), new)?;
            (published, Some(prepared))
        }
        _ => (order.commit(past, there.as_ref(), new)?, None),
    };
    chunks.forget_old();
    Ok((Published { bundles, ..published }, prepared))
}

/// A version that is ready to be sent.
struct Order<'a> {
    job: Job<'a>,
    keys: &'a Keys,
    place: &'a BucketRepository,
    chunks: &'a BucketChunks<'a>,
    /// Held if there is something to write.
    lock: Option<Lock>,
    monitor: &'a Monitor,
    built: Built,
    sources: Sources,
    digest: DigestChoice,
    ending: Ending,
}

impl<'a> Order<'a> {
    /// Sends chunks, and at the same time reads back what a delta from the newest version needs.
    fn exchange(&mut self, known: &HashSet<ChunkId>, before: Option<&Index>) -> Result<NewChunks> {
        let chunks = self.chunks;
        let (new, wants_delta) = (self.built.index.clone(), self.job.bundling.is_some());
        std::thread::scope(|scope| {
            let back = before.filter(|_| wants_delta).map(|old| scope.spawn(move || chunks.bring_back(old, &new)));
            let sent = self.send_chunks(known);
            let back = back.map(|back| back.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            let new = sent?;
            back.transpose()?;
            Ok(new)
        })
    }

    /// Sends the chunks that the bucket lacks. Those of `known` are there.
    fn send_chunks(&mut self, known: &HashSet<ChunkId>) -> Result<NewChunks> {
        let (there, missing) = self.look_for_chunks(known)?;
        let sent = self.send(&missing)?;
        let rest = upload::weigh(&self.sources, &there, &self.digest, self.job.level, self.monitor)?;
        self.built.sizes.stored_bytes = sent + rest;
        Ok(NewChunks { count: missing.len() as u64, stored_bytes: sent })
    }

    /// The chunks of the version that the bucket has, and those that it lacks.
    fn look_for_chunks(&self, known: &HashSet<ChunkId>) -> Result<(Vec<WantedChunk>, Vec<WantedChunk>)> {
        let mut seen = HashSet::new();
        let chunks = self.built.index.iter().filter(|chunk| seen.insert(chunk.id));
        let wanted = chunks.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() });
        let (mut there, unknown): (Vec<WantedChunk>, Vec<WantedChunk>) =
            wanted.partition(|want| known.contains(&want.id));
        let is_there = self.chunks.present(&unknown)?;
        let mut missing = Vec::new();
        for (want, is_there) in unknown.into_iter().zip(is_there) {
            if is_there { there.push(want) } else { missing.push(want) }
        }
        Ok((there, missing))
    }

    fn send(&self, missing: &[WantedChunk]) -> Result<u64> {
        uplink::send(self.chunks, &self.sources, missing, &self.digest, self.job.level, self.monitor)
    }

    fn make_bundles(&self, past: &Repository<'_>) -> Result<Bundles> {
        let Some(bundling) = self.job.bundling else { return Ok(Bundles::default()) };
        let (index, table) = (self.built.index.clone(), self.built.table.clone());
        let new = Subject { index, table, mutable: self.job.mutable.clone() };
        let store = BucketBundles { chunks: self.chunks, sources: &self.sources, scratch: &self.job.scratch };
        bundles::make(&self.job, bundling, &store, (past, &past.catalog), &new, self.monitor)
    }

    /// Signs and writes the version, again and again while others are faster.
    fn commit(&self, first: Repository<'a>, there: Option<&Release>, new: NewChunks) -> Result<Published> {
        let mut repository = first;
        if let Some(there) = there {
            repository.refresh_pack()?;
            return self.was_there(&repository, there);
        }
        let mut taken = HashSet::new();
        for tries in 0..MAX_COMMITS {
            if tries > 0 {
                pause(tries);
                self.monitor.cancel.check()?;
                repository = Repository::open(&self.place.bucket, self.keys, taken.clone())?;
                if let Some(there) = history::same(&repository, &self.job)? {
                    let documents = Documents::of(&self.job, &self.built, there.sequence)?;
                    documents::check_same(&there, &documents.release)?;
                    return self.was_there(&repository, &there);
                }
                // What the other publisher withdrew may have been cleaned up before this one had its lock.
                self.send(&self.look_for_chunks(&HashSet::new())?.1)?;
            }
            self.lock.as_ref().map_or(Ok(()), Lock::check)?;
            match self.try_commit(&mut repository)? {
                Ok((sequence, committed)) => {
                    let published = documents::published(&self.job, &self.built, sequence, new);
                    let roles = repository.publication.validity()?;
                    let repository = repository.with_chunks(self.chunks);
                    let store =
                        BucketBundles { chunks: self.chunks, sources: &self.sources, scratch: &self.job.scratch };
                    bundles::clean(&store, || bundles::kept(&repository, &repository.catalog))?;
                    return Ok(Published { metadata_bytes: committed.metadata_bytes, roles, ..published });
                }
                Err(conflict) => taken.extend(conflict.taken),
            }
        }
        Err(busy(self.place))
    }

    fn try_commit(&self, repository: &mut Repository<'_>) -> Result<Result<(u64, Committed), Conflict>> {
        let (sequence, _) = self.put(repository)?;
        let catalog = repository.catalog.to_bytes()?;
        repository.publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog)?;
        Ok(repository.commit()?.map(|committed| (sequence, committed)))
    }

    /// Puts the version into the list of its mode, and into the catalog.
    fn put(&self, repository: &mut Repository<'_>) -> Result<(u64, Documents)> {
        let (job, publication) = (&self.job, &mut repository.publication);
        let mut catalog = repository.catalog.clone();
        if !catalog.modes.contains_key(&job.mode) {
            publication.add_mode(job.mode.as_str())?;
            catalog.modes.insert(job.mode.clone(), Mode::begin());
        }
        let sequence = catalog.mode(&job.mode)?.sequence + 1;
        let documents = Documents::of(job, &self.built, sequence)?;
        documents.put(publication)?;
        documents::offer(&mut catalog, job, sequence);
        documents::withdraw(&mut catalog, publication, job)?;
        repository.catalog = catalog;
        Ok((sequence, documents))
    }

    /// Stores the documents where nothing names them yet, for somebody else to sign.
    fn prepare(
        &self,
        mut repository: Repository<'_>,
        previous: Option<&Release>,
        new: NewChunks,
    ) -> Result<(Published, Prepared)> {
        let (sequence, documents) = self.put(&mut repository)?;
        let publication = &mut repository.publication;
        let prepared = Prepared::version(&self.job, publication, &documents, previous, None)?;
        publication.write_unlisted()?;
        repository.send_targets()?;
        Ok((documents::published(&self.job, &self.built, sequence, new), prepared))
    }

    fn was_there(&self, repository: &Repository<'_>, there: &Release) -> Result<Published> {
        let published = documents::was_there(there, self.job.findings.clone());
        // Keys and roots of the key folder that the repository lacks.
        if self.ending == Ending::Commit && repository.publication.has_changes() {
            let (committed, roles) = edit(self.place, self.keys, false, None, |_, _| Ok(()))?;
            return Ok(Published { metadata_bytes: committed.metadata_bytes, roles, ..published });
        }
        Ok(Published { roles: repository.publication.validity()?, ..published })
    }
}

/// What a change builds on.
pub(super) struct Found {
    pub(super) catalog: Catalog,
    /// The bytes of the target that was asked for, if it is listed.
    pub(super) target: Option<Vec<u8>>,
}

/// Makes the changes of `change`, again and again while other publishers are faster. Reads the target `name` for it.
/// Only with `may_create` does a place without a repository get one.
pub(super) fn edit(
    place: &BucketRepository,
    keys: &Keys,
    may_create: bool,
    name: Option<&str>,
    change: impl Fn(&mut Publication<'_>, Found) -> Result<()>,
) -> Result<(Committed, Vec<RoleValidity>)> {
    let mut taken = HashSet::new();
    for tries in 0..MAX_COMMITS {
        if tries > 0 {
            pause(tries);
        }
        if !may_create && Repository::look(&place.bucket, keys, HashSet::new())?.is_new() {
            return Err(Error::invalid("repository", format!("there is none in {}", place.bucket)));
        }
        let mut repository = Repository::open(&place.bucket, keys, taken.clone())?;
        let target = name.map(|name| repository.target(name)).transpose()?.flatten();
        let found = Found { catalog: repository.catalog.clone(), target };
        change(&mut repository.publication, found)?;
        repository.publication.check_not_expired()?;
        match repository.commit()? {
            Ok(committed) => return Ok((committed, repository.publication.validity()?)),
            Err(conflict) => taken.extend(conflict.taken),
        }
    }
    Err(busy(place))
}

/// Reads the repository for `read`, and changes nothing.
pub(super) fn with_publication<T>(
    place: &BucketRepository,
    keys: &Keys,
    read: impl FnOnce(&Publication<'_>) -> Result<T>,
) -> Result<T> {
    let found = Repository::look(&place.bucket, keys, HashSet::new())?;
    if found.is_new() {
        return Err(Error::invalid("repository", format!("there is none in {}", place.bucket)));
    }
    read(&found.publication)
}

/// No clean-up removes chunks until this is dropped.
pub(super) fn keep_chunks(place: &BucketRepository, monitor: &Monitor) -> Result<Lock> {
    Lock::take(&place.bucket, Purpose::Publish, monitor)
}

/// How many chunks of the index the bucket lacks.
pub(super) fn count_missing(place: &BucketRepository, index: &Index, scratch: &Path) -> Result<usize> {
    let chunks = BucketChunks::open(place, scratch)?;
    let mut seen = HashSet::new();
    let all = index.iter().filter(|chunk| seen.insert(chunk.id));
    let wanted: Vec<WantedChunk> = all.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
    Ok(chunks.present(&wanted)?.into_iter().filter(|is_there| !is_there).count())
}

/// The bytes of a target; `None` if it is not listed. Changes nothing.
pub(super) fn target(place: &BucketRepository, keys: &Keys, mode: &ModeName, name: &str) -> Result<Option<Vec<u8>>> {
    let found = Repository::look(&place.bucket, keys, HashSet::new())?;
    found.publication.check_mode(mode.as_str())?;
    found.target(name)
}

/// What it offers, and how long the signatures of all roles are valid. Changes nothing.
pub(super) fn look(place: &BucketRepository, keys: &Keys) -> Result<Look> {
    let found = Repository::look(&place.bucket, keys, HashSet::new())?;
    if found.is_new() {
        return Err(Error::invalid("repository", format!("there is none in {}", place.bucket)));
    }
    Ok(Look { roles: found.publication.validity()?, catalog: found.catalog })
}

/// What a publication would do. Changes nothing.
pub(super) fn rehearse(
    place: &BucketRepository,
    keys: &Keys,
    job: Job<'_>,
    gathered: Gathered,
    monitor: &Monitor,
) -> Result<Rehearsal> {
    // Without the cache, which would be made.
    let reading = BucketRepository { bucket: place.bucket.clone(), cache: None };
    let chunks = BucketChunks::open(&reading, &job.scratch)?;
    let mut found = Repository::look(&reading.bucket, keys, HashSet::new())?.with_chunks(&chunks);
    found.publication.check_not_expired()?;
    let is_new = found.publication.published_version(job.mode.as_str()).is_none();
    found.publication.add_mode(job.mode.as_str())?;
    let present = |wanted: &[WantedChunk], known: &HashSet<ChunkId>| {
        let (mut there, unknown): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|want| known.contains(&want.id));
        let is_there = chunks.present(&unknown)?;
        there.extend(unknown.into_iter().zip(is_there).filter_map(|(want, is_there)| is_there.then_some(want)));
        let there: HashSet<ChunkId> = there.iter().map(|want| want.id).collect();
        Ok(wanted.iter().map(|want| there.contains(&want.id)).collect())
    };
    let place = Place { past: &found, catalog: &found.catalog, publication: &found.publication, is_new };
    place.rehearse(job, gathered, &present, &[CATALOG_ROLE, "snapshot", "timestamp"], monitor)
}

/// The version of the newest root.
pub(super) fn newest_root(place: &BucketRepository) -> Result<u64> {
    repository::newest_root(&place.bucket)
}

/// A file of the repository that must be there.
pub(super) fn read(place: &BucketRepository, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
    place.bucket.read(path, max_bytes)?.ok_or_else(|| repository::missing(&place.bucket, path))
}

/// Removes the chunks that no version needs, and the locks of killed publishers.
pub(super) fn prune(
    place: &BucketRepository,
    keys: &Keys,
    grace: Duration,
    dry_run: bool,
    monitor: &Monitor,
) -> Result<Pruned> {
    let bucket = &place.bucket;
    if Repository::look(bucket, keys, HashSet::new())?.is_new() {
        return Err(Error::invalid("repository", format!("there is none in {bucket}")));
    }
    let lock = Lock::take(bucket, Purpose::Prune, monitor)?;
    // Not before: what is published from now on waits for the end.
    let repository = Repository::look(bucket, keys, HashSet::new())?;
    let needed = chunks_of(&offered_indexes(&repository, &repository.catalog)?);
    if needed.is_empty() {
        return Err(Error::invalid(
            "repository",
            format!("{bucket} offers no version, so every chunk would be removed"),
        ));
    }
    let pruned = chunks::prune(bucket, &needed, grace, |paths| {
        lock.check()?;
        if dry_run { Ok(()) } else { bucket.remove(paths) }
    })?;
    if !dry_run {
        lock.remove_ended()?;
    }
    Ok(pruned)
}

fn busy(place: &BucketRepository) -> Error {
    Error::Busy {
        path: place.bucket.to_string().into(),
        holder: "other publishers, which were faster each time".into(),
    }
}

fn pause(tries: u32) {
    std::thread::sleep((PAUSE * tries).mul_f64(0.5 + fastrand::f64()));
}
