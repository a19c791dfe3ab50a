//! The bundles of a version to install: which ones exist, what they contain, and the documents in their fronts.
//!
//! Nothing that is missing, slow or wrong here is an error. The documents are also targets of the repository, and the
//! chunks are also in the store: bundles only make both cheaper.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::repository_state::below;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::formats::bundle::{BundleInfo, BundleList, MAX_TABLE_BYTES, list_name, name_of};
use crate::formats::release::Release;
use crate::install::{Documents, InstallRoot, Installed, InstalledVersion};
use crate::limits;
use crate::local::offer::{BundleFile, BundleOffer, DeltaBase, IntermediateBase, VersionContent};
use crate::local::sources::Transfer;
use crate::local::strategy::Link;
use crate::net::http::{NO_RANGES, Network, Url};
use crate::net::trust::Location;

mod delta_chain;
mod head;

use delta_chain::DeltaChain;
use head::{BundleHead, Intermediate, OldVersion, malformed};

/// A front of at least this length shows the rate of the link; a shorter one shows only the round trip.
const TELLING_BYTES: u64 = 256 << 10;

/// A bundle of at most this length is fetched together with its front, in one request.
const SMALL_BYTES: u64 = 256 << 10;

/// The code of the warning that a server sends only whole files; no error has it, because the update goes on without bundles.
const NO_RANGES_CODE: &str = "no_ranges";

/// What a repository's bundles can supply for one version.
pub(super) struct BundleClient<'a> {
    network: Network,
    monitor: &'a Monitor,
    bases: &'a [InstalledBase],
    places: Vec<Url>,
    /// The wanted version.
    to: Digest,
    /// Total size of its chunks as stored, in bytes.
    stored_bytes: u64,
    /// Longest front that is accepted, in bytes.
    front_bytes: u64,
    list: BundleList,
    /// Lists of the versions between the installed and the wanted one.
    lists: HashMap<Digest, BundleList>,
    fronts: Vec<BundleHead>,
    /// Bundles that differ from what their list says, or could not be fetched.
    bad: HashSet<Digest>,
    /// Whether the server sends only whole files, which was said.
    has_no_ranges: bool,
    transfer: Transfer,
    link: Link,
}

/// What is known of a list before it is requested.
pub(super) enum KnownList {
    /// The list itself, which came with the metadata.
    OldVersion(Vec<u8>),
    /// The metadata says that there is none.
    Nothing,
    /// The metadata does not say.
    Unknown,
}

/// An installed version that a bundle may build on.
pub(super) struct InstalledBase {
    pub(super) digest: Digest,
    pub(super) kept: InstalledVersion,
}

/// The installed versions, the current one first.
pub(super) fn bases(root: &InstallRoot, current: Option<&Installed>) -> Vec<InstalledBase> {
    let kept = InstalledVersion::all(root, current);
    kept.into_iter().map(|kept| InstalledBase { digest: kept.documents.release.content(), kept }).collect()
}

impl InstalledBase {
    fn known(&self) -> OldVersion<'_> {
        OldVersion { index: &self.kept.documents.index, files: &self.kept.documents.table }
    }
}

impl<'a> BundleClient<'a> {
    /// The client for a release. Requests the list of bundles if it is not known. `None` if there are no bundles.
    pub(super) fn open(
        network: Network,
        places: &[String],
        release: &Release,
        bases: &'a [InstalledBase],
        listed: KnownList,
        monitor: &'a Monitor,
    ) -> Option<Self> {
        let locations: Vec<Location> = places.iter().filter_map(|place| place.parse().ok()).collect();
        let urls = locations.iter().filter_map(|location| match location {
            Location::Url(url) => Some(url.clone()),
            Location::Folder(_) => None,
        });
        let places: Vec<Url> = urls.collect();
        // In a folder, reading chunks is as cheap as reading bundles.
        if places.len() != locations.len() || places.is_empty() {
            return None;
        }
        let mut client = Self {
            network,
            monitor,
            bases,
            places,
            to: release.content(),
            stored_bytes: release.sizes.stored_bytes,
            // A document in a front is never longer than the single file.
            front_bytes: release.index.length.saturating_add(release.files.length).saturating_add(MAX_TABLE_BYTES),
            list: BundleList::default(),
            lists: HashMap::new(),
            fronts: Vec::new(),
            bad: HashSet::new(),
            has_no_ranges: false,
            transfer: Transfer::default(),
            link: Link::default(),
        };
        let current = bases.first().map(|base| base.digest);
        let to = client.to;
        let list = match listed {
            KnownList::Nothing => return None,
            KnownList::OldVersion(bytes) => match BundleList::parse(&bytes) {
                Ok(list) if list.find(current.as_ref()).is_some() => list,
                // The known list may be older than the delta. The request also tells the server that one is wanted.
                _ => client.ask_for_list(&to, current)?,
            },
            KnownList::Unknown => client.ask_for_list(&to, current)?,
        };
        client.list = client.without_bad(list);
        (!client.list.bundles.is_empty()).then_some(client)
    }

