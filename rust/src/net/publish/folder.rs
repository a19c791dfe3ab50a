//! Publishes to a folder that any web host can serve.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::build::{self, BuildContext, Built, ChunkOutlet, Gathered, Reference};
use super::bundles::{self, BundleStore, Subject};
use super::check::Job;
use super::documents::{self, Documents};
use super::history::{self, History};
use super::prepared::{Ending, Prepared};
use super::{Bundles, Published, Request};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::bundle::{BundleInfo, ChunkSource, name_of};
use crate::formats::chunk::{CompressedChunk, DigestAlgorithm};
use crate::formats::index::Index;
use crate::formats::release::{CATALOG_TARGET, Catalog, DEFAULT_STORE, Mode, Release};
use crate::limits;
use crate::local::bundle_builder::StoreSource;
use crate::local::disk::{self, Durability};
use crate::local::sources::WantedChunk;
use crate::local::store::LocalStore;
use crate::net::trust::{CATALOG_ROLE, Keys, Publication};

/// The folder of the bundles.
const FOLDER: &str = "bundles";

pub(super) fn publish(
    request: &Request,
    folder: &Path,
    ending: Ending,
    monitor: &Monitor,
) -> Result<(Published, Option<Prepared>)> {
    let keys = Keys::open(&request.keys)?;
    let (gathered, mut job) = check_alone(request, folder, monitor)?;
    if ending == Ending::Prepare && !folder.join("tuf").is_dir() {
        return Err(Ending::begin_first());
    }
    let mut publication = Publication::open(folder, &keys)?;
    publication.check_not_expired()?;
    let mut catalog = history::catalog_of(&Folder { publication: &publication, store: None })?;
    if ending == Ending::Prepare && publication.published_version(request.mode.as_str()).is_none() {
        return Err(Ending::begin_first());
    }
    if !catalog.modes.contains_key(&request.mode) && ending == Ending::Commit {
        publication.add_mode(request.mode.as_str())?;
        catalog.modes.insert(request.mode.clone(), Mode::begin());
    }
    let store = LocalStore::create(&folder.join(DEFAULT_STORE))?;
    let past = Folder { publication: &publication, store: Some(&store) };
    let before = history::latest(&past, &catalog, &job)?;
    job.compare(&gathered, &past, (&catalog, before.as_ref()), monitor)?;
    let there = history::same(&past, &job)?;
    if there.is_none() && ending == Ending::Commit {
        publication.check_role_keys(request.mode.as_str())?;
        publication.check_keys(CATALOG_ROLE)?;
    }
    let there_index = there.as_ref().map(|there| history::index_of(&past, there)).transpose()?;
    let same = there.as_ref().zip(there_index.as_ref());
    let same = same.map(|(there, index)| Reference { chunking: &there.chunking, index });
    let reference = same.or_else(|| before.as_ref().map(Into::into));
    let gathered = match &there {
        Some(there) => check_as_before(&job, gathered, there, reference, monitor)?,
        None => gathered,
    };
    let workshop = BuildContext { chunks: ChunkOutlet::Store(&store), reference };
    let cut = build::cut(request, gathered, &workshop, monitor)?;
    let new = cut.new;
    let mut built = cut.hash(monitor)?;
    built.sizes.stored_bytes = build::stored_bytes(&built.index, &store)?;
    let sequence = catalog.modes.get(&request.mode).map_or(0, |mode| mode.sequence) + 1;
    let documents = Documents::of(&job, &built, sequence)?;
    let mut published = documents::published(&job, &built, sequence, new);
    if let Some(there) = there {
        documents::check_same(&there, &documents.release)?;
        documents::check_terms(&catalog, &job)?;
        published.bundles = make_bundles(&job, folder, (&past, &catalog), &built, monitor)?;
        if !published.bundles.built.is_empty() {
            publication.refresh_pack()?;
        }
        // Keys and roots of the key folder that the repository lacks.
        if ending == Ending::Commit {
            published.metadata_bytes = publication.commit()?.metadata_bytes;
        }
        let roles = publication.validity()?;
        return Ok((Published { was_there: true, sequence: there.sequence, roles, ..published }, None));
    }
    // Before the version is offered, so that bundles are there from the start.
    published.bundles = make_bundles(&job, folder, (&past, &catalog), &built, monitor)?;
    documents.put(&mut publication)?;
    documents::offer(&mut catalog, &job, sequence);
    documents::withdraw(&mut catalog, &mut publication, &job)?;
    if ending == Ending::Prepare {
        let previous = before.as_ref().map(|before| &before.release);
        let prepared = Prepared::version(&job, &publication, &documents, previous, None)?;
        publication.write_unlisted()?;
        return Ok((published, Some(prepared)));
    }
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    published.metadata_bytes = publication.commit()?.metadata_bytes;
    published.roles = publication.validity()?;
    clean_bundles(&Folder { publication: &publication, store: None }, folder, &catalog)?;
    Ok((published, None))
}

