//! Bundles of a version that is to come: which there are, what they hold, and the documents that lie in front of them.
//!
//! Whatever is missing, slow or wrong here is no error. The version's documents are targets of the repository and its
//! chunks are in the store: bundles only make both cheaper.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::Settings;
use super::look::below;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::bundle::{BundleInfo, BundleList, Digest, MAX_TABLE_BYTES, list_name, name_of};
use crate::formats::release::Release;
use crate::install::{Documents, InstallRoot, Installed, Kept};
use crate::limits;
use crate::local::fetch::{Between, BundleFile, Offer, Old, Transfer, Version};
use crate::local::route::Link;
use crate::net::source::{Network, Url};
use crate::net::trust::Location;

mod front;
mod row;

use front::{Front, Known, Passing, malformed};
use row::Row;

/// A front of this length tells how many bytes the line brings in a second; a shorter one only how long an answer takes.
const TELLING_BYTES: u64 = 256 << 10;

/// A bundle up to this length is fetched with its front, in one request.
const SMALL_BYTES: u64 = 256 << 10;

/// What one repository has of bundles for one version.
pub(super) struct Shelf<'a> {
    network: &'a Network,
    monitor: &'a Monitor,
    bases: &'a [Base],
    places: Vec<Url>,
    /// The wanted version.
    to: Digest,
    /// What its chunks come to in the store.
    stored_bytes: u64,
    /// The most that the front of a bundle may have.
    front_bytes: u64,
    list: BundleList,
    /// Lists of versions between.
    lists: HashMap<Digest, BundleList>,
    fronts: Vec<Front>,
    /// Bundles that are not what their list says.
    bad: HashSet<Digest>,
    transfer: Transfer,
    link: Link,
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
pub(super) fn bases(root: &InstallRoot, current: Option<&Installed>) -> Vec<Base> {
    let kept = Kept::all(root, current);
    kept.into_iter().map(|kept| Base { digest: kept.documents.release.content(), kept }).collect()
}

impl Base {
    fn known(&self) -> Known<'_> {
        Known { index: &self.kept.documents.index, files: &self.kept.documents.table }
    }
}

