//! What the repository offers this install: its verified metadata and its catalog.

use std::collections::BTreeMap;
use std::path::Path;

use super::bundle_client::{BundleClient, InstalledBase, KnownList};
use super::{ModeInfo, Settings, VersionInfo, went_back};
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::event::Monitor;
use crate::formats::bundle::list_name;
use crate::formats::news::{News, NewsPicture};
use crate::formats::release::{
    self, CATALOG_TARGET, Catalog, Choice, DEFAULT_STORE, ModeName, Platform, Release, STATEMENT_FIELD, Situation,
    signed_oldest_allowed, signed_successor, target_name,
};
use crate::install::{self, Documents, InstallRoot, InstallState, Installed, this_launcher};
use crate::limits;
use crate::local::sources::Transfer;
use crate::net::http::{Network, Url};
use crate::net::trust::{Location, OpenOptions, Repository, target_path};
use crate::path::RelPath;
use crate::version::Version;

mod places;

use places::named;
pub(super) use places::{network, sources};

/// Sources of a version's documents, in addition to the repository.
pub(super) struct DocumentSources<'a, 'b> {
    /// Installed versions.
    pub(super) bases: &'a [InstalledBase],
    /// Bundles.
    pub(super) client: Option<&'a mut BundleClient<'b>>,
}

/// The verified state of a repository, as one operation sees it.
pub(super) struct RepositoryState {
    repository: Repository,
    catalog: Catalog,
    /// The signed successors of the modes in the catalog.
    successors: BTreeMap<ModeName, ModeName>,
    /// The oldest allowed version of each mode: what was known before, and what metadata and releases have named since.
    floors: BTreeMap<ModeName, Version>,
    /// The locations that the user named.
    locations: Vec<String>,
    network: Network,
    monitor: Monitor,
}

impl RepositoryState {
    /// Gets and verifies the metadata and the catalog.
    ///
    /// # Errors
    /// Those of [`Repository::open`]; `metadata_rollback` if the catalog went back in any mode that was seen before, and
    /// still does after some attempts.
    pub(super) fn open(
        settings: &Settings,
        root: &InstallRoot,
        state: &InstallState,
        monitor: &Monitor,
    ) -> Result<Self> {
        Self::open_as(settings, root, state, false, monitor)
    }

    /// Like [`Self::open`], without storing what was verified.
    pub(super) fn open_read_only(
        settings: &Settings,
        root: &InstallRoot,
        state: &InstallState,
        monitor: &Monitor,
    ) -> Result<Self> {
        Self::open_as(settings, root, state, true, monitor)
    }

    fn open_as(
        settings: &Settings,
        root: &InstallRoot,
        state: &InstallState,
        read_only: bool,
        monitor: &Monitor,
    ) -> Result<Self> {
        let locations = named(settings, state);
        if locations.is_empty() {
            return Err(Error::RepositoryMissing { path: root.directory().to_owned() });
        }
        let network = network(settings, state, monitor)?;
        places::ask_again(&network, locations, state, || {
            Self::try_open(settings, root, state, (read_only, &network), monitor)
        })
    }

    /// One attempt of [`Self::open_as`]. The user has named a location.
    fn try_open(
        settings: &Settings,
        root: &InstallRoot,
        state: &InstallState,
        (read_only, network): (bool, &Network),
        monitor: &Monitor,
    ) -> Result<Self> {
        let locations = named(settings, state);
        let mirrors = state.mirrors.iter().filter(|mirror| release::is_web_address(mirror));
        let mut all = locations.to_vec();
        all.extend(mirrors.filter(|mirror| !locations.contains(mirror)).cloned());
        let mut repository = Repository::open(OpenOptions {
            locations: all.iter().map(|text| text.parse()).collect::<Result<Vec<Location>>>()?,
            root: settings.trust_root.clone().or_else(|| default_root(settings, root)),
            memory: Some(root.trust()),
            // Nothing is written into another user's install.
            read_only: read_only || install::is_of_another_user(root, settings.trusted_owner),
            scratch: settings.scratch.clone(),
            clock_guard: settings.clock_guard,
            network: network.clone(),
        })?;
        let catalog = Catalog::parse(&target(&mut repository, CATALOG_TARGET, limits::MAX_DOCUMENT_BYTES, monitor)?)?;
        let is_newer = state.seen_root != 0 && repository.root_version() > state.seen_root;
        let is_new_root = is_newer || repository.starts_over();
        for (mode, seen) in state.seen.iter().filter(|_| !is_new_root) {
            let now = catalog.modes.get(mode).map_or(0, |mode| mode.sequence);
            if now < *seen {
                return Err(went_back(mode, *seen, now));
            }
        }
        let mut floors = if is_new_root { BTreeMap::new() } else { state.floors.clone() };
        for mode in catalog.modes.keys() {
            if let Some(oldest) = signed_oldest_allowed(repository.field(mode.as_str(), STATEMENT_FIELD)) {
                raise(&mut floors, mode, &oldest);
            }
        }
        let successors = successors(&repository, &catalog);
        let locations = locations.to_vec();
        let network = network.clone();
        Ok(Self { repository, catalog, successors, floors, locations, network, monitor: monitor.clone() })
    }

