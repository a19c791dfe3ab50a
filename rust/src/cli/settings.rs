//! The updater's settings. Flags override `VSEKAI_*` variables, which override the user's file, which overrides what
//! is built into the program and the defaults.

use std::path::PathBuf;
use std::time::Duration;

use crate::app::host;
use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::install::config::{self, Config, Folders, MAX_CONFIG_BYTES, Origin, Setting, System};
use crate::local::disk::{self, Durability};

use crate::cli::arguments::Network;
use crate::cli::options;

/// The network settings, for commands that need no others.
pub(crate) fn network(options: &Network) -> Result<config::Settings> {
    merge(Config { proxy: options.proxy.clone(), connections: options.connections, ..Config::default() })
}

/// All settings, without flags applied.
pub(crate) fn all() -> Result<config::Settings> {
    merge(Config::default())
}

/// The settings with these flags, which override all others.
pub(crate) fn merge(flags: Config) -> Result<config::Settings> {
    for name in config::VARIABLES {
        options::variable(name)?;
    }
    let environment = |name: &str| std::env::var(name).ok();
    let file = file().map_or_else(|| Ok(Config::default()), |path| Config::load(&path))?;
    let (repository, trust_root) = host::built_in();
    let merged = config::Settings::merge(flags, &environment, file)?;
    Ok(merged.with_built_in(repository, !trust_root.is_empty()))
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

/// What sets the mode of new installs to this, if it is not what everybody gets.
pub(crate) fn origin_of_mode(mode: &str) -> Option<String> {
    let Setting { value, origin } = all().ok()?.mode;
    if value.as_deref() != Some(mode) {
        return None;
    }
    match origin {
        Origin::File => Some(file()?.display().to_string()),
        Origin::Environment => Some("VSEKAI_MODE".to_owned()),
        Origin::Flag | Origin::BuiltIn | Origin::Default => None,
    }
}

/// Sets the mode of new installs in the user's configuration file, and returns that file's path.
pub(crate) fn set_default_mode(mode: &ModeName) -> Result<PathBuf> {
    change("mode", &[mode.to_string()])
}

/// Sets a key of the user's configuration file, or removes it without values, and returns that file's path.
pub(crate) fn change(key: &str, values: &[String]) -> Result<PathBuf> {
    let path = known_file()?;
    let bytes = disk::read_if_exists(&path, MAX_CONFIG_BYTES as u64)?.unwrap_or_default();
    let before = std::str::from_utf8(&bytes);
    let before = before.map_err(|_| Error::invalid("configuration", format!("{} is not UTF-8", path.display())))?;
    let text = Config::with(before, key, values)?;
    if text != before {
        path.parent().map_or(Ok(()), disk::create_directory)?;
        disk::write_atomic(&path, text.as_bytes(), Durability::PowerCut)?;
    }
    Ok(path)
}

/// The user's configuration file, which need not exist.
pub(crate) fn known_file() -> Result<PathBuf> {
    file().ok_or_else(|| Error::invalid("configuration", "this user's home folder is unknown"))
}
