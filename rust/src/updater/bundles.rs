//! Bundles of a version that is to come: which there are, what they hold, and the documents that lie in front of them.
//!
//! Whatever is missing, slow or wrong here is no error. The version's documents are targets of the repository and its
//! chunks are in the store: bundles only make both cheaper.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::Settings;
use super::look::below;
use crate::bundle::{
    BundleInfo, BundleList, Content, Digest, Header, MAX_TABLE_BYTES, Section, Table, index_document, list_name,
    name_of, parse_index_document, unpack,
};
use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::fetch::{BundleFile, Offer, Transfer};
use crate::index::Index;
use crate::install::{Documents, InstallRoot, Kept};
use crate::limits;
use crate::release::{FileTable, Release};
use crate::route::Link;
use crate::source::{Network, Url};
use crate::trust::Location;

/// A front of this length tells how many bytes the line brings in a second; a shorter one only how long an answer takes.
const TELLING_BYTES: u64 = 256 << 10;

/// A bundle up to this length is fetched with its front, in one request.
const SMALL_BYTES: u64 = 256 << 10;

/// What one repository has of bundles for one version.
pub(super) struct Shelf<'a> {
    network: &'a Network,
    places: Vec<Url>,
    list: BundleList,
    fronts: Vec<Front>,
    transfer: Transfer,
    link: Link,
    monitor: &'a Monitor,
}

/// The front of a bundle, or all of a small one.
struct Front {
    info: BundleInfo,
    table: Table,
    sections_at: u64,
    bytes: Vec<u8>,
}

/// What is known of a list before anybody is asked for it.
pub(super) enum Listed {
    /// The list, as it came with the metadata.
    Known(Vec<u8>),
    /// There was none.
    Nothing,
    /// The metadata came without such lists.
    Unknown,
}

/// An installed version that a bundle may build on.
pub(super) struct Base {
    pub(super) digest: Digest,
    pub(super) kept: Kept,
}

/// The versions in place, the current one first.
pub(super) fn bases(root: &InstallRoot, current: Option<&str>) -> Vec<Base> {
    let mut folders = root.folders().unwrap_or_default();
    folders.sort_by_key(|folder| Some(folder.as_str()) != current);
    let kept = folders.iter().filter_map(|folder| Kept::read(root, folder));
    kept.map(|kept| Base { digest: kept.documents.release.content(), kept }).collect()
}

impl<'a> Shelf<'a> {
    /// The shelf of a release, with a list that is known, or that is asked for. Nothing if there are no bundles.
    pub(super) fn open(
        settings: &'a Settings,
        places: &[String],
        release: &Release,
        bases: &[Base],
        listed: Listed,
        monitor: &'a Monitor,
    ) -> Option<Self> {
        let locations: Vec<Location> = places.iter().filter_map(|place| place.parse().ok()).collect();
        let urls = locations.iter().filter_map(|location| match location {
            Location::Url(url) => Some(url.clone()),
            Location::Folder(_) => None,
        });
        let places: Vec<Url> = urls.collect();
        // A folder's store is as near as its bundles.
        if places.len() != locations.len() || places.is_empty() {
            return None;
        }
        let mut shelf = Self {
            network: &settings.network,
            places,
            list: BundleList::default(),
            fronts: Vec::new(),
            transfer: Transfer::default(),
            link: Link::default(),
            monitor,
        };
        let current = bases.first().map(|base| base.digest);
        shelf.list = match listed {
            Listed::Nothing => return None,
            Listed::Known(bytes) => match BundleList::parse(&bytes) {
                Ok(list) if list.find(current.as_ref()).is_some() => list,
                // It may be older than the delta, or the server may learn that one is wanted.
                _ => shelf.ask_for_list(&release.content(), current)?,
            },
            Listed::Unknown => shelf.ask_for_list(&release.content(), current)?,
        };
        // Documents in front of a bundle are no longer than they are by themselves.
        let most = release.index.length.saturating_add(release.files.length).saturating_add(MAX_TABLE_BYTES);
        shelf.list.bundles.retain(|info| info.front_bytes <= most);
        (!shelf.list.bundles.is_empty()).then_some(shelf)
    }

