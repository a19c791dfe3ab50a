//! Finds out what a publication would do, without its keys' signatures: reads the repository, and writes nothing there.

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;

use super::build::{self, BuildContext, ChunkOutlet, Gathered, Reference};
use super::check::Job;
use super::documents::{self, Documents};
use super::history::{self, History};
use super::roles;
use super::server::RemotePublication;
use super::{Destination, Request, Server, upload};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::chunk::{ChunkId, CompressedChunk};
use crate::formats::index::Index;
use crate::formats::release::{Catalog, DEFAULT_STORE, ModeName, Platform};
use crate::local::preflight::Finding;
use crate::local::sources::WantedChunk;
use crate::local::store::LocalStore;
use crate::net::trust::{CATALOG_ROLE, Keys, MemoryStorage, Publication, RoleValidity};
use crate::version::Version;

/// What a publication would do.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Rehearsal {
    /// The mode.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform that the build runs on.
    pub platform: Platform,
    /// The sequence number that the version would have in its mode.
    pub sequence: u64,
    /// Number of files of the tree.
    pub files: u64,
    /// Bytes of these files.
    pub tree_bytes: u64,
    /// Number of chunks of the tree.
    pub chunks: u64,
    /// Number of chunks that the store lacks.
    pub new_chunks: u64,
    /// Their stored size in bytes, from a sample of them.
    pub new_stored_bytes: u64,
    /// Whether fewer chunks may be new: a server has not been asked for those that the last version does not have.
    pub is_at_most: bool,
    /// The findings of the preflight.
    pub findings: Vec<Finding>,
    /// Whether the version is there already, with the same content: then nothing of it would be written.
    pub was_there: bool,
    /// Whether the version is there already, but new keys or a new root of the key folder would be published.
    pub brings_keys: bool,
    /// Whether the mode would be made.
    pub is_new_mode: bool,
    /// The documents of the version.
    pub documents: Vec<RehearsedDocument>,
    /// The roles that would be signed here; an update server signs the others.
    pub signs: Vec<String>,
    /// Versions that would no longer be offered.
    pub withdrawn: Vec<Version>,
    /// The older versions from which deltas would be built; `None` if no bundle would be.
    pub deltas_from: Option<Vec<Version>>,
    /// How long the signatures in force are valid.
    pub roles: Vec<RoleValidity>,
}

/// A document that a mode's key would sign.
#[derive(Debug, Clone, Serialize)]
pub struct RehearsedDocument {
    /// The name of the target.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Does what [`publish`](super::publish) does up to its first change of the repository.
///
/// # Errors
/// Those of [`publish`](super::publish), as far as they can be known: `key_missing` for a key that would have to sign.
pub fn rehearse(request: &Request, monitor: &Monitor) -> Result<Rehearsal> {
    let keys = Keys::open(&request.keys)?;
    let known = match &request.repository {
        Destination::Folder(folder) => LocalStore::open(&folder.join(DEFAULT_STORE)).ok(),
        _ => None,
    };
    let gathered = build::gather(request, &request.scratch, known.as_ref(), monitor)?;
    let job = Job::check(request, &gathered, monitor)?;
    match &request.repository {
        Destination::Folder(folder) => in_folder((folder, known.as_ref()), &keys, job, gathered, monitor),
        #[cfg(feature = "bucket")]
        Destination::Bucket(place) => super::bucket::rehearse(place, &keys, job, gathered, monitor),
        Destination::Server(server) => on_server(server, &keys, job, gathered, monitor),
    }
}

fn in_folder(
    (folder, store): (&Path, Option<&LocalStore>),
    keys: &Keys,
    job: Job<'_>,
    gathered: Gathered,
    monitor: &Monitor,
) -> Result<Rehearsal> {
    let mut publication = if folder.join("tuf").is_dir() {
        roles::in_folder(folder, keys)?
    } else {
        Publication::open_in(MemoryStorage::default(), keys)?
    };
    publication.check_not_expired()?;
    let is_new = publication.published_version(job.mode.as_str()).is_none();
    publication.add_mode(job.mode.as_str())?;
    let past = InFolder { folder, publication: &publication, store };
    let present = |wanted: &[WantedChunk], _: &HashSet<_>| {
        Ok(wanted.iter().map(|want| store.is_some_and(|store| store.has(&want.id))).collect())
    };
    let place = Place { past: &past, catalog: &history::catalog_of(&past)?, publication: &publication, is_new };
    place.rehearse(job, gathered, &present, &[CATALOG_ROLE, "snapshot", "timestamp"], monitor)
}

fn on_server(server: &Server, keys: &Keys, job: Job<'_>, gathered: Gathered, monitor: &Monitor) -> Result<Rehearsal> {
    let mut desk = RemotePublication::look(server, keys)?;
    desk.publication.check_not_expired()?;
    let is_new = desk.publication.published_version(job.mode.as_str()).is_none();
    desk.publication.add_mode(job.mode.as_str())?;
    let catalog = history::catalog_of(&desk)?;
    let place = Place { past: &desk, catalog: &catalog, publication: &desk.publication, is_new };
    // Only an open publication may ask for chunks.
    let present =
        |wanted: &[WantedChunk], known: &HashSet<_>| Ok(wanted.iter().map(|want| known.contains(&want.id)).collect());
    let rehearsal = place.rehearse(job, gathered, &present, &[], monitor)?;
    Ok(Rehearsal { is_at_most: !rehearsal.was_there, ..rehearsal })
}

/// Which of these chunks are there; the second are those of published versions that were read.
pub(super) type Present<'a> = &'a dyn Fn(&[WantedChunk], &HashSet<ChunkId>) -> Result<Vec<bool>>;

/// A repository that was read, and whose mode may be new.
pub(super) struct Place<'a> {
    pub(super) past: &'a dyn History,
    pub(super) catalog: &'a Catalog,
    pub(super) publication: &'a Publication<'a>,
    pub(super) is_new: bool,
}

