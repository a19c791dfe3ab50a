//! A folder of keys: the private keys that are here, the trusted root, and what each role may sign.
//!
//! ```text
//! root.json  1.root.json …          the newest root, and all of them: clients follow the chain
//! keys.json                         days of each role, public keys of the catalog and of each mode
//! <role>.<8 hex of key id>.pk8      a private key; which role it serves is by its identifier, not its name
//! ```
//!
//! Promises: no private key is ever overwritten or removed (one that was replaced is renamed `.retired`),
//! key files can be read by their owner only, where the system knows owners, and a kill leaves a folder
//! that opens, or where the same command can be given again. It publishes nothing.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tough::schema::{RoleType, Root, Signed};

use super::datastore::parse_root;
use super::sign::{KeyId, PrivateKey, key_id};
use super::{CATALOG_ROLE, MAX_ROOT_BYTES, check_role_name};
use crate::error::{Error, Result};
use crate::local::disk;
use crate::net::api::OnlineKeys;

mod ceremony;
mod generate;
mod key_files;
mod key_store;
mod service;

pub(super) use generate::SPEC_VERSION;
pub(super) use key_files::KeyFile;
pub(super) use key_store::{KeyStore, block_on};
use service::Online;
pub use service::ServiceKeys;

/// The four roles of `root.json`.
const TOP_ROLES: [(&str, RoleType); 4] = [
    ("root", RoleType::Root),
    ("targets", RoleType::Targets),
    ("snapshot", RoleType::Snapshot),
    ("timestamp", RoleType::Timestamp),
];

/// How many days what each role signs is valid, 1 to 3650. After that, clients refuse it until it is signed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Days {
    /// `root.json`.
    pub root: u32,
    /// Who holds the catalog and the modes.
    pub targets: u32,
    /// What a mode has published.
    pub mode: u32,
    /// What each mode offers.
    pub catalog: u32,
    /// The list of all metadata.
    pub snapshot: u32,
    /// That the list is the newest.
    pub timestamp: u32,
}

impl Default for Days {
    fn default() -> Self {
        Self { root: 365, targets: 365, mode: 90, catalog: 30, snapshot: 30, timestamp: 7 }
    }
}

impl Days {
    /// For a role by its name.
    pub fn of(&self, role: &str) -> u32 {
        match role {
            "root" => self.root,
            "targets" => self.targets,
            "snapshot" => self.snapshot,
            "timestamp" => self.timestamp,
            CATALOG_ROLE => self.catalog,
            _ => self.mode,
        }
    }

    fn check(&self) -> Result<()> {
        let all = [self.root, self.targets, self.mode, self.catalog, self.snapshot, self.timestamp];
        if all.iter().all(|days| (1..=3650).contains(days)) {
            return Ok(());
        }
        Err(Error::Invalid { what: "days", reason: "each role lives for 1 to 3650".to_owned() })
    }
}

/// One key of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The role.
    pub role: String,
    /// The key's identifier, 64 hex.
    pub key_id: String,
    /// Whether its private half is in the folder.
    pub present: bool,
    /// How many keys of the role must sign.
    pub threshold: u64,
    /// How many days what the role signs is valid.
    pub days: u32,
    /// The version of the root in the folder.
    pub root_version: u64,
    /// When that root expires.
    pub root_expires: Timestamp,
}

/// See the module's head.
#[derive(Debug)]
pub struct Keys {
    ring: KeyStore,
    root: Signed<Root>,
    root_bytes: Vec<u8>,
    file: KeyFile,
}

impl Keys {
    /// Makes a key for every role, and `root.json`, in a new or empty folder. Interrupted, it can be repeated.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the folder has keys already, if a mode's name is none, or if there is no mode;
    /// [`Error::Io`], [`Error::Busy`].
    pub fn init(folder: &Path, modes: &[String], days: &Days) -> Result<Self> {
        Self::begin(folder, modes, days, None)
    }