    /// The server is told which version would be built on, so that it can make what is asked for; nothing else.
    fn ask_for_list(&mut self, to: &Digest, from: Option<Digest>) -> Option<BundleList> {
        for place in &self.places {
            let mut url: Url = below(place.as_str(), &list_name(to)).parse().ok()?;
            // A signed URL would not be one any more.
            if let Some(from) = from.filter(|_| url.query().is_none()) {
                url.query_pairs_mut().append_pair("from", &from.to_string());
            }
            let begun = Instant::now();
            let answer = self.network.stopped_by(&self.monitor.cancel).document(&url, limits::MAX_DOCUMENT_BYTES);
            self.transfer.requests += 1;
            match answer.and_then(|bytes| Ok((BundleList::parse(&bytes)?, bytes.len() as u64))) {
                Ok((list, received_bytes)) => {
                    self.transfer.received_bytes += received_bytes;
                    self.link.round_trip_seconds = begun.elapsed().as_secs_f64();
                    return Some(list);
                }
                Err(Error::Transport { .. }) => {}
                Err(error) => self.monitor.warn(&error),
            }
        }
        None
    }

    /// What asking has cost so far.
    pub(super) fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// What the line was like so far.
    pub(super) fn link(&self) -> Link {
        self.link
    }

    /// Index and file table out of the front of a bundle.
    pub(super) fn documents(&mut self, release: &Release, bytes: &[u8], bases: &[Base]) -> Option<Documents> {
        let base = bases.iter().find(|base| self.list.find(Some(&base.digest)).is_some());
        let info = self.list.find(base.map(|base| &base.digest))?.clone();
        let front = self.front(&info)?;
        match front.documents(release, bytes, base) {
            Ok(documents) => Some(documents),
            Err(error) => {
                self.monitor.warn(&error);
                None
            }
        }
    }

    /// Bundles that can be used, with their tables: one that builds on what is installed, else the one that needs
    /// nothing.
    pub(super) fn offers(&mut self, index: &Index, bases: &[Base]) -> Vec<Offer> {
        let mut offers = Vec::new();
        for base in bases.iter().map(Some).chain([None]) {
            if !offers.is_empty() {
                break;
            }
            let Some(info) = self.list.find(base.map(|base| &base.digest)).cloned() else { continue };
            match self.offer(&info, index, base) {
                Ok(offer) => offers.push(offer),
                Err(error) => self.monitor.warn(&error),
            }
        }
        offers
    }

    fn offer(&mut self, info: &BundleInfo, index: &Index, base: Option<&Base>) -> Result<Offer> {
        let file: Arc<dyn BundleFile> = self.file(info)?;
        let gone = || malformed("its front cannot be had");
        let front = self.front(info).ok_or_else(gone)?;
        let old = base.map(|base| &base.kept.documents.index);
        let to = Digest::of(&index.to_bytes());
        if front.table.to != to || front.table.from != base.map(|base| base.digest) {
            return Err(malformed("it is of other versions than the list says"));
        }
        front.table.sections.iter().try_for_each(|section| section.check(index, old))?;
        let is_all = front.bytes.len() as u64 == info.length;
        let file = if is_all { Arc::new(Whole(front.bytes.clone())) } else { file };
        let old = base.map(|base| base.kept.seed().map(Arc::new)).transpose()?;
        let (table, sections_at) = (Arc::new(front.table.clone()), front.sections_at);
        Ok(Offer { info: info.clone(), table, sections_at, file, old })
    }

    fn file(&self, info: &BundleInfo) -> Result<Arc<dyn BundleFile>> {
        let urls = self.places.iter().map(|place| below(place.as_str(), &name_of(&info.id)).parse());
        self.network.bundle(urls.filter_map(std::result::Result::ok).collect())
    }