impl Place<'_> {
    /// `online`: the roles besides the mode that are signed here.
    pub(super) fn rehearse(
        &self,
        mut job: Job<'_>,
        gathered: Gathered,
        present: Present<'_>,
        online: &[&str],
        monitor: &Monitor,
    ) -> Result<Rehearsal> {
        let before = history::latest(self.past, self.catalog, &job)?;
        job.compare(&gathered, self.past, (self.catalog, before.as_ref()), monitor)?;
        let there = history::same(self.past, &job)?;
        let there_index = there.as_ref().map(|there| history::index_of(self.past, there)).transpose()?;
        let same = there.as_ref().zip(there_index.as_ref());
        let same = same.map(|(there, index)| Reference { chunking: &there.chunking, index });
        let reference = same.or_else(|| before.as_ref().map(Into::into));
        let cut = build::cut(&job, gathered, &BuildContext { chunks: ChunkOutlet::None, reference }, monitor)?;
        let known = there_index.iter().chain(before.as_ref().map(|before| &before.index));
        let known: HashSet<_> = known.flat_map(|index| index.iter().map(|chunk| chunk.id)).collect();
        let missing = lacking(&cut.index, &known, present)?;
        let (sources, digest) = cut.sources()?;
        let new_stored_bytes = upload::weigh(&sources, &missing, &digest, job.level, monitor)?;
        let built = cut.hash(monitor)?;
        let sequence = match &there {
            Some(there) => there.sequence,
            None => self.catalog.modes.get(&job.mode).map_or(0, |mode| mode.sequence) + 1,
        };
        let documents = Documents::of(&job, &built, sequence)?;
        let rehearsal = Rehearsal {
            mode: job.mode.clone(),
            version: job.version.clone(),
            platform: job.platform.clone(),
            sequence,
            files: built.sizes.files,
            tree_bytes: built.sizes.tree_bytes,
            chunks: built.sizes.chunks,
            new_chunks: missing.len() as u64,
            new_stored_bytes,
            is_at_most: false,
            findings: job.findings.clone(),
            was_there: there.is_some(),
            brings_keys: there.is_some() && self.publication.has_changes(),
            is_new_mode: self.is_new,
            documents: Vec::new(),
            signs: Vec::new(),
            withdrawn: Vec::new(),
            deltas_from: None,
            roles: self.publication.validity()?,
        };
        if let Some(there) = &there {
            documents::check_same(there, &documents.release)?;
            return Ok(rehearsal);
        }
        self.sign(&job, &documents, online, rehearsal)
    }

    /// What would be signed, and what follows from that.
    fn sign(&self, job: &Job<'_>, documents: &Documents, online: &[&str], so_far: Rehearsal) -> Result<Rehearsal> {
        self.publication.check_role_keys(job.mode.as_str())?;
        if !online.is_empty() {
            self.publication.check_keys(CATALOG_ROLE)?;
        }
        let mut catalog = self.catalog.clone();
        documents::offer(&mut catalog, job, so_far.sequence);
        let withdrawn = documents::outdated(&mut catalog, job).into_iter().map(|offer| offer.version).collect();
        let older = job.bundling.map(|bundling| {
            let older = history::versions(self.past, self.catalog, job).take(bundling.deltas);
            older.map(|older| Ok(older?.version)).collect::<Result<_>>()
        });
        Ok(Rehearsal {
            documents: documents.listed()?,
            signs: std::iter::once(job.mode.as_str()).chain(online.iter().copied()).map(str::to_owned).collect(),
            withdrawn,
            deltas_from: older.transpose()?,
            ..so_far
        })
    }
}

/// The chunks of an index that are not there.
fn lacking(index: &Index, known: &HashSet<ChunkId>, present: Present<'_>) -> Result<Vec<WantedChunk>> {
    let mut seen = HashSet::new();
    let all = index.iter().filter(|chunk| seen.insert(chunk.id));
    let all: Vec<WantedChunk> = all.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
    let is_there = present(&all, known)?;
    Ok(all.into_iter().zip(is_there).filter(|(_, is_there)| !is_there).map(|(want, _)| want).collect())
}

/// The history of a repository in a folder that is only read.
struct InFolder<'a> {
    folder: &'a Path,
    publication: &'a Publication<'a>,
    store: Option<&'a LocalStore>,
}

impl History for InFolder<'_> {
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        roles::target_in(self.folder, self.publication, name)
    }

    fn chunk(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>> {
        self.store.map_or(Ok(None), |store| store.get(&wanted.id, wanted.max_stored_bytes()))
    }

    fn store(&self) -> String {
        self.folder.join(DEFAULT_STORE).display().to_string()
    }
}
