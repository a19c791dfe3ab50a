//! `state.json`: the one file that decides which version starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{InstallRoot, Report};
use crate::error::{Error, Format, Result};
use crate::formats::release::{ModeName, Platform, Release, Why};
use crate::install::integrate::Record;
use crate::local::disk::{self, Durability};
use crate::text;
use crate::version::Version;

const SCHEMA: u64 = 1;

/// Largest state file that is read, in bytes. It usually has about one kilobyte, and grows with each bad version.
pub(super) const MAX_BYTES: u64 = 4 << 20;

/// An installed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The name of its folder in `versions/`.
    pub folder: String,
    /// The mode from which it was installed.
    pub mode: ModeName,
    /// The version number.
    pub version: Version,
    /// The platform that it runs on.
    pub platform: Platform,
    /// Its sequence number in the mode.
    pub sequence: u64,
}

impl Installed {
    /// The entry for `release`, installed in `folder`.
    pub fn of(release: &Release, folder: String) -> Self {
        Self {
            folder,
            mode: release.mode.clone(),
            version: release.version.clone(),
            platform: release.platform.clone(),
            sequence: release.sequence,
        }
    }
}

/// The trial of a new version that has not yet shown that it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The name of the version's folder.
    pub folder: String,
    /// Number of starts so far.
    pub attempts: u32,
    /// The start whose outcome is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenStart>,
    /// How the last start that failed ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
}

/// A start that was counted, and who waits for its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStart {
    /// Identifies the boot of the machine.
    pub boot: String,
    /// The process that waits.
    pub process: u32,
}

impl OpenStart {
    /// A start by this process; `None` where the system does not identify its boots.
    pub(super) fn here() -> Option<Self> {
        disk::boot_id().map(|boot| Self { boot, process: std::process::id() })
    }

    /// Whether the process that waited has gone although the machine kept running: somebody killed it. After a crash of
    /// the machine, the version may be the cause.
    pub(super) fn is_abandoned(&self) -> bool {
        disk::boot_id().is_some_and(|boot| boot == self.boot) && !disk::is_process(self.process)
    }
}

/// Most changes that an install remembers.
pub const MAX_CHANGES: usize = 100;

/// A version became current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, in seconds since 1970, as this machine's clock said.
    pub time: i64,
    /// The version that became current.
    pub version: Version,
    /// The mode from which it was installed.
    pub mode: ModeName,
    /// Whether it is back after a later version, which did not start or was not wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rollback: bool,
    /// After a rollback, or a step down to an older version: the version that was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Version>,
    /// After a rollback: why that version was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RollbackReason>,
    /// After a step down that was no rollback: why an older version was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// How the last failed start of the version that was left ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
}

/// Why a version was left for the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackReason {
    /// Somebody asked for it.
    Asked,
    /// It failed to start as often as it may.
    DidNotStart,
}

/// How a start of the game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The game's exit code; `None` if a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The number of the signal that ended the game, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// The content of `state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallState {
    schema: u64,
    /// A random id that decides this install's place in a rollout. It is never sent anywhere.
    pub install_id: String,
    /// The mode that the user chose. `current.mode` may be its successor.
    pub mode: ModeName,
    /// The version that `launch` starts.
    pub current: Option<Installed>,
    /// The version to go back to: the last one before `current` that is known to start.
    pub previous: Option<Installed>,
    /// Set while the current version is on trial.
    pub trial: Option<Trial>,
    /// Versions that did not start or were rolled back by hand. They are not offered again automatically.
    #[serde(default)]
    pub bad: Vec<(ModeName, Version)>,
    /// The highest sequence number seen of each mode.
    #[serde(default)]
    pub seen: BTreeMap<ModeName, u64>,
    /// The version of the trusted root at that time; 0 if unknown. A newer root resets `seen`, because an attacker may
    /// have raised the numbers with keys that have been replaced since.
    #[serde(default)]
    pub seen_root: u64,
    /// The oldest version of each mode that may still be installed: the highest that any of its releases has named.
    /// Starts over with `seen_root`, for the same reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<ModeName, Version>,
    /// URLs or folders of the repository, as the user named them.
    #[serde(default)]
    pub repository: Vec<String>,
    /// The mirrors that the catalog named at the last check. They are replaced at each check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// The chunk stores, for a repair without metadata.
    #[serde(default)]
    pub stores: Vec<String>,
    /// Whether the folder already contained files of the user.
    #[serde(default)]
    pub adopted: bool,
    /// Which versions became current, and when; the last [`MAX_CHANGES`] of them, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Change>,
    /// How new versions began, as far as the player agreed to tell their publisher; see `docs/server/reports.md`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// The record of the desktop integration, needed to undo it.
    #[serde(default)]
    pub integration: Option<Record>,
    /// The record of what starts a launcher when the user logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Record>,
}

