//! Where a repository is: the locations that the user named, and the stores and servers behind them.

use crate::app::updater::Settings;
use crate::error::{Error, Result, TrustKind};
use crate::event::Monitor;
use crate::install::InstallState;
use crate::local::sources::Sources;
use crate::local::store::LocalStore;
use crate::net::http::Network;
use crate::net::trust::Location;

/// The locations that the user named: now, at the last update, or for new installs.
pub(super) fn named<'a>(settings: &'a Settings, state: &'a InstallState) -> &'a [String] {
    let places = [&settings.repository, &state.repository, &settings.defaults.repository];
    places.into_iter().find(|places| !places.is_empty()).unwrap_or(&settings.repository)
}

/// The network for this install's repository: only servers that the user named get credentials.
pub(in crate::app::updater) fn network(
    settings: &Settings,
    state: &InstallState,
    monitor: &Monitor,
) -> Result<Network> {
    let (mut urls, mut has_folder) = (Vec::new(), false);
    for text in named(settings, state) {
        match text.parse()? {
            Location::Url(url) => urls.push(url),
            Location::Folder(_) => has_folder = true,
        }
    }
    Ok(settings.network.for_repository(&urls, has_folder).stopped_by(&monitor.cancel))
}

/// Opens the stores that a state or a catalog names.
pub(in crate::app::updater) fn sources(settings: &Settings, network: &Network, stores: &[String]) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut urls = Vec::new();
    for store in stores {
        match store.parse::<Location>()? {
            Location::Url(url) => urls.push(url),
            Location::Folder(folder) => {
                // A folder that is not there now is not a reason to stop.
                match LocalStore::open(&folder) {
                    Ok(store) => sources.stores.push(store),
                    Err(_) => sources.absent = Some(folder),
                }
            }
        }
    }
    if !urls.is_empty() {
        sources.remote = Some(network.remote(urls)?);
    }
    sources.caches = settings.caches.iter().filter_map(|cache| LocalStore::open(cache).ok()).collect::<Vec<_>>();
    sources.write_cache = settings.write_cache.as_deref().map(LocalStore::create).transpose()?;
    Ok(sources)
}

/// Opens again, after the pauses of other failed requests, while a server offers older metadata than before: of several
/// servers at an address, one may be cut off from the database, and another one may answer next. What is older is never
/// taken.
pub(super) fn ask_again<T>(
    network: &Network,
    locations: &[String],
    state: &InstallState,
    open: impl Fn() -> Result<T>,
) -> Result<T> {
    let is_server = |place: &String| matches!(place.parse(), Ok(Location::Url(_)));
    let has_server = locations.iter().chain(&state.mirrors).any(is_server);
    let mut tries = 0;
    loop {
        tries += 1;
        match (open(), network.pause_after(tries)) {
            (Err(Error::Trust { kind: TrustKind::Rollback, .. }), Some(pause)) if has_server => network.rest(pause)?,
            (opened, _) => return opened,
        }
    }
}
