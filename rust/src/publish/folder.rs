//! Into a folder that any web host can serve.

use std::path::Path;

use super::build::{self, Workshop};
use super::past::{self, Past};
use super::terms::{self, Documents};
use super::{Published, Request, check};
use crate::chunk::CompressedChunk;
use crate::error::Result;
use crate::event::Monitor;
use crate::fetch::Wanted;
use crate::release::{CATALOG_TARGET, DEFAULT_STORE, Mode};
use crate::store::LocalStore;
use crate::trust::{CATALOG_ROLE, Keys, Publication};

pub(super) fn publish(request: &Request, folder: &Path, monitor: &Monitor) -> Result<Published> {
    let keys = Keys::open(&request.keys)?;
    let mut publication = Publication::open(folder, &keys)?;
    let mut catalog = past::catalog_of(&Folder { publication: &publication, store: None })?;
    if !catalog.modes.contains_key(&request.mode) {
        publication.add_mode(request.mode.as_str())?;
        catalog.modes.insert(request.mode.clone(), Mode::begin());
    }
    let store = LocalStore::create(&folder.join(DEFAULT_STORE))?;
    let past = Folder { publication: &publication, store: Some(&store) };
    let before = past::latest(&past, &catalog, request)?;
    let workshop = Workshop { store: Some(&store), scratch: folder, reference: before.as_ref().map(Into::into) };
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
    };
    if let Some(there) = past::same(&past, request)? {
        terms::check_same(&there, &documents.release)?;
        return Ok(Published { was_there: true, sequence: there.sequence, ..published });
    }
    documents.put(&mut publication)?;
    terms::offer(&mut catalog, request, sequence);
    terms::withdraw(&mut catalog, &mut publication, request)?;
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    published.metadata_bytes = publication.commit()?.metadata_bytes;
    Ok(published)
}

/// A repository folder as what was published before.
pub(super) struct Folder<'a> {
    pub(super) publication: &'a Publication<'a>,
    pub(super) store: Option<&'a LocalStore>,
}

impl Past for Folder<'_> {
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.publication.target(name)
    }

    fn chunk(&self, wanted: &Wanted) -> Result<Option<CompressedChunk>> {
        self.store.map_or(Ok(None), |store| store.get(&wanted.id, wanted.max_stored_bytes()))
    }

    fn store(&self) -> String {
        self.store.map(|store| store.root().display().to_string()).unwrap_or_default()
    }
}