#[derive(Deserialize)]
struct Gate {
    schema: u64,
}

impl InstallState {
    /// The state of a root in which nothing is installed yet.
    pub fn begin(mode: ModeName) -> Self {
        let install_id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self {
            schema: SCHEMA,
            install_id,
            mode,
            current: None,
            previous: None,
            trial: None,
            bad: Vec::new(),
            seen: BTreeMap::new(),
            seen_root: 0,
            floors: BTreeMap::new(),
            repository: Vec::new(),
            mirrors: Vec::new(),
            stores: Vec::new(),
            adopted: false,
            history: Vec::new(),
            reports: Vec::new(),
            integration: None,
            login: None,
        }
    }

    /// Reads the state; `None` if there is none.
    ///
    /// # Errors
    /// `state_too_new`; `state_malformed`, which [`Session::enter`](super::Session::enter) repairs.
    pub fn load(root: &InstallRoot) -> Result<Option<Self>> {
        Self::read(&root.control("state.json"))
    }

    /// Reads the state that has this path.
    ///
    /// # Errors
    /// Those of [`Self::load`].
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match disk::read_control(path, MAX_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(Error::Invalid { reason, .. }) => {
                return Err(Error::malformed(Format::State, 0, reason));
            }
            Err(other) => return Err(other),
        };
        let gate: Gate = serde_json::from_slice(&bytes).map_err(malformed)?;
        if gate.schema > SCHEMA {
            return Err(Error::StateTooNew { path: path.to_owned(), schema: gate.schema });
        }
        let state: Self = serde_json::from_slice(&bytes).map_err(malformed)?;
        for installed in [&state.current, &state.previous].into_iter().flatten() {
            crate::path::RelPath::new(&installed.folder)?;
        }
        Ok(Some(state))
    }

    /// Writes the state atomically: the disk has either the old or the new one. If an address in it has a password or a
    /// query, which may be a signature, only the owner can read the file.
    pub fn save(&self, root: &InstallRoot) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(malformed)?;
        bytes.push(b'\n');
        let path = root.control("state.json");
        if self.has_secret() {
            return disk::write_private(&path, &bytes, Durability::PowerCut);
        }
        disk::write_control(&path, &bytes, Durability::PowerCut)
    }

    /// Closes a file that an older version of this program left open to others although it has a secret.
    pub(super) fn protect(&self, root: &InstallRoot) {
        let path = root.control("state.json");
        let is_open = std::fs::metadata(&path).is_ok_and(|found| disk::mode(&found) & 0o077 != 0);
        if self.has_secret() && is_open {
            // Where that fails, the disk has no permissions.
            let _ = disk::set_mode(&path, 0o600);
        }
    }

    fn has_secret(&self) -> bool {
        self.repository.iter().chain(&self.mirrors).chain(&self.stores).any(|place| text::has_secret(place))
    }

    /// Makes `new` the current version. The previous one is kept until the new one has started. `why` it is installed is
    /// recorded if it is older.
    pub fn switch_to(&mut self, new: Installed, why: Option<Why>) {
        let is_same_version =
            self.current.as_ref().is_some_and(|old| old.version == new.version && old.mode == new.mode);
        if !is_same_version {
            self.record(&new);
            if let (Some(left), Some(why), Some(change)) = (&self.current, why, self.history.last_mut())
                && change.mode == left.mode
                && change.version.cmp_precedence(&left.version).is_lt()
            {
                (change.left, change.why) = (Some(left.version.clone()), Some(why));
            }
        }
        let old = self.current.replace(new);
        let folder = self.current.as_ref().map(|new| new.folder.clone()).unwrap_or_default();
        if is_same_version {
            // The same version, such as for another platform: a trial continues.
            if let Some(trial) = &mut self.trial {
                trial.folder = folder;
            }
            return;
        }
        // Going back to a version that was still on trial is the last resort.
        if old.is_some() && (self.trial.take().is_none() || self.previous.is_none()) {
            self.previous = old;
        }
        // The new version is the previous one itself, perhaps in another folder because that one was damaged.
        let current = self.current.as_ref().map(|new| (&new.mode, &new.version));
        if self.previous.as_ref().is_some_and(|old| old.folder == folder || Some((&old.mode, &old.version)) == current)
        {
            self.previous = None;
        }
        self.trial = self.previous.is_some().then_some(Trial { folder, attempts: 0, open: None, ended: None });
    }

    /// Records that a version has moved to another folder after its repair. A trial continues.
    pub fn move_to(&mut self, from: &str, to: &str) {
        let installed = [&mut self.current, &mut self.previous].into_iter().flatten().map(|it| &mut it.folder);
        let folders = installed.chain(self.trial.as_mut().map(|trial| &mut trial.folder));
        folders.filter(|folder| *folder == from).for_each(|folder| to.clone_into(folder));
    }

    /// Raises the floor of a mode; it never goes down.
    pub fn raise_floor(&mut self, mode: &ModeName, oldest: &Version) {
        let known = self.floors.get(mode);
        if known.is_none_or(|known| oldest.cmp_precedence(known).is_gt()) {
            self.floors.insert(mode.clone(), oldest.clone());
        }
    }

    /// The current and the previous version, in this order, as far as they exist.
    pub fn kept(&self) -> impl Iterator<Item = &Installed> {
        [&self.current, &self.previous].into_iter().flatten()
    }

    /// Ends the trial: the current version has started.
    pub fn acknowledge(&mut self) {
        self.trial = None;
    }

    /// Gives up the version to go back to, and returns it.
    pub fn forget_previous(&mut self) -> Option<Installed> {
        self.trial = None;
        self.previous.take()
    }

    /// Goes back to the previous version, and marks the current one as bad. Returns false if there is no previous
    /// version.
    pub fn roll_back(&mut self, reason: RollbackReason) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        self.record(&previous);
        if let Some(change) = self.history.last_mut() {
            change.is_rollback = true;
            change.left = self.current.as_ref().map(|current| current.version.clone());
            change.reason = Some(reason);
            change.ended = self.trial.as_ref().and_then(|trial| trial.ended);
        }
        if let Some(left) = self.current.replace(previous) {
            let bad = (left.mode, left.version);
            if !self.bad.contains(&bad) {
                self.bad.push(bad);
            }
        }
        self.trial = None;
        true
    }

    fn record(&mut self, now: &Installed) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (version, mode) = (now.version.clone(), now.mode.clone());
        let time = i64::try_from(since).unwrap_or(i64::MAX);
        self.history.push(Change {
            time,
            version,
            mode,
            is_rollback: false,
            left: None,
            reason: None,
            why: None,
            ended: None,
        });
        let too_many = self.history.len().saturating_sub(MAX_CHANGES);
        self.history.drain(..too_many);
    }

    /// Whether a folder in `versions/` is still needed.
    pub fn needs(&self, folder: &str) -> bool {
        self.kept().any(|installed| installed.folder == folder)
    }
}

fn malformed(error: serde_json::Error) -> Error {
    Error::malformed(Format::State, 0, "it does not parse").caused_by(error)
}