    /// The same for a repository whose catalog, snapshot and timestamp an update server signs: `online` are its
    /// public keys, and no private ones are made for these roles.
    ///
    /// # Errors
    /// As [`Self::init`]; [`Error::Invalid`] too if one of `online` is no Ed25519 key.
    pub fn init_online(folder: &Path, modes: &[String], days: &Days, online: &OnlineKeys) -> Result<Self> {
        Self::begin(folder, modes, days, Some(&Online::parse(online)?))
    }

    fn begin(folder: &Path, modes: &[String], days: &Days, online: Option<&Online>) -> Result<Self> {
        days.check()?;
        if modes.is_empty() {
            return Err(Error::Invalid { what: "mode", reason: "at least one is needed".to_owned() });
        }
        modes.iter().try_for_each(|mode| check_role_name(mode))?;
        generate::init(folder, modes, days, online)?;
        Self::open(folder)
    }

    /// Reads a folder. Private keys that are not there are missed when they are needed.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Invalid`] for files that are none of ours, [`Error::Trust`] of kind `Root`.
    pub fn open(folder: &Path) -> Result<Self> {
        let root_bytes = disk::read(&folder.join("root.json"), MAX_ROOT_BYTES)?;
        Ok(Self {
            root: parse_root(&root_bytes)?,
            root_bytes,
            file: KeyFile::read(folder)?,
            ring: KeyStore::read(folder)?,
        })
    }

    /// Every key of every role: root first, then the others of `root.json`, the catalog, the modes by name.
    pub fn show(&self) -> Vec<KeyInfo> {
        let root = &self.root.signed;
        let info = |role: &str, id: &KeyId, threshold| KeyInfo {
            role: role.to_owned(),
            key_id: hex::encode(id),
            present: self.ring.has(id),
            threshold,
            days: self.file.days.of(role),
            root_version: root.version.get(),
            root_expires: root.expires,
        };
        let mut all = Vec::new();
        for (name, role) in TOP_ROLES {
            let Some(keys) = root.roles.get(&role) else { continue };
            all.extend(keys.keyids.iter().map(|id| info(name, id, keys.threshold.get())));
        }
        for (name, role) in self.file.delegated() {
            let ids = role.keys.iter().filter_map(|key| key_id(key).ok());
            all.extend(ids.map(|id| info(name, &id, role.threshold.get())));
        }
        all
    }

    /// The newest `root.json`: what to ship with the launcher and to give as `--trust-root`.
    pub fn root(&self) -> &[u8] {
        &self.root_bytes
    }

    /// The version of the newest root.
    pub fn root_version(&self) -> u64 {
        self.root.signed.version.get()
    }

    /// The modes that have a key.
    pub fn modes(&self) -> Vec<String> {
        self.file.modes.keys().cloned().collect()
    }

    fn folder(&self) -> &Path {
        self.ring.folder()
    }

    pub(super) fn ring(&self) -> &KeyStore {
        &self.ring
    }

    pub(super) fn newest_root(&self) -> &Signed<Root> {
        &self.root
    }

    /// A root of any version up to the newest.
    ///
    /// # Errors
    /// [`Error::Invalid`] if its file is not in the folder.
    pub(super) fn root_of_version(&self, version: u64) -> Result<Vec<u8>> {
        if version == self.root.signed.version.get() {
            return Ok(self.root_bytes.clone());
        }
        let name = format!("{version}.root.json");
        let found = disk::read_if_exists(&self.folder().join(&name), MAX_ROOT_BYTES)?;
        found.ok_or_else(|| ceremony::invalid(format!("{name} is not in {}", self.folder().display())))
    }

    pub(super) fn days(&self) -> &Days {
        &self.file.days
    }

    pub(super) fn file(&self) -> &KeyFile {
        &self.file
    }

    fn private<'a>(&'a self, ids: &'a [KeyId]) -> impl Iterator<Item = &'a PrivateKey> {
        self.ring.private(ids)
    }

    fn missing(&self, role: &str) -> Error {
        self.ring.missing(role)
    }
}
