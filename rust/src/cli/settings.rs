//! The updater's settings. Flags override `VSEKAI_*` variables, which override the user's file, which overrides what
//! is built into the program and the defaults.

use std::path::PathBuf;
use std::time::Duration;

use crate::app::host;
use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::install::config::{self, Config, Folders, Origin, Setting, System};
use crate::local::disk;

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
    merge_with(flags, file().map_or_else(|| Ok(Config::default()), |path| Config::load(&path))?)
}

/// All settings but those of the user's file.
pub(crate) fn without_file() -> Result<config::Settings> {
    merge_with(Config::default(), Config::default())
}

/// The settings for a command that works with what is on this machine: a game starts whatever is in them. What cannot be used
/// counts as not set.
pub(crate) fn usable() -> config::Settings {
    all().or_else(|_| without_file()).unwrap_or_else(|_| {
        let file = file().and_then(|path| Config::load(&path).ok()).unwrap_or_default();
        built_in(config::Settings::of_file(file))
    })
}

/// What applies where nothing is set.
pub(crate) fn unset() -> config::Settings {
    built_in(config::Settings::of_file(Config::default()))
}

fn merge_with(flags: Config, file: Config) -> Result<config::Settings> {
    for name in config::VARIABLES {
        options::variable(name)?;
    }
    let environment = |name: &str| std::env::var(name).ok();
    config::Settings::merge(flags, &environment, file).map(built_in)
}

fn built_in(settings: config::Settings) -> config::Settings {
    let (repository, trust_root) = host::built_in();
    settings.with_built_in(repository, !trust_root.is_empty())
}

/// The user's configuration file: `VSEKAI_CONFIG`, or the usual place on this system.
pub(crate) fn file() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folders =
        Folders { home: std::env::home_dir(), xdg_config_home: folder("XDG_CONFIG_HOME"), app_data: folder("APPDATA") };
    folder("VSEKAI_CONFIG").or_else(|| config::file_in(System::current(), &folders))
}

/// How long a game that does not signal readiness must run to count as started.
pub(crate) fn grace(flag: Option<Duration>) -> Duration {
    flag.unwrap_or_else(|| Duration::from_secs(usable().grace_seconds.value))
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
    Ok(change("mode", &[mode.to_string()])?.0)
}

/// Sets a key of the user's configuration file, or removes it without values. Returns that file's path, and whether it
/// was changed.
pub(crate) fn change(key: &str, values: &[String]) -> Result<(PathBuf, bool)> {
    let path = known_file()?;
    let before = config::read(&path)?;
    let text = Config::with(&before, key, values).map_err(|error| config::in_file(&path, error))?;
    let is_changed = text != before;
    if is_changed {
        path.parent().map_or(Ok(()), disk::create_directory)?;
        disk::write_named(&path, text.as_bytes())?;
    }
    Ok((path, is_changed))
}

/// The user's configuration file, which need not exist.
pub(crate) fn known_file() -> Result<PathBuf> {
    file().ok_or_else(|| Error::invalid("configuration", "this user's home folder is unknown"))
}