/// Gathers the content and checks it, before the folder is touched.
fn check_alone<'r>(request: &'r Request, folder: &Path, monitor: &Monitor) -> Result<(Gathered, Job<'r>)> {
    let known = LocalStore::open(&folder.join(DEFAULT_STORE)).ok();
    // On the disk of the repository, which has room for it, if there is one yet.
    let scratch = if folder.is_dir() { folder } else { &request.scratch };
    let gathered = build::gather(request, scratch, known.as_ref(), monitor)?;
    let job = Job::check(request, &gathered, monitor)?;
    Ok((gathered, job))
}

/// Checks that this is the content that has been published under this version, before any of it is stored.
fn check_as_before(
    job: &Job<'_>,
    gathered: Gathered,
    there: &Release,
    reference: Option<Reference<'_>>,
    monitor: &Monitor,
) -> Result<Gathered> {
    let cut = build::cut(job, gathered, &BuildContext { chunks: ChunkOutlet::None, reference }, monitor)?;
    documents::as_before(job, there, &cut.index, cut.chunking())?;
    Ok(cut.into_gathered())
}

fn make_bundles(
    job: &Job<'_>,
    folder: &Path,
    (past, catalog): (&dyn History, &Catalog),
    built: &Built,
    monitor: &Monitor,
) -> Result<Bundles> {
    let Some(bundling) = job.bundling else { return Ok(Bundles::default()) };
    let new = Subject { index: built.index.clone(), table: built.table.clone(), mutable: job.mutable.clone() };
    let store = LocalStore::open(&folder.join(DEFAULT_STORE))?;
    bundles::make(job, bundling, &FolderBundles { folder, store }, (past, catalog), &new, monitor)
}

fn clean_bundles(past: &dyn History, folder: &Path, catalog: &Catalog) -> Result<()> {
    if !folder.join(FOLDER).is_dir() {
        return Ok(());
    }
    let store = LocalStore::open(&folder.join(DEFAULT_STORE))?;
    bundles::clean(&FolderBundles { folder, store }, || bundles::kept(past, catalog))
}

/// The bundles of a repository in a folder.
struct FolderBundles<'a> {
    folder: &'a Path,
    store: LocalStore,
}

impl BundleStore for FolderBundles<'_> {
    fn prepare(&self, _: &Index, _: &Index) -> Result<()> {
        Ok(())
    }

    fn chunks(&self, digest: DigestAlgorithm) -> Box<dyn ChunkSource + '_> {
        Box::new(StoreSource::new(&self.store, digest))
    }

    /// On the file system of the bundles, so that a bundle is moved and not copied.
    fn scratch(&self) -> Result<PathBuf> {
        let bundles = self.folder.join(FOLDER);
        disk::create_directory(&bundles)?;
        Ok(bundles)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        disk::read_if_exists(&self.folder.join(name), limits::MAX_DOCUMENT_BYTES)
    }

    fn present(&self, names: Vec<String>) -> Result<Vec<bool>> {
        Ok(names.iter().map(|name| self.folder.join(name).is_file()).collect())
    }

    fn place(&self, file: &File, temporary: &Path, info: &BundleInfo) -> Result<()> {
        disk::sync_file(file, temporary)?;
        disk::rename(temporary, &self.folder.join(name_of(&info.id)))?;
        disk::sync_directory(&self.folder.join(FOLDER))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        disk::write_atomic(&self.folder.join(name), bytes, Durability::PowerCut)
    }

    fn files(&self) -> Result<Vec<(String, SystemTime)>> {
        let mut files = Vec::new();
        for entry in disk::list(&self.folder.join(FOLDER))? {
            let name = format!("{FOLDER}/{}", entry.file_name().to_string_lossy());
            match entry.metadata().and_then(|found| found.modified()) {
                Ok(written) => files.push((name, written)),
                // Another publisher has removed it.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("read", entry.path())(e)),
            }
        }
        Ok(files)
    }

    fn remove(&self, names: Vec<String>) -> Result<()> {
        names.iter().try_for_each(|name| disk::remove_file(&self.folder.join(name)))
    }
}

/// The history of a repository in a folder.
pub(super) struct Folder<'a> {
    pub(super) publication: &'a Publication<'a>,
    pub(super) store: Option<&'a LocalStore>,
}

impl History for Folder<'_> {
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.publication.target(name)
    }

    fn chunk(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>> {
        self.store.map_or(Ok(None), |store| store.get(&wanted.id, wanted.max_stored_bytes()))
    }

    fn store(&self) -> String {
        self.store.map(|store| store.root().display().to_string()).unwrap_or_default()
    }
}
