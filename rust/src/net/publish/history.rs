//! The versions that a repository has published, with which a new version is compared.

use crate::error::{Error, Result};
use crate::formats::chunk::CompressedChunk;
use crate::formats::index::Index;
use crate::formats::release::{CATALOG_TARGET, Catalog, FileTable, Offer, Platform, Release, target_name};
use crate::local::sources::WantedChunk;
use crate::version::Version;

use super::Request;
use super::check::Job;

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

pub(super) fn latest(past: &dyn History, catalog: &Catalog, job: &Job<'_>) -> Result<Option<PreviousRelease>> {
    let Some(release) = versions(past, catalog, job).next().transpose()? else { return Ok(None) };
    let (Some(index), Some(table)) = (past.target(&release.index.path)?, past.target(&release.files.path)?) else {
        return Ok(None);
    };
    let index = Index::parse(&index)?;
    let table = FileTable::parse(&table, &index)?;
    Ok(Some(PreviousRelease { release, index, table }))
}

pub(super) fn index_of(past: &dyn History, release: &Release) -> Result<Index> {
    let lost = || Error::invalid("repository", format!("{} is not listed", release.index.path));
    Index::parse(&past.target(&release.index.path)?.ok_or_else(lost)?)
}

/// The newest version that the mode offers players of this platform automatically.
pub(super) fn newest_on_offer(catalog: &Catalog, job: &Job<'_>) -> Option<Version> {
    let offers = catalog.modes.get(&job.mode).map_or(&[][..], |mode| &mode.versions);
    let is_offered = |offer: &&Offer| offer.platforms.contains(&job.platform) && !offer.recalled && !offer.skip_update;
    offers.iter().filter(is_offered).map(|offer| &offer.version).max().cloned()
}

/// The other versions of the mode for this platform, newest first.
pub(super) fn versions<'a>(
    past: &'a dyn History,
    catalog: &Catalog,
    job: &'a Job<'_>,
) -> impl Iterator<Item = Result<Release>> + 'a {
    let fits = |offer: &&Offer| offer.platforms.contains(&job.platform) && offer.version != job.version;
    let offers = catalog.modes.get(&job.mode).map_or(&[][..], |mode| &mode.versions);
    let mut offers: Vec<&Offer> = offers.iter().filter(fits).collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.sequence));
    let name = |offer: &Offer| target_name(&job.mode, &offer.version, &job.platform, "release.json");
    let names: Vec<String> = offers.into_iter().map(name).collect();
    let read = |name: String| past.target(&name)?.map(|bytes| Release::parse(&bytes, None)).transpose();
    names.into_iter().filter_map(move |name| read(name).transpose())
}

/// This version for this platform, if it has already been published.
pub(super) fn same(past: &dyn History, job: &Job<'_>) -> Result<Option<Release>> {
    same_for(past, job, &job.platform)
}

/// As [`same`], before the content is known.
pub(super) fn same_for(past: &dyn History, request: &Request, platform: &Platform) -> Result<Option<Release>> {
    let name = target_name(&request.mode, &request.version, platform, "release.json");
    past.target(&name)?.map(|bytes| Release::parse(&bytes, None)).transpose()
}
