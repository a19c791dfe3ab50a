//! The updater of an install root, for commands that work on one.

use std::path::Path;

use crate::app::host;
use crate::app::updater::{Defaults, Settings, Updater};
use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::install::InstallRoot;
use crate::install::config::{self, Config, Origin};
use crate::net::http::Network as Connection;
use crate::net::trust::ClockGuard;

use crate::cli::arguments::Network;
use crate::cli::arguments::install::Source;
use crate::cli::{connect, options, settings};

/// The updater of an install root, with the settings that all commands share.
///
/// # Errors
/// `not_installed` if there is no install, and nothing else names a repository.
pub(crate) fn updater(dir: &Path, source: &Source, change: impl FnOnce(&mut Settings)) -> Result<Updater> {
    let mut has_repository = true;
    let updater = at(dir, source, |settings| {
        change(settings);
        has_repository = !settings.repository.is_empty() || !settings.defaults.repository.is_empty();
    })?;
    if !has_repository && !updater.root().is_ours() {
        return Err(Error::NotInstalled { path: dir.to_owned() });
    }
    Ok(updater)
}

/// The same, whether there is an install or not.
pub(crate) fn at(dir: &Path, source: &Source, change: impl FnOnce(&mut Settings)) -> Result<Updater> {
    let flags = Config {
        repository: source.repository.iter().map(|place| options::location(place)).collect::<Result<_>>()?,
        trust_root: source.trust_root.clone(),
        platform: source.platform.as_ref().map(ToString::to_string),
        ..Config::default()
    };
    let has_own = InstallRoot::at(dir).is_ok_and(|root| root.is_ours());
    let mut settings = of(source, settings::merge(flags)?, connect::connect(&source.network)?, has_own)?;
    change(&mut settings);
    Updater::new(options::folder(dir)?, settings)
}

/// The updater of an install root for commands that need no network, and no settings: those that cannot be used do not count.
pub(crate) fn offline(dir: &Path, trust_owner: Option<u32>) -> Result<Updater> {
    let source = Source {
        repository: Vec::new(),
        trust_root: None,
        platform: None,
        reset_clock_guard: false,
        trust_owner,
        network: Network::default(),
    };
    let usable = settings::usable();
    let network = connect::connect_by(&source.network, usable.clone())?;
    let settings = of(&source, usable, network.clone(), true);
    // A file that one of them names may be gone.
    let settings = settings.or_else(|_| of(&source, settings::unset(), network, true))?;
    Updater::new(options::folder(dir)?, settings)
}

/// An install that has a trusted root of its own (`has_own`) does not need the one for new installs, which may be gone.
fn of(source: &Source, merged: config::Settings, network: Connection, has_own: bool) -> Result<Settings> {
    let mut defaults = Defaults::default();
    let mut settings = Settings {
        platform: merged.platform.value.map_or_else(|| Ok(Platform::current()), |name| Platform::new(&name))?,
        clock_guard: if source.reset_clock_guard { ClockGuard::Reset } else { ClockGuard::Keep },
        caches: if merged.shared_cache.value { host::shared_cache_folder().into_iter().collect() } else { Vec::new() },
        write_cache: merged.cache.value,
        trusted_owner: source.trust_owner,
        protected: host::protected(),
        ..Settings::new(network)
    };
    // Only options change an existing install: it keeps its own settings, and all else applies to new ones.
    let is_default = |origin: Origin| origin != Origin::Flag;
    let root = match merged.trust_root.origin {
        Origin::BuiltIn => Some(host::built_in().1.to_owned()),
        origin => match merged.trust_root.value.as_deref().map(options::trust_root).transpose() {
            Err(_) if has_own && is_default(origin) => None,
            read => read?,
        },
    };
    *(if is_default(merged.trust_root.origin) { &mut defaults.trust_root } else { &mut settings.trust_root }) = root;
    let repository = merged.repository.value;
    *(if is_default(merged.repository.origin) { &mut defaults.repository } else { &mut settings.repository }) =
        repository;
    match (merged.mode.value.map(|name| ModeName::new(&name)).transpose()?, is_default(merged.mode.origin)) {
        (Some(mode), true) => defaults.mode = mode,
        (mode, _) => settings.mode = mode,
    }
    settings.defaults = defaults;
    Ok(settings)
}
