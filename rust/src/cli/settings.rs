//! The updater's settings. Flags override `VSEKAI_*` variables, which override the user's file, which overrides the
//! defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::host;
use crate::app::updater::{Defaults, Settings, Updater};
use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::install::config::{self, Config, Folders, MAX_CONFIG_BYTES, Origin, Setting, System};
use crate::local::disk::{self, Durability};
use crate::net::trust::ClockGuard;

use crate::cli::arguments::Network;
use crate::cli::arguments::install::Source;
use crate::cli::options;

/// The updater of an install root, with the settings that all commands share.
pub(crate) fn updater(dir: &Path, source: &Source, change: impl FnOnce(&mut Settings)) -> Result<Updater> {
    let mut settings = of(source)?;
    change(&mut settings);
    Updater::new(options::folder(dir)?, settings)
}

/// The updater of an install root for commands that need no network.
pub(crate) fn offline(dir: &Path, trust_owner: Option<u32>) -> Result<Updater> {
    let source = Source {
        repository: Vec::new(),
        trust_root: None,
        platform: None,
        reset_clock_guard: false,
        trust_owner,
        network: Network::default(),
    };
    updater(dir, &source, |_| {})
}

fn of(source: &Source) -> Result<Settings> {
    let flags = Config {
        repository: source.repository.iter().map(|place| options::location(place)).collect::<Result<_>>()?,
        trust_root: source.trust_root.clone(),
        platform: source.platform.as_ref().map(ToString::to_string),
        ..Config::default()
    };
    let merged = merge(flags)?;
    let mut defaults = Defaults::default();
    let mut settings = Settings {
        platform: merged.platform.value.map_or_else(|| Ok(Platform::current()), |name| Platform::new(&name))?,
        clock_guard: if source.reset_clock_guard { ClockGuard::Reset } else { ClockGuard::Keep },
        caches: if merged.shared_cache.value { host::shared_cache_folder().into_iter().collect() } else { Vec::new() },
        write_cache: merged.cache.value,
        trusted_owner: source.trust_owner,
        protected: host::protected(),
        ..Settings::new(options::connect(&source.network)?)
    };
    // The file applies to new installs only: an existing install keeps its own settings.
    let is_default = |origin: Origin| matches!(origin, Origin::File | Origin::Default);
    let root = merged.trust_root.value.as_deref().map(options::read_small).transpose()?;
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

/// The network settings, for commands that need no others.
pub(crate) fn network(options: &Network) -> Result<config::Settings> {
    merge(Config { proxy: options.proxy.clone(), connections: options.connections, ..Config::default() })
}

/// All settings, without flags applied.
pub(crate) fn all() -> Result<config::Settings> {
    merge(Config::default())
}

fn merge(flags: Config) -> Result<config::Settings> {
    for name in config::VARIABLES {
        options::variable(name)?;
    }
    let environment = |name: &str| std::env::var(name).ok();
    let file = file().map_or_else(|| Ok(Config::default()), |path| Config::load(&path))?;
    config::Settings::merge(flags, &environment, file)
}

/// The user's configuration file: `VSEKAI_CONFIG`, or the usual place on this system.
pub(crate) fn file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folders =
        Folders { home: std::env::home_dir(), xdg_config_home: folder("XDG_CONFIG_HOME"), app_data: folder("APPDATA") };
    folder("VSEKAI_CONFIG").or_else(|| config::file_in(System::current(), &folders))
}

/// How long a game that does not signal readiness must run to count as started.
pub(crate) fn grace(flag: Option<Duration>) -> Result<Duration> {
    flag.map_or_else(|| Ok(Duration::from_secs(all()?.grace_seconds.value)), Ok)
}

/// The mode of new installs.
pub(crate) fn default_mode() -> Result<ModeName> {
    let Setting { value, .. } = all()?.mode;
    value.map_or_else(|| Ok(ModeName::default()), |name| ModeName::new(&name))
}

/// Sets the mode of new installs in the user's configuration file, and returns that file's path.
pub(crate) fn set_default_mode(mode: &ModeName) -> Result<PathBuf> {
    let no_home = || Error::Invalid { what: "configuration", reason: "this user's home folder is unknown".to_owned() };
    let path = file().ok_or_else(no_home)?;
    let bytes = disk::read_if_exists(&path, MAX_CONFIG_BYTES as u64)?.unwrap_or_default();
    let text = Config::with_mode(&String::from_utf8_lossy(&bytes), mode.as_str())?;
    path.parent().map_or(Ok(()), disk::create_directory)?;
    disk::write_atomic(&path, text.as_bytes(), Durability::PowerCut)?;
    Ok(path)
}
