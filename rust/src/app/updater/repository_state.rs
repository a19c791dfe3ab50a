//! A look at the repository: its metadata verified, its catalog parsed, and what follows for this install.

use std::path::Path;

use super::bundle_client::{BundleClient, InstalledBase, KnownList};
use super::{ModeInfo, Settings, went_back};
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::event::Monitor;
use crate::formats::bundle::list_name;
use crate::formats::release::{
    self, CATALOG_TARGET, Catalog, Choice, DEFAULT_STORE, ModeName, Platform, Release, Situation, target_name,
};
use crate::install::{Documents, InstallRoot, InstallState, this_launcher};
use crate::limits;
use crate::local::sources::{Sources, Transfer};
use crate::local::store::LocalStore;
use crate::net::http::Url;
use crate::net::trust::{Location, OpenOptions, Repository, target_path};
use crate::path::RelPath;
use crate::version::Version;

/// Who may give a version's documents, beside the repository.
pub(super) struct DocumentSources<'a, 'b> {
    /// Versions in place.
    pub(super) bases: &'a [InstalledBase],
    /// Bundles.
    pub(super) client: Option<&'a mut BundleClient<'b>>,
}

/// The verified state of a repository, as one operation sees it.
pub(super) struct RepositoryState {
    repository: Repository,
    catalog: Catalog,
    locations: Vec<String>,
    monitor: Monitor,
}

impl RepositoryState {
    /// Gets and verifies metadata and catalog.
    ///
    /// # Errors
    /// Those of [`Repository::open`]; `metadata_rollback` if the catalog has gone back in the mode that is followed.
    pub(super) fn open(
        settings: &Settings,
        root: &InstallRoot,
        state: &InstallState,
        monitor: &Monitor,
    ) -> Result<Self> {
        let places = [&settings.repository, &state.repository, &settings.defaults.repository];
        let locations = places.into_iter().find(|places| !places.is_empty()).unwrap_or(&settings.repository);
        if locations.is_empty() {
            let reason = "no repository is known; name one with --repository".to_owned();
            return Err(Error::Invalid { what: "repository", reason });
        }
        let mut repository = Repository::open(OpenOptions {
            locations: locations.iter().map(|text| text.parse()).collect::<Result<Vec<Location>>>()?,
            root: settings.trust_root.clone().or_else(|| default_root(settings, root)),
            memory: Some(root.trust()),
            scratch: settings.scratch.clone(),
            clock_guard: settings.clock_guard,
            network: settings.network.stopped_by(&monitor.cancel),
        })?;
        let catalog = Catalog::parse(&target(&mut repository, CATALOG_TARGET, limits::MAX_DOCUMENT_BYTES, monitor)?)?;
        let is_new_root = state.seen_root != 0 && repository.root_version() > state.seen_root;
        for (mode, seen) in state.seen.iter().filter(|_| !is_new_root) {
            let now = catalog.modes.get(mode).map_or(0, |mode| mode.sequence);
            if now < *seen {
                return Err(went_back(mode, *seen, now));
            }
        }
        Ok(Self { repository, catalog, locations: locations.clone(), monitor: monitor.clone() })
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(super) fn remember(&mut self) -> Result<()> {
        self.repository.remember()
    }

    pub(super) fn transfer(&self) -> Transfer {
        self.repository.transfer()
    }

    /// The mode whose versions count.
    pub(super) fn mode(&self, settings: &Settings, state: &InstallState) -> Result<ModeName> {
        release::resolve_mode(&self.catalog, settings.mode.as_ref().unwrap_or(&state.mode)).cloned()
    }

    pub(super) fn choose<'a>(&'a self, settings: &'a Settings, state: &'a InstallState) -> Result<Choice<'a>> {
        let situation = Situation {
            mode: settings.mode.as_ref().unwrap_or(&state.mode),
            platform: &settings.platform,
            // Another platform's build is none of ours.
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
        state.mode = self.mode(settings, state)?;
        for (name, mode) in &self.catalog.modes {
            state.seen.insert(name.clone(), mode.sequence);
        }
        state.seen_root = self.repository.root_version();
        state.repository = self.places();
        state.stores = self.stores();
        Ok(())
    }

    /// The release document of a version, and its bytes.
    ///
    /// # Errors
    /// `target_not_signed` if no key of the mode has signed it; `target_mismatch` if it describes another.
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
            return Err(Error::Trust { kind: TrustKind::Mismatch, reason });
        }
        Ok((release, bytes))
    }

    /// What the metadata has told of a version's bundles. `bytes` is its release document.
    pub(super) fn listed(&self, release: &Release, bytes: &[u8]) -> KnownList {
        let document = target_path(&release.target_name(), &Digest::of(bytes).to_string());
        match self.repository.beside(&list_name(&release.content())) {
            Some(list) => KnownList::OldVersion(list),
            // What brought the document would have brought the list.
            None if self.repository.beside(&document).is_some() => KnownList::Nothing,
            None => KnownList::Unknown,
        }
    }

    /// All that is signed of a version. What is kept of it here is not fetched, and what lies in front of a bundle
    /// costs no request of its own.
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
                return Err(Error::Trust { kind: TrustKind::Mismatch, reason });
            }
        }
        Documents::parse(bytes, &index, table)
    }

    /// Where the repository is: what was named, then the mirrors that its catalog names.
    pub(super) fn places(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        let mirrors = self.catalog.mirrors.iter().filter(|mirror| release::is_web_address(mirror)).cloned();
        for place in self.locations.iter().map(|text| lasting(text)).chain(mirrors) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Where chunks are: URLs and folders, in order of preference. Those below a repository are below each mirror.
    ///
    /// The catalog's key is online. It can send clients to other servers, but not to folders of this machine or, on
    /// Windows, of whatever machine a path names; a store of a kind that is not known here is passed over.
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
                is_current: name == current,
            }
        };
        self.catalog.modes.iter().map(info).collect()
    }
}

/// Reads a target, and says what was passed over until then.
fn target(repository: &mut Repository, name: &str, max_bytes: u64, monitor: &Monitor) -> Result<Vec<u8>> {
    let outcome = repository.target(name, max_bytes);
    if let Some(warning) = repository.take_warning().filter(|_| outcome.is_ok()) {
        monitor.warn(&warning);
    }
    outcome
}

/// The root for new installs: one that has seen metadata keeps to the root that it came with.
fn default_root(settings: &Settings, root: &InstallRoot) -> Option<Vec<u8>> {
    if root.trust().join("root.json").exists() { None } else { settings.defaults.trust_root.clone() }
}

/// A path as it is found from anywhere; a URL as it is.
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
            // A query, as in signed URLs, stays.
            let path = format!("{}/{name}", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.to_string()
        }
        Err(_) => format!("{}/{name}", location.trim_end_matches('/')),
    }
}

/// Opens the stores that a state or a catalog names.
pub(super) fn sources(settings: &Settings, stores: &[String]) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut urls = Vec::new();
    for store in stores {
        match store.parse::<Location>()? {
            Location::Url(url) => urls.push(url),
            Location::Folder(folder) => {
                // A store of a mirror that is not there now is no reason to stop.
                sources.stores.extend(LocalStore::open(&folder).ok());
            }
        }
    }
    if !urls.is_empty() {
        sources.remote = Some(settings.network.remote(urls)?);
    }
    sources.caches = settings.caches.iter().filter_map(|cache| LocalStore::open(cache).ok()).collect::<Vec<_>>();
    sources.write_cache = settings.write_cache.as_deref().map(LocalStore::create).transpose()?;
    Ok(sources)
}
