//! Publishes to a folder that any web host can serve.

use std::collections::HashSet;
use std::path::Path;

use super::build::{self, BuildContext, Built, Gathered};
use super::bundles::{self, Subject};
use super::check::Job;
use super::documents::{self, Documents};
use super::history::{self, History};
use super::{Published, Request};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::bundle::BundleInfo;
use crate::formats::chunk::CompressedChunk;
use crate::formats::release::{CATALOG_TARGET, Catalog, DEFAULT_STORE, Mode, Release, target_name};
use crate::local::sources::WantedChunk;
use crate::local::store::LocalStore;
use crate::net::trust::{CATALOG_ROLE, Keys, Publication};

pub(super) fn publish(request: &Request, folder: &Path, monitor: &Monitor) -> Result<Published> {
    let keys = Keys::open(&request.keys)?;
    let (gathered, mut job) = check_alone(request, folder, monitor)?;
    let mut publication = Publication::open(folder, &keys)?;
    publication.check_not_expired()?;
    let mut catalog = history::catalog_of(&Folder { publication: &publication, store: None })?;
    if !catalog.modes.contains_key(&request.mode) {
        publication.add_mode(request.mode.as_str())?;
        catalog.modes.insert(request.mode.clone(), Mode::begin());
    }
    let store = LocalStore::create(&folder.join(DEFAULT_STORE))?;
    let past = Folder { publication: &publication, store: Some(&store) };
    let before = history::latest(&past, &catalog, &job)?;
    job.compare(&gathered, &past, (&catalog, before.as_ref()), monitor)?;
    let workshop = BuildContext { store: Some(&store), reference: before.as_ref().map(Into::into) };
    let cut = build::cut(request, gathered, &workshop, monitor)?;
    let new = cut.new;
    let mut built = cut.hash(monitor)?;
    built.sizes.stored_bytes = build::stored_bytes(&built.index, &store)?;
    let sequence = catalog.mode(&request.mode)?.sequence + 1;
    let documents = Documents::of(&job, &built, sequence)?;
    let mut published = documents::published(&job, &built, sequence, new);
    if let Some(there) = history::same(&past, &job)? {
        documents::check_same(&there, &documents.release)?;
        published.bundles = make_bundles(&job, folder, (&past, &catalog), &built, monitor)?;
        if !published.bundles.is_empty() {
            publication.refresh_pack()?;
        }
        let roles = publication.validity()?;
        return Ok(Published { was_there: true, sequence: there.sequence, roles, ..published });
    }
    // Before the version is offered, so that bundles are there from the start.
    published.bundles = make_bundles(&job, folder, (&past, &catalog), &built, monitor)?;
    documents.put(&mut publication)?;
    documents::offer(&mut catalog, &job, sequence);
    documents::withdraw(&mut catalog, &mut publication, &job)?;
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    published.metadata_bytes = publication.commit()?.metadata_bytes;
    published.roles = publication.validity()?;
    clean_bundles(&Folder { publication: &publication, store: None }, folder, &catalog)?;
    Ok(published)
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

fn make_bundles(
    job: &Job<'_>,
    folder: &Path,
    (past, catalog): (&dyn History, &Catalog),
    built: &Built,
    monitor: &Monitor,
) -> Result<Vec<BundleInfo>> {
    let Some(bundling) = job.bundling else { return Ok(Vec::new()) };
    let new = Subject { index: built.index.clone(), table: built.table.clone(), mutable: job.mutable.clone() };
    bundles::make(job, bundling, folder, (past, catalog), &new, monitor)
}

fn clean_bundles(past: &dyn History, folder: &Path, catalog: &Catalog) -> Result<()> {
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
    bundles::clean(folder, &kept)
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
