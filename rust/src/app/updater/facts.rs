//! Input and output of the updater: what its callers want, and what it reports.

use std::path::PathBuf;

use serde::Serialize;

use super::Story;
use crate::formats::release::{ModeName, Platform, Sizes, Why};
use crate::install::integrate;
use crate::install::{self, Installed, Trial};
use crate::local::sources::Transfer;
use crate::net::http::Network;
use crate::net::trust::ClockGuard;
use crate::version::Version;

/// What a caller wants; applies to all calls.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Mirrors of the repository, as URLs or folders. If empty, those that the install came from.
    pub repository: Vec<String>,
    /// The trusted `root.json`; not needed once the install has one.
    pub trust_root: Option<Vec<u8>>,
    /// The mode to follow; `None` keeps the mode that the install follows.
    pub mode: Option<ModeName>,
    /// Defaults for a new install.
    pub defaults: Defaults,
    /// The platform whose builds are installed.
    pub platform: Platform,
    /// Install exactly this version.
    pub version: Option<Version>,
    /// Do not wait for a staged rollout.
    pub at_once: bool,
    /// Accept a folder that already contains files.
    pub adopt: bool,
    /// Discard what an interrupted run has left.
    pub discard: bool,
    /// How to treat a clock that went back.
    pub clock_guard: ClockGuard,
    /// How to reach servers.
    pub network: Network,
    /// Chunk caches of other programs, which are read.
    pub caches: Vec<PathBuf>,
    /// A chunk store to which downloaded chunks are added.
    pub write_cache: Option<PathBuf>,
    /// A folder for temporary files.
    pub scratch: PathBuf,
    /// Folders that are refused as install roots.
    pub protected: Vec<PathBuf>,
    /// Another user whose install this one may change.
    pub trusted_owner: Option<u32>,
}

impl Settings {
    /// Settings to update an install from where it came from, for this machine's platform.
    pub fn new(network: Network) -> Self {
        Self {
            repository: Vec::new(),
            trust_root: None,
            mode: None,
            defaults: Defaults::default(),
            platform: Platform::current(),
            version: None,
            at_once: false,
            adopt: false,
            discard: false,
            clock_guard: ClockGuard::Keep,
            network,
            caches: Vec::new(),
            write_cache: None,
            scratch: std::env::temp_dir(),
            protected: Vec::new(),
            trusted_owner: None,
        }
    }
}

/// What the user wants of new installs. Existing installs keep their own settings.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// Mirrors of the repository.
    pub repository: Vec<String>,
    /// The trusted `root.json`.
    pub trust_root: Option<Vec<u8>>,
    /// The mode to follow.
    pub mode: ModeName,
}

/// A version that the install could be updated to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Available {
    /// The mode that offers it.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// Why it is offered.
    pub why: Why,
    /// Its sizes.
    pub sizes: Sizes,
    /// Upper limit for the download, in bytes: the size of a bundle from an installed version, if there is one.
    pub download_bytes: u64,
    /// The release notes, in Markdown.
    pub notes: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The installed version.
    pub current: Option<Installed>,
    /// The mode that is followed, after all successors.
    pub mode: ModeName,
    /// The version to update to; `None` if the install has the version that it should have.
    pub available: Option<Available>,
    /// A version that is being rolled out, and has not reached this install yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<Version>,
    /// Whether the current version was recalled, and stays because its mode offers no other.
    #[serde(skip_serializing_if = "is_not")]
    pub is_recalled: bool,
    /// The news of the mode, the newest first, with the pictures that are here. Not part of the JSON.
    #[serde(skip)]
    pub news: Vec<Story>,
    /// Requests and bytes.
    pub transfer: Transfer,
}

/// The result of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Updated {
    /// The mode that the install follows. The current version may come from another one, such as after a rollback.
    pub mode: ModeName,
    /// The current version.
    pub current: Installed,
    /// The version before, if it was another one.
    pub from: Option<Version>,
    /// Why the version was installed; `None` if there was nothing to do.
    pub why: Option<Why>,
    /// A version that is being rolled out, and has not reached this install yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<Version>,
    /// Whether the current version was recalled, and stays because its mode offers no other.
    #[serde(skip_serializing_if = "is_not")]
    pub is_recalled: bool,
    /// Whether updates come from another repository than before.
    #[serde(skip_serializing_if = "is_not")]
    pub has_new_repository: bool,
    /// Whether a root that was given has replaced the trusted one, which did not lead to it.
    #[serde(skip_serializing_if = "is_not")]
    pub has_new_root: bool,
    /// The work that was done.
    #[serde(flatten)]
    pub report: install::Installation,
    /// Requests and bytes for metadata and documents.
    pub metadata: Transfer,
}

