//! Publishes to a folder that any web host can serve.

use std::collections::HashSet;
use std::path::Path;

use super::build::{self, BuildContext, Built};
use super::bundles::{self, Subject};
use super::documents::{self, Documents};
use super::history::{self, History};
use super::{Published, Request, check};
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
    let mut publication = Publication::open(folder, &keys)?;
    let mut catalog = history::catalog_of(&Folder { publication: &publication, store: None })?;
    if !catalog.modes.contains_key(&request.mode) {
        publication.add_mode(request.mode.as_str())?;
        catalog.modes.insert(request.mode.clone(), Mode::begin());
    }
    let store = LocalStore::create(&folder.join(DEFAULT_STORE))?;
    let past = Folder { publication: &publication, store: Some(&store) };
    let before = history::latest(&past, &catalog, request)?;
    let workshop = BuildContext { store: Some(&store), scratch: folder, reference: before.as_ref().map(Into::into) };
    let cut = build::cut(request, &workshop, monitor)?;
    let (new_chunks, new_stored_bytes) = (cut.new_chunks, cut.new_stored_bytes);
    let mut built = cut.hash(monitor)?;
    built.sizes.stored_bytes = build::stored_bytes(&built.index, &store)?;
    let findings = check::check(request, &built, before.as_ref(), &past, monitor)?;
    let sequence = catalog.mode(&request.mode)?.sequence + 1;
    let documents = Documents::of(request, &built, sequence)?;
    let mut published = Published {
        mode: request.mode.clone(),
        version: request.version.clone(),
        platform: request.platform.clone(),
        sequence,
        sizes: built.sizes,
        new_chunks,
        new_stored_bytes,
        findings,
        was_there: false,
        metadata_bytes: 0,
        bundles: Vec::new(),
    };
    if let Some(there) = history::same(&past, request)? {
        documents::check_same(&there, &documents.release)?;
        published.bundles = make_bundles(request, folder, (&past, &catalog), &built, monitor)?;
        if !published.bundles.is_empty() {
            publication.refresh_pack()?;
        }
        return Ok(Published { was_there: true, sequence: there.sequence, ..published });
    }
    // Before the version is offered, so that bundles are there from the start.
    published.bundles = make_bundles(request, folder, (&past, &catalog), &built, monitor)?;
    documents.put(&mut publication)?;
    documents::offer(&mut catalog, request, sequence);
    documents::withdraw(&mut catalog, &mut publication, request)?;
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    published.metadata_bytes = publication.commit()?.metadata_bytes;
    clean_bundles(&Folder { publication: &publication, store: None }, folder, &catalog)?;
    Ok(published)
}

fn make_bundles(
    request: &Request,
    folder: &Path,
    (past, catalog): (&dyn History, &Catalog),
    built: &Built,
    monitor: &Monitor,
) -> Result<Vec<BundleInfo>> {
    let Some(bundling) = request.bundling else { return Ok(Vec::new()) };
    let new = Subject { index: built.index.clone(), table: built.table.clone(), mutable: request.mutable.clone() };
    bundles::make(request, bundling, folder, (past, catalog), &new, monitor)
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