    /// Fetched once.
    fn front(&mut self, info: &BundleInfo) -> Option<&Front> {
        if let Some(at) = self.fronts.iter().position(|front| front.info.id == info.id) {
            return self.fronts.get(at);
        }
        match self.fetch_front(info) {
            Ok(front) => {
                self.fronts.push(front);
                self.fronts.last()
            }
            Err(error) => {
                self.monitor.warn(&error);
                // Not asked for again.
                self.list.bundles.retain(|other| other.id != info.id);
                None
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    fn fetch_front(&mut self, info: &BundleInfo) -> Result<Front> {
        let length = if info.length <= SMALL_BYTES { info.length } else { info.front_bytes };
        let mut bytes = Vec::new();
        let mut keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let begun = Instant::now();
        let transfer = self.file(info)?.read(0..length, &mut keep, self.monitor)?;
        self.transfer.add(transfer);
        let seconds = begun.elapsed().as_secs_f64();
        if length < TELLING_BYTES {
            self.link.round_trip_seconds = self.link.round_trip_seconds.min(seconds);
        } else {
            let sending = (seconds - self.link.round_trip_seconds).max(seconds / 10.0).max(1e-6);
            self.link.bytes_per_second = length as f64 / sending;
        }
        let sections_at = Header::parse(&bytes)?.sections_at();
        let table = Table::parse(&bytes)?;
        Ok(Front { info: info.clone(), table, sections_at, bytes })
    }
}

/// What a list says that an update comes to for who has one of these versions, or none, in bytes.
pub(super) fn download_bytes(listed: &Listed, bases: &[Base]) -> Option<u64> {
    let Listed::Known(bytes) = listed else { return None };
    let list = BundleList::parse(bytes).ok()?;
    let of = |from: Option<&Digest>| list.find(from).map(|info| info.length);
    bases.iter().find_map(|base| of(Some(&base.digest))).or_else(|| of(None))
}

impl Front {
    fn documents(&self, release: &Release, release_bytes: &[u8], base: Option<&Base>) -> Result<Documents> {
        let old = base.map(|base| &base.kept.documents);
        let plain = self.section(&Content::Index, &old.map(|old| index_document(&old.index)).unwrap_or_default())?;
        let index = parse_index_document(&plain)?;
        let index_bytes = index.to_bytes();
        if Digest::of(&index_bytes).to_string() != release.index.sha256 {
            return Err(malformed("its index is not the one that was signed"));
        }
        let old_table = old.map(|old| old.table.to_document()).transpose()?.unwrap_or_default();
        let plain = self.section(&Content::FileTable, &old_table)?;
        if Some(Digest::of(&plain).to_string()) != release.files.document_sha256 {
            return Err(malformed("its file table is not the one that was signed"));
        }
        let table = FileTable::of_document(&plain, &index)?;
        Documents::parse(release_bytes.to_vec(), &index_bytes, table.to_bytes()?)
    }

    fn section(&self, content: &Content, prefix: &[u8]) -> Result<Vec<u8>> {
        let mut places = self.table.places(self.sections_at);
        let found = places.find(|(_, section)| section.content == *content);
        let (place, section) = found.ok_or_else(|| malformed("it has no such document"))?;
        self.unpack(place, section, prefix)
    }

    fn unpack(&self, place: Range<u64>, section: &Section, prefix: &[u8]) -> Result<Vec<u8>> {
        let place =
            usize::try_from(place.start).unwrap_or(usize::MAX)..usize::try_from(place.end).unwrap_or(usize::MAX);
        let packed = self.bytes.get(place).ok_or_else(|| malformed("a document is not in its front"))?;
        let mut plain = Vec::new();
        unpack(packed, prefix, section.plain_bytes, &mut plain)?;
        Ok(plain)
    }
}

/// A bundle that came with its front.
#[derive(Debug)]
struct Whole(Vec<u8>);

impl BundleFile for Whole {
    fn read(
        &self,
        range: Range<u64>,
        take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
        _: &Monitor,
    ) -> Result<Transfer> {
        let range =
            usize::try_from(range.start).unwrap_or(usize::MAX)..usize::try_from(range.end).unwrap_or(usize::MAX);
        take(self.0.get(range).ok_or_else(|| malformed("it is shorter than the list says"))?)?;
        Ok(Transfer::default())
    }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed { format: Format::Bundle, offset: 0, reason: reason.to_owned() }
}