    /// Whether a root that was given replaces the remembered one, which did not lead to it.
    pub(super) fn starts_over(&self) -> bool {
        self.repository.starts_over()
    }

    /// The network for this repository and for the servers that its catalog names.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Whether the publisher asks how this version has begun.
    pub(super) fn asks_about(&self, mode: &ModeName, version: &Version) -> bool {
        self.catalog.modes.get(mode).is_some_and(|mode| mode.asks_about(version))
    }

    /// The server that the user named first. What the catalog names does not count: it could be anybody's.
    pub(super) fn server(&self) -> Option<Url> {
        self.locations.iter().find_map(|place| match place.parse() {
            Ok(Location::Url(url)) => Some(url),
            _ => None,
        })
    }

    /// The mode whose versions the users of `mode` receive.
    pub(super) fn resolve(&self, mode: &ModeName) -> Result<ModeName> {
        release::resolve_mode(&self.catalog, mode, &self.successors).cloned()
    }

    /// Writes the oldest allowed versions into the state.
    pub(super) fn raise_floors(&self, state: &mut InstallState) {
        self.floors.iter().for_each(|(mode, oldest)| state.raise_floor(mode, oldest));
    }

    pub(super) fn remember(&mut self) -> Result<()> {
        self.repository.remember()
    }

    pub(super) fn transfer(&self) -> Transfer {
        self.repository.transfer()
    }

    /// Whether this version was recalled from the mode that it came from.
    pub(super) fn has_recalled(&self, installed: Option<&Installed>) -> bool {
        let offer = |it: &Installed| self.catalog.modes.get(&it.mode).and_then(|mode| mode.offer(&it.version)).cloned();
        installed.and_then(offer).is_some_and(|offer| offer.recalled)
    }

    /// The mode whose versions this install receives.
    pub(super) fn mode(&self, settings: &Settings, state: &InstallState) -> Result<ModeName> {
        self.resolve(settings.mode.as_ref().unwrap_or(&state.mode))
    }

