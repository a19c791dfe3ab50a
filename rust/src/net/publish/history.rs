//! The versions that a repository has published, with which a new version is compared.

use crate::error::Result;
use crate::formats::chunk::CompressedChunk;
use crate::formats::index::Index;
use crate::formats::release::{CATALOG_TARGET, Catalog, FileTable, Offer, Release, target_name};
use crate::local::sources::WantedChunk;

use super::Request;

/// Access to verified targets and to stored chunks.
pub(super) trait History {
    /// The bytes of a target; `None` if it is not listed.
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// A stored chunk; `None` if the store does not have it.
    fn chunk(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>>;

    /// The name of the store, for messages.
    fn store(&self) -> String;
}

/// The newest version of the mode for this platform, which most players have.
pub(super) struct PreviousRelease {
    pub(super) release: Release,
    pub(super) index: Index,
    pub(super) table: FileTable,
}

pub(super) fn catalog_of(past: &dyn History) -> Result<Catalog> {
    past.target(CATALOG_TARGET)?.map_or_else(|| Ok(Catalog::empty()), |bytes| Catalog::parse(&bytes))
}

pub(super) fn latest(past: &dyn History, catalog: &Catalog, request: &Request) -> Result<Option<PreviousRelease>> {
    let Some(release) = versions(past, catalog, request).next().transpose()? else { return Ok(None) };
    let (Some(index), Some(table)) = (past.target(&release.index.path)?, past.target(&release.files.path)?) else {
        return Ok(None);
    };
    let index = Index::parse(&index)?;
    let table = FileTable::parse(&table, &index)?;
    Ok(Some(PreviousRelease { release, index, table }))
}

/// The other versions of the mode for this platform, newest first.
pub(super) fn versions<'a>(
    past: &'a dyn History,
    catalog: &Catalog,
    request: &'a Request,
) -> impl Iterator<Item = Result<Release>> + 'a {
    let fits = |offer: &&Offer| offer.platforms.contains(&request.platform) && offer.version != request.version;
    let offers = catalog.modes.get(&request.mode).map_or(&[][..], |mode| &mode.versions);
    let mut offers: Vec<&Offer> = offers.iter().filter(fits).collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.sequence));
    let name = |offer: &Offer| target_name(&request.mode, &offer.version, &request.platform, "release.json");
    let names: Vec<String> = offers.into_iter().map(name).collect();
    let read = |name: String| past.target(&name)?.map(|bytes| Release::parse(&bytes, None)).transpose();
    names.into_iter().filter_map(move |name| read(name).transpose())
}

/// This version for this platform, if it has already been published.
pub(super) fn same(past: &dyn History, request: &Request) -> Result<Option<Release>> {
    let name = target_name(&request.mode, &request.version, &request.platform, "release.json");
    past.target(&name)?.map(|bytes| Release::parse(&bytes, None)).transpose()
}
