//! What callers of the updater say, once for all calls, and what they are told.

use std::path::PathBuf;

use serde::Serialize;

use crate::formats::release::{ModeName, Platform, Sizes, Why};
use crate::install::integrate;
use crate::install::{self, Installed, Trial};
use crate::local::sources::Transfer;
use crate::net::http::Network;
use crate::net::trust::ClockGuard;
use crate::version::Version;

/// What a caller wants, once for all calls.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Mirrors of the repository: URLs or folders. Empty: those that the install came from.
    pub repository: Vec<String>,
    /// The trusted `root.json`; not needed once the install has one.
    pub trust_root: Option<Vec<u8>>,
    /// The mode to follow. Nothing: the one that the install follows.
    pub mode: Option<ModeName>,
    /// What counts for a new install, where nothing was named for it.
    pub defaults: Defaults,
    /// What to install.
    pub platform: Platform,
    /// This version and no other.
    pub version: Option<Version>,
    /// Do not wait for a staged rollout.
    pub at_once: bool,
    /// Take a folder that has files already.
    pub adopt: bool,
    /// Drop what an interrupted run has left.
    pub discard: bool,
    /// What to do about a clock that went back.
    pub clock_guard: ClockGuard,
    /// How to reach servers.
    pub network: Network,
    /// Chunk caches of other programs.
    pub caches: Vec<PathBuf>,
    /// Where what is fetched is kept as well.
    pub write_cache: Option<PathBuf>,
    /// A folder for working files.
    pub scratch: PathBuf,
    /// Folders that are no install roots.
    pub protected: Vec<PathBuf>,
    /// Another user whose install this one may change.
    pub trusted_owner: Option<u32>,
}

impl Settings {
    /// Updates from where the install came from, for this machine's platform, with nothing special.
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

/// What the user wants of new installs. One that exists keeps to what it has.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// Mirrors of the repository.
    pub repository: Vec<String>,
    /// The trusted `root.json`.
    pub trust_root: Option<Vec<u8>>,
    /// The mode to follow.
    pub mode: ModeName,
}

/// A version that could be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Available {
    /// The mode it is in.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// Why it would be taken.
    pub why: Why,
    /// What it amounts to.
    pub sizes: Sizes,
    /// What would be downloaded at the most, in bytes: that of a bundle from the current version, if there is one.
    pub download_bytes: u64,
    /// What is new, in Markdown.
    pub notes: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What is installed.
    pub current: Option<Installed>,
    /// The mode that is followed, after all successors.
    pub mode: ModeName,
    /// What could be taken; nothing if what is installed is what should be.
    pub available: Option<Available>,
    /// Requests and bytes.
    pub transfer: Transfer,
}

/// What an update did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Updated {
    /// The mode that is followed. What is current may be from another, such as after going back.
    pub mode: ModeName,
    /// What is current now.
    pub current: Installed,
    /// What was current before, if that is another version.
    pub from: Option<Version>,
    /// Why; nothing if there was nothing to do.
    pub why: Option<Why>,
    /// The work.
    #[serde(flatten)]
    pub report: install::Installation,
    /// Requests and bytes for metadata and documents.
    pub metadata: Transfer,
}

/// What is known of an install without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The install root.
    #[serde(serialize_with = "crate::text::lossy")]
    pub directory: PathBuf,
    /// The mode that is followed.
    pub mode: ModeName,
    /// The version that starts.
    pub current: Option<Installed>,
    /// The version to go back to.
    pub previous: Option<Installed>,
    /// A part of the current version that is gone, if one is.
    pub missing: Option<String>,
    /// Set while the current version has not shown yet that it starts.
    pub trial: Option<Trial>,
    /// Versions that are not offered again.
    pub bad: Vec<(ModeName, Version)>,
    /// Where it came from: addresses without user, password and query.
    pub repository: Vec<String>,
    /// An update was interrupted and can go on.
    pub is_resumable: bool,
    /// It is registered with the desktop.
    pub is_integrated: bool,
}

/// How an install is registered with the desktop.
#[derive(Debug, Clone)]
pub struct Desktop {
    /// What people call the game.
    pub display_name: String,
    /// The `vsekai` program, absolute.
    pub program: PathBuf,
    /// The icon.
    pub icon_svg: Vec<u8>,
    /// The URL scheme.
    pub scheme: String,
    /// Take the scheme even if another program has it.
    pub take_scheme: bool,
    /// Where the user's desktop keeps such things.
    pub folders: integrate::Folders,
    /// `update-desktop-database`, if there is one.
    pub refresh: Option<PathBuf>,
}

/// A mode, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModeInfo {
    /// Its name.
    pub name: ModeName,
    /// One sentence.
    pub description: String,
    /// Whether it is still published.
    pub is_active: bool,
    /// The mode that its users are moved to.
    pub update_to: Option<ModeName>,
    /// The newest version that it offers for the platform.
    pub newest: Option<Version>,
    /// Whether the install follows it.
    pub is_current: bool,
}