    pub(super) fn choose<'a>(&'a self, settings: &'a Settings, state: &'a InstallState) -> Result<Choice<'a>> {
        let situation = Situation {
            mode: settings.mode.as_ref().unwrap_or(&state.mode),
            successors: &self.successors,
            floors: &self.floors,
            platform: &settings.platform,
            // A build for another platform is not the version to update.
            current: state
                .current
                .as_ref()
                .filter(|current| current.platform == settings.platform)
                .map(|current| (&current.mode, &current.version)),
            bad: &state.bad,
            install_id: &state.install_id,
            asked: settings.version.as_ref(),
            at_once: settings.at_once,
        };
        release::choose(&self.catalog, &situation)
    }

    /// Writes what was learned into the state.
    pub(super) fn note(&self, settings: &Settings, state: &mut InstallState) -> Result<()> {
        let chosen = settings.mode.as_ref().unwrap_or(&state.mode).clone();
        self.resolve(&chosen)?;
        state.mode = chosen;
        if state.seen_root != self.repository.root_version() || self.repository.starts_over() {
            state.floors.clear();
            state.seen.clear();
        }
        self.raise_floors(state);
        for (name, mode) in &self.catalog.modes {
            state.seen.insert(name.clone(), mode.sequence);
        }
        state.seen_root = self.repository.root_version();
        state.repository = self.user_places();
        state.mirrors = self.places().split_off(state.repository.len());
        state.stores = self.stores();
        Ok(())
    }

    /// The release document of a version, and its bytes.
    ///
    /// # Errors
    /// `target_not_signed` if no key of the mode has signed it; `target_mismatch` if it describes another version.
    pub(super) fn release(
        &mut self,
        mode: &ModeName,
        version: &Version,
        platform: &Platform,
    ) -> Result<(Release, Vec<u8>)> {
        let name = target_name(mode, version, platform, "release.json");
        let bytes = target(&mut self.repository, &name, limits::MAX_DOCUMENT_BYTES, &self.monitor)?;
        let release = Release::parse(&bytes, Some(&this_launcher()?))?;
        if (&release.mode, &release.version, &release.platform) != (mode, version, platform) {
            let reason = format!("{name} describes {} {} for {}", release.mode, release.version, release.platform);
            return Err(Error::trust(TrustKind::Mismatch, reason));
        }
        if let Some(oldest) = &release.oldest_allowed {
            raise(&mut self.floors, mode, oldest);
        }
        Ok((release, bytes))
    }

    /// The news of a mode; none if its key has signed none.
    pub(super) fn news(&mut self, mode: &ModeName) -> Result<News> {
        match target(&mut self.repository, &News::target_name(mode), limits::MAX_NEWS_BYTES, &self.monitor) {
            Err(Error::Trust { kind: TrustKind::NotSigned, .. }) => Ok(News::empty()),
            found => News::parse(&found?, mode),
        }
    }

    /// The bytes of a picture that the news name, as signed.
    pub(super) fn picture(&mut self, picture: &NewsPicture) -> Result<Vec<u8>> {
        target(&mut self.repository, picture.path(), picture.length(), &self.monitor)
    }

    /// What the metadata says about the bundles of a version. `bytes` is its release document.
    pub(super) fn listed(&self, release: &Release, bytes: &[u8]) -> KnownList {
        let document = target_path(&release.target_name(), &Digest::of(bytes).to_string());
        match self.repository.beside(&list_name(&release.content())) {
            Some(list) => KnownList::OldVersion(list),
            // The pack that contains the document would also contain the list.
            None if self.repository.beside(&document).is_some() => KnownList::Nothing,
            None => KnownList::Unknown,
        }
    }

    /// All signed documents of a version. Copies that an installed version has are reused, and documents in the front
    /// of a bundle cost no request of their own.
    pub(super) fn documents(
        &mut self,
        release: &Release,
        bytes: Vec<u8>,
        ways: DocumentSources<'_, '_>,
    ) -> Result<Documents> {
        let same = ways.bases.iter().find(|base| base.kept.documents.release.index.sha256 == release.index.sha256);
        if let Some(base) = same
            && base.kept.documents.release.files.sha256 == release.files.sha256
        {
            let kept = &base.kept.documents;
            return Documents::parse(bytes, &kept.index.to_bytes(), kept.table_bytes.clone());
        }
        if let Some(documents) = ways.client.and_then(|client| client.documents(release, &bytes)) {
            return Ok(documents);
        }
        let index = self.repository.target(&release.index.path, limits::MAX_INDEX_BYTES.min(release.index.length))?;
        let table =
            self.repository.target(&release.files.path, limits::MAX_FILE_TABLE_BYTES.min(release.files.length))?;
        for (target, bytes) in [(&release.index, &index), (&release.files, &table)] {
            let found = Digest::of(bytes).to_string();
            if found != target.sha256 {
                let reason = format!("{} is not the one that the release document names", target.path);
                return Err(Error::trust(TrustKind::Mismatch, reason));
            }
        }
        Documents::parse(bytes, &index, table)
    }

    /// The locations of the repository: those that the user named, then the mirrors that its catalog names.
    pub(super) fn places(&self) -> Vec<String> {
        let mut places = self.user_places();
        for mirror in self.catalog.mirrors.iter().filter(|mirror| release::is_web_address(mirror)) {
            if !places.contains(mirror) {
                places.push(mirror.clone());
            }
        }
        places
    }

    /// The locations that the user named. Earlier programs appended the catalog's mirrors to them.
    fn user_places(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for place in self.locations.iter().map(|text| lasting(text)) {
            let is_mirror = !places.is_empty() && self.catalog.mirrors.contains(&place);
            if !is_mirror && !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The locations of chunks, in order of preference. Paths are relative to each mirror.
    ///
    /// The catalog's key is online. It can send clients to other servers, but not to folders on this machine or, with
    /// a Windows path, on another machine. Unknown kinds of stores are ignored.
    pub(super) fn stores(&self) -> Vec<String> {
        let default = [DEFAULT_STORE.to_owned()];
        let named = if self.catalog.stores.is_empty() { &default[..] } else { &self.catalog.stores[..] };
        let mut all: Vec<String> = Vec::new();
        for store in named {
            let places = if release::is_web_address(store) {
                vec![store.clone()]
            } else if RelPath::new(store).is_err() {
                continue;
            } else {
                self.places().iter().map(|place| below(place, store)).collect()
            };
            for place in places {
                if !all.contains(&place) {
                    all.push(place);
                }
            }
        }
        all
    }

    /// The versions of a mode that players are told about.
    pub(super) fn told(&self, mode: &ModeName, platform: &Platform) -> Vec<Version> {
        let offers = self.catalog.modes.get(mode).map_or(&[][..], |mode| &mode.versions);
        let is_told = |offer: &&release::Offer| {
            offer.platforms.contains(platform) && !offer.recalled && !offer.skip_update && offer.rollout > 0
        };
        offers.iter().filter(is_told).map(|offer| offer.version.clone()).collect()
    }

    pub(super) fn modes(&self, platform: &Platform, current: &ModeName) -> Vec<ModeInfo> {
        let info = |(name, mode): (&ModeName, &release::Mode)| {
            let offers = mode
                .versions
                .iter()
                .filter(|offer| offer.platforms.contains(platform) && !offer.recalled && !offer.skip_update);
            let newest = offers.max_by(|a, b| a.version.cmp(&b.version)).map(|offer| offer.version.clone());
            ModeInfo {
                name: name.clone(),
                description: mode.description.clone(),
                is_active: mode.is_active,
                update_to: mode.update_to.clone(),
                newest,
                asks_for_reports: mode.reports,
                is_current: name == current,
            }
        };
        self.catalog.modes.iter().map(info).collect()
    }

    pub(super) fn versions(
        &self,
        platform: &Platform,
        state: &InstallState,
        only: Option<&ModeName>,
    ) -> Result<Vec<VersionInfo>> {
        if let Some(mode) = only {
            self.catalog.mode(mode)?;
        }
        let mut all = Vec::new();
        for (name, mode) in self.catalog.modes.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
            let mut offers: Vec<&release::Offer> = mode.versions.iter().collect();
            offers.sort_by(|a, b| b.version.cmp(&a.version).then(b.sequence.cmp(&a.sequence)));
            all.extend(offers.into_iter().map(|offer| version_info(platform, state, name, offer)));
        }
        Ok(all)
    }
}