impl<'a> Shelf<'a> {
    /// The shelf of a release, with a list that is known, or that is asked for. Nothing if there are no bundles.
    pub(super) fn open(
        settings: &'a Settings,
        places: &[String],
        release: &Release,
        bases: &'a [Base],
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
            monitor,
            bases,
            places,
            to: release.content(),
            stored_bytes: release.sizes.stored_bytes,
            // Documents in front of a bundle are no longer than they are by themselves.
            front_bytes: release.index.length.saturating_add(release.files.length).saturating_add(MAX_TABLE_BYTES),
            list: BundleList::default(),
            lists: HashMap::new(),
            fronts: Vec::new(),
            bad: HashSet::new(),
            transfer: Transfer::default(),
            link: Link::default(),
        };
        let current = bases.first().map(|base| base.digest);
        let to = shelf.to;
        let list = match listed {
            Listed::Nothing => return None,
            Listed::Known(bytes) => match BundleList::parse(&bytes) {
                Ok(list) if list.find(current.as_ref()).is_some() => list,
                // It may be older than the delta, or the server may learn that one is wanted.
                _ => shelf.ask_for_list(&to, current)?,
            },
            Listed::Unknown => shelf.ask_for_list(&to, current)?,
        };
        shelf.list = shelf.without_bad(list);
        (!shelf.list.bundles.is_empty()).then_some(shelf)
    }

    fn without_bad(&self, mut list: BundleList) -> BundleList {
        list.bundles.retain(|info| info.front_bytes <= self.front_bytes && !self.bad.contains(&info.id));
        list
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
    pub(super) fn documents(&mut self, release: &Release, bytes: &[u8]) -> Option<Documents> {
        let row = self.row()?;
        match self.read_documents(&row, release, bytes) {
            Ok(documents) => Some(documents),
            Err(error) => {
                self.monitor.warn(&error);
                None
            }
        }
    }

    fn read_documents(&mut self, row: &Row, release: &Release, bytes: &[u8]) -> Result<Documents> {
        let passing = self.passing(row)?;
        let old = match passing.last() {
            Some(last) => Some(last.known()),
            None => self.base(row).map(Base::known),
        };
        let last = row.infos.last().ok_or_else(|| malformed("there is none"))?;
        self.front(last)?.documents(release, bytes, old)
    }

    /// Bundles that can be used, with their tables; none if there are none that are sound.
    pub(super) fn offers(&mut self, documents: &Documents) -> Vec<Offer> {
        let wanted =
            Version { index: Arc::new(documents.index.clone()), layout: Arc::new(documents.table.layout().clone()) };
        // Whatever fails is not tried again, so there is an end.
        while let Some(row) = self.row() {
            match self.offers_of(&row, &wanted) {
                Ok(offers) => return offers,
                Err(error) => {
                    self.monitor.warn(&error);
                    row.infos.iter().for_each(|info| self.forget(info));
                }
            }
        }
        Vec::new()
    }

    fn offers_of(&mut self, row: &Row, wanted: &Version) -> Result<Vec<Offer>> {
        let passing = self.passing(row)?;
        let seed = self.base(row).map(|base| base.kept.seed().map(Arc::new)).transpose()?;
        let mut offers: Vec<Offer> = Vec::new();
        for (at, info) in row.infos.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| Some((before, passing.get(before)?)));
            let between = before.map(|(after, version)| Between { version: version.version.clone(), after });
            let old = seed.clone().map(|seed| Old { seed, between });
            let to = passing.get(at).map_or(wanted, |passing| &passing.version);
            offers.push(self.offer(info, to, old)?);
        }
        Ok(offers)
    }

    fn offer(&mut self, info: &BundleInfo, to: &Version, old: Option<Old>) -> Result<Offer> {
        let file: Arc<dyn BundleFile> = self.file(info)?;
        let front = self.front(info)?;
        if front.table.to != Digest::of(&to.index.to_bytes()) || front.table.from != info.from {
            return Err(malformed("it is of other versions than the list says"));
        }
        let built_on = old.as_ref().map(Old::index);
        front.table.sections.iter().try_for_each(|section| section.check(&to.index, built_on))?;
        let whole = front.whole();
        let is_here = whole.is_some();
        let file = whole.map_or(file, |whole| Arc::new(whole));
        let (table, sections_at) = (Arc::clone(&front.table), front.sections_at);
        Ok(Offer { info: info.clone(), table, sections_at, file, is_here, kept: HashMap::new(), to: to.clone(), old })
    }

    /// The versions that a row passes through.
    fn passing(&mut self, row: &Row) -> Result<Vec<Passing>> {
        let mut versions: Vec<Passing> = Vec::new();
        for pair in row.infos.windows(2) {
            let [info, next] = pair else { continue };
            let old = match versions.last() {
                Some(last) => last.known(),
                None => self.base(row).map(Base::known).ok_or_else(|| malformed("it builds on nothing"))?,
            };
            versions.push(self.front(info)?.passing(old, next.from.as_ref())?);
        }
        Ok(versions)
    }

    fn base(&self, row: &Row) -> Option<&'a Base> {
        row.base.and_then(|at| self.bases.get(at))
    }

    fn file(&self, info: &BundleInfo) -> Result<Arc<dyn BundleFile>> {
        let urls = self.places.iter().map(|place| below(place.as_str(), &name_of(&info.id)).parse());
        self.network.bundle(urls.filter_map(std::result::Result::ok).collect())
    }

    /// Fetched once.
    fn front(&mut self, info: &BundleInfo) -> Result<&Front> {
        let at = match self.fronts.iter().position(|front| front.info.id == info.id) {
            Some(at) => at,
            None if self.bad.contains(&info.id) => return Err(malformed("its front cannot be had")),
            None => {
                let fetched = self.fetch_front(info);
                if fetched.is_err() {
                    self.forget(info);
                }
                self.fronts.push(fetched?);
                self.fronts.len() - 1
            }
        };
        self.fronts.get(at).ok_or_else(|| malformed("its front cannot be had"))
    }

    /// Not asked for again.
    fn forget(&mut self, info: &BundleInfo) {
        self.bad.insert(info.id);
        for list in std::iter::once(&mut self.list).chain(self.lists.values_mut()) {
            list.bundles.retain(|other| other.id != info.id);
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
        let mut transfer = self.file(info)?.read(0..length, &mut keep, self.monitor)?;
        // What lies behind the front is content, and counts as such where it is used.
        transfer.received_bytes = transfer.received_bytes.saturating_sub(length.saturating_sub(info.front_bytes));
        self.transfer.add(transfer);
        let seconds = begun.elapsed().as_secs_f64();
        if length < TELLING_BYTES {
            self.link.round_trip_seconds = self.link.round_trip_seconds.min(seconds);
        } else {
            let sending = (seconds - self.link.round_trip_seconds).max(seconds / 10.0).max(1e-6);
            self.link.bytes_per_second = length as f64 / sending;
        }
        Front::parse(info.clone(), bytes)
    }
}

/// What a list says that an update comes to for who has one of these versions, or none, in bytes.
pub(super) fn download_bytes(listed: &Listed, bases: &[Base]) -> Option<u64> {
    let Listed::Known(bytes) = listed else { return None };
    let list = BundleList::parse(bytes).ok()?;
    let of = |from: Option<&Digest>| list.find(from).map(|info| info.length);
    bases.iter().find_map(|base| of(Some(&base.digest))).or_else(|| of(None))
}