    fn without_bad(&self, mut list: BundleList) -> BundleList {
        list.bundles.retain(|info| info.front_bytes <= self.front_bytes && !self.bad.contains(&info.id));
        list
    }

    /// Requests a list. Names the version to build on, and nothing else, so that the server can build missing deltas.
    fn ask_for_list(&mut self, to: &Digest, from: Option<Digest>) -> Option<BundleList> {
        for place in &self.places {
            let mut url: Url = below(place.as_str(), &list_name(to)).parse().ok()?;
            // A changed query would invalidate a signed URL.
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
                // The next step of the update ends it.
                Err(Error::Cancelled) => return None,
                Err(error) => self.monitor.warn(&error),
            }
        }
        None
    }

    /// Requests and bytes so far.
    pub(super) fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// The link as measured so far.
    pub(super) fn link(&self) -> Link {
        self.link
    }

    /// The index and the file table from the front of a bundle.
    pub(super) fn documents(&mut self, release: &Release, bytes: &[u8]) -> Option<Documents> {
        let row = self.row()?;
        match self.read_documents(&row, release, bytes) {
            Ok(documents) => Some(documents),
            Err(Error::Cancelled) => None,
            Err(error) => {
                self.warn(&error);
                None
            }
        }
    }

    /// Warns of a bundle that cannot be used. What is true of all bundles of a server is said once, and of the server.
    fn warn(&mut self, error: &Error) {
        match error {
            Error::Transport { kind, url, reason, .. } if reason == NO_RANGES => {
                let place = url.rsplit_once("/bundles/").map_or(url.as_str(), |(place, _)| place);
                if !std::mem::replace(&mut self.has_no_ranges, true) {
                    let message = Error::transport(*kind, place, reason).message_with_causes();
                    self.monitor.emit(Event::Warned { code: NO_RANGES_CODE, message });
                }
            }
            other => self.monitor.warn(other),
        }
    }

    fn read_documents(&mut self, row: &DeltaChain, release: &Release, bytes: &[u8]) -> Result<Documents> {
        let passing = self.passing(row)?;
        let old = match passing.last() {
            Some(last) => Some(last.known()),
            None => self.base(row).map(InstalledBase::known),
        };
        let last = row.infos.last().ok_or_else(|| malformed("there is none"))?;
        self.front(last)?.documents(release, bytes, old)
    }

    /// The usable bundles, with their tables; empty if none is sound.
    pub(super) fn offers(&mut self, documents: &Documents) -> Vec<BundleOffer> {
        let wanted = VersionContent {
            index: Arc::new(documents.index.clone()),
            layout: Arc::new(documents.table.layout().clone()),
        };
        // A chain that fails is not tried again, so the loop ends.
        while let Some(row) = self.row() {
            match self.offers_of(&row, &wanted) {
                Ok(offers) => return offers,
                Err(Error::Cancelled) => return Vec::new(),
                Err(error) => {
                    self.warn(&error);
                    row.infos.iter().for_each(|info| self.forget(info));
                }
            }
        }
        Vec::new()
    }

    fn offers_of(&mut self, row: &DeltaChain, wanted: &VersionContent) -> Result<Vec<BundleOffer>> {
        let passing = self.passing(row)?;
        let seed = self.base(row).map(|base| base.kept.seed().map(Arc::new)).transpose()?;
        let mut offers: Vec<BundleOffer> = Vec::new();
        for (at, info) in row.infos.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| Some((before, passing.get(before)?)));
            let between = before.map(|(after, version)| IntermediateBase { version: version.version.clone(), after });
            let old = seed.clone().map(|seed| DeltaBase { seed, between });
            let to = passing.get(at).map_or(wanted, |passing| &passing.version);
            offers.push(self.offer(info, to, old)?);
        }
        Ok(offers)
    }

    fn offer(&mut self, info: &BundleInfo, to: &VersionContent, old: Option<DeltaBase>) -> Result<BundleOffer> {
        let file: Arc<dyn BundleFile> = self.file(info)?;
        let front = self.front(info)?;
        if front.table.to != Digest::of(&to.index.to_bytes()) || front.table.from != info.from {
            return Err(malformed("it is of other versions than the list says"));
        }
        let built_on = old.as_ref().map(DeltaBase::index);
        front.table.sections.iter().try_for_each(|section| section.check(&to.index, built_on))?;
        let whole = front.whole();
        let is_here = whole.is_some();
        let file = whole.map_or(file, |whole| Arc::new(whole));
        let (table, sections_at) = (Arc::clone(&front.table), front.sections_at);
        Ok(BundleOffer {
            info: info.clone(),
            table,
            sections_at,
            file,
            is_here,
            kept: HashMap::new(),
            to: to.clone(),
            old,
        })
    }

    /// The versions that a chain passes through.
    fn passing(&mut self, row: &DeltaChain) -> Result<Vec<Intermediate>> {
        let mut versions: Vec<Intermediate> = Vec::new();
        for pair in row.infos.windows(2) {
            let [info, next] = pair else { continue };
            let old = match versions.last() {
                Some(last) => last.known(),
                None => self.base(row).map(InstalledBase::known).ok_or_else(|| malformed("it builds on nothing"))?,
            };
            versions.push(self.front(info)?.passing(old, next.from.as_ref())?);
        }
        Ok(versions)
    }

    fn base(&self, row: &DeltaChain) -> Option<&'a InstalledBase> {
        row.base.and_then(|at| self.bases.get(at))
    }

    fn file(&self, info: &BundleInfo) -> Result<Arc<dyn BundleFile>> {
        let urls = self.places.iter().map(|place| below(place.as_str(), &name_of(&info.id)).parse());
        self.network.bundle(urls.filter_map(std::result::Result::ok).collect())
    }

    /// The front of a bundle, fetched once.
    fn front(&mut self, info: &BundleInfo) -> Result<&BundleHead> {
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

    /// Makes sure that the bundle is not requested again.
    fn forget(&mut self, info: &BundleInfo) {
        self.bad.insert(info.id);
        for list in std::iter::once(&mut self.list).chain(self.lists.values_mut()) {
            list.bundles.retain(|other| other.id != info.id);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    fn fetch_front(&mut self, info: &BundleInfo) -> Result<BundleHead> {
        let length = if info.length <= SMALL_BYTES { info.length } else { info.front_bytes };
        let mut bytes = Vec::new();
        let mut keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let begun = Instant::now();
        let mut transfer = self.file(info)?.read(0..length, &mut keep, self.monitor)?;
        // The bytes after the front are content, and are counted where they are used.
        transfer.received_bytes = transfer.received_bytes.saturating_sub(length.saturating_sub(info.front_bytes));
        self.transfer.add(transfer);
        let seconds = begun.elapsed().as_secs_f64();
        if length < TELLING_BYTES {
            self.link.round_trip_seconds = self.link.round_trip_seconds.min(seconds);
        } else {
            let sending = (seconds - self.link.round_trip_seconds).max(seconds / 10.0).max(1e-6);
            self.link.bytes_per_second = length as f64 / sending;
        }
        BundleHead::parse(info.clone(), bytes)
    }
}

/// How many bytes an update from one of these versions downloads, according to the list; without such a delta, how many
/// a first install does.
pub(super) fn download_bytes(listed: &KnownList, bases: &[InstalledBase]) -> Option<u64> {
    let KnownList::OldVersion(bytes) = listed else { return None };
    let list = BundleList::parse(bytes).ok()?;
    let of = |from: Option<&Digest>| list.find(from).map(|info| info.length);
    bases.iter().find_map(|base| of(Some(&base.digest))).or_else(|| of(None))
}