/// A version of a mode, as an install with this state sees it.
fn version_info(platform: &Platform, state: &InstallState, mode: &ModeName, offer: &release::Offer) -> VersionInfo {
    let is = |installed: &Option<install::Installed>| {
        installed.as_ref().is_some_and(|it| (&it.mode, &it.version) == (mode, &offer.version))
    };
    VersionInfo {
        mode: mode.clone(),
        version: offer.version.clone(),
        platforms: offer.platforms.iter().cloned().collect(),
        is_for_here: offer.platforms.contains(platform),
        is_current: is(&state.current),
        is_previous: is(&state.previous),
        is_bad: state.bad.iter().any(|(name, version)| (name, version) == (mode, &offer.version)),
        is_recalled: offer.recalled,
        is_skipped: offer.skip_update,
        rollout: offer.rollout,
        published_at: None,
        download_bytes: None,
    }
}

/// Raises the oldest allowed version of a mode; never lowers it.
fn raise(floors: &mut BTreeMap<ModeName, Version>, mode: &ModeName, oldest: &Version) {
    let floor = floors.entry(mode.clone()).or_insert_with(|| oldest.clone());
    if oldest.cmp_precedence(floor).is_gt() {
        floor.clone_from(oldest);
    }
}

/// The successors that both the catalog and the mode's own key (or that of `targets`) name.
fn successors(repository: &Repository, catalog: &Catalog) -> BTreeMap<ModeName, ModeName> {
    let targets = repository.field("targets", STATEMENT_FIELD);
    let mut named = catalog.successors();
    named.retain(|mode, next| {
        let own = repository.field(mode.as_str(), STATEMENT_FIELD);
        signed_successor(mode, targets, own).as_ref() == Some(next)
    });
    named
}

/// Reads a target, and reports a problem that did not prevent it.
fn target(repository: &mut Repository, name: &str, max_bytes: u64, monitor: &Monitor) -> Result<Vec<u8>> {
    let outcome = repository.target(name, max_bytes);
    if let Some(warning) = repository.take_warning().filter(|_| outcome.is_ok()) {
        monitor.warn(&warning);
    }
    outcome
}

/// The root for a new install. An install that has seen metadata keeps the root that it came with.
fn default_root(settings: &Settings, root: &InstallRoot) -> Option<Vec<u8>> {
    if root.trust().join("root.json").is_file() { None } else { settings.defaults.trust_root.clone() }
}

/// A location that does not depend on the working folder: an absolute path, or the URL as it is.
fn lasting(location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    std::path::absolute(location).map_or_else(|_| location.to_owned(), |path| path.display().to_string())
}

pub(super) fn below(location: &str, name: &str) -> String {
    if !location.contains("://") {
        return Path::new(&lasting(location)).join(name).display().to_string();
    }
    match Url::parse(location) {
        Ok(mut url) => {
            // Keeps the query, as in signed URLs.
            let path = format!("{}/{name}", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.to_string()
        }
        Err(_) => format!("{}/{name}", location.trim_end_matches('/')),
    }
}
