//! What a repository has published before: what a new version is compared with.

use crate::chunk::CompressedChunk;
use crate::error::Result;
use crate::fetch::Wanted;
use crate::index::Index;
use crate::release::{CATALOG_TARGET, Catalog, FileTable, Offer, Release, target_name};

use super::Request;

/// Gives verified targets, and chunks as they are stored.
pub(super) trait Past {
    /// Nothing for a target that is not listed.
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Nothing if the store does not have it.
    fn chunk(&self, wanted: &Wanted) -> Result<Option<CompressedChunk>>;

    /// The store, for messages.
    fn store(&self) -> String;
}

/// The version that most players have: the newest one of the mode for this platform.
pub(super) struct Before {
    pub(super) release: Release,
    pub(super) index: Index,
    pub(super) table: FileTable,
}

pub(super) fn catalog_of(past: &dyn Past) -> Result<Catalog> {
    past.target(CATALOG_TARGET)?.map_or_else(|| Ok(Catalog::empty()), |bytes| Catalog::parse(&bytes))
}

pub(super) fn latest(past: &dyn Past, catalog: &Catalog, request: &Request) -> Result<Option<Before>> {
    let fits = |offer: &&Offer| offer.platforms.contains(&request.platform) && offer.version != request.version;
    let Some(mode) = catalog.modes.get(&request.mode) else { return Ok(None) };
    let Some(offer) = mode.versions.iter().filter(fits).max_by_key(|offer| offer.sequence) else { return Ok(None) };
    let name = target_name(&request.mode, &offer.version, &request.platform, "release.json");
    let Some(bytes) = past.target(&name)? else { return Ok(None) };
    let release = Release::parse(&bytes, None)?;
    let (Some(index), Some(table)) = (past.target(&release.index.path)?, past.target(&release.files.path)?) else {
        return Ok(None);
    };
    let index = Index::parse(&index)?;
    let table = FileTable::parse(&table, &index)?;
    Ok(Some(Before { release, index, table }))
}

/// This version for this platform, if it is published already.
pub(super) fn same(past: &dyn Past, request: &Request) -> Result<Option<Release>> {
    let name = target_name(&request.mode, &request.version, &request.platform, "release.json");
    past.target(&name)?.map(|bytes| Release::parse(&bytes, None)).transpose()
}