impl Updated {
    /// A version that was lost in part and is whole again, with nothing asked of a repository.
    pub(super) fn restored(mode: ModeName, current: Installed, report: install::Installation) -> Self {
        Self {
            mode,
            current,
            report,
            from: None,
            why: Some(Why::Incomplete),
            held_back: None,
            is_recalled: false,
            has_new_repository: false,
            has_new_root: false,
            metadata: Transfer::default(),
        }
    }
}

/// The state of an install, as known without network access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The install root.
    #[serde(serialize_with = "crate::text::lossy")]
    pub directory: PathBuf,
    /// A random name that the install was given when it was made; empty without an install.
    #[serde(skip)]
    pub install_id: String,
    /// The mode that the install follows.
    pub mode: ModeName,
    /// The version that `launch` starts.
    pub current: Option<Installed>,
    /// The version to go back to.
    pub previous: Option<Installed>,
    /// The version that was downloaded in advance, and waits to be made the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downloaded: Option<Version>,
    /// A missing part of the current version, if there is one.
    pub missing: Option<String>,
    /// Set until the current version has shown that it starts.
    pub trial: Option<Trial>,
    /// Versions that are not offered again automatically.
    pub bad: Vec<(ModeName, Version)>,
    /// The repository's addresses, without user, password and query.
    pub repository: Vec<String>,
    /// Whether an interrupted update can be resumed.
    pub is_resumable: bool,
    /// The process that is changing the install right now, and what it does, if one left an update unfinished so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
    /// Whether it is registered with the desktop.
    pub is_integrated: bool,
    /// Whether a launcher starts when the user logs in, which this install remembers.
    #[serde(skip_serializing_if = "is_not")]
    pub starts_at_login: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_not(value: &bool) -> bool {
    !value
}

/// How an install is registered with the desktop.
#[derive(Debug, Clone)]
pub struct Desktop {
    /// The name of the game, as shown to users.
    pub display_name: String,
    /// The absolute path of the `vsekai` program.
    pub program: PathBuf,
    /// See [`integrate::Request::copies_program`].
    pub copies_program: bool,
    /// The stub, if there is one.
    pub stub: Option<PathBuf>,
    /// The icon, as SVG.
    pub icon_svg: Option<Vec<u8>>,
    /// The icon instead, as PNG of 256 by 256 pixels.
    pub icon_png256: Option<Vec<u8>>,
    /// The beginning of its name on the desktop: see [`integrate::Request::app_id_prefix`].
    pub app_id_prefix: String,
    /// The URL scheme.
    pub scheme: String,
    /// Whether to handle the scheme.
    pub links: integrate::Links,
    /// What the menu entry opens. [`integrate::Opens::Game`] leaves a launcher in charge that was registered before.
    pub opens: integrate::Opens,
    /// The user's folders for menu entries and settings.
    pub folders: integrate::Folders,
    /// The program that notifies the desktop, if it exists: `update-desktop-database`.
    pub refresh: Option<PathBuf>,
}

/// A mode, as listed by `mode list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModeInfo {
    /// Its name.
    pub name: ModeName,
    /// One sentence for the list.
    pub description: String,
    /// Whether it still gets new versions.
    pub is_active: bool,
    /// The mode that its users are moved to, if any.
    pub update_to: Option<ModeName>,
    /// The newest version that it offers for this platform.
    pub newest: Option<Version>,
    /// Whether its publisher asks players who agree how new versions begin.
    pub asks_for_reports: bool,
    /// Whether the install follows it.
    pub is_current: bool,
}

/// A version of a mode, as the repository lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct VersionInfo {
    /// The mode.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// The platforms that have a build.
    pub platforms: Vec<Platform>,
    /// Whether one of them is the platform of the install.
    pub is_for_here: bool,
    /// Whether it is the installed version.
    pub is_current: bool,
    /// Whether `rollback` goes back to it.
    pub is_previous: bool,
    /// Whether it did not start here, or was left by a rollback: it is not offered again automatically.
    pub is_bad: bool,
    /// Whether the publisher has withdrawn it.
    pub is_recalled: bool,
    /// Whether it is only installed by name.
    pub is_skipped: bool,
    /// Percentage of installs that are offered it.
    pub rollout: u8,
    /// When it was published, for the first of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<jiff::Timestamp>,
    /// What a first install downloads, in bytes, for the first of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
}
