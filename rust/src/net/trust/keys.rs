//! A key folder: private keys, the trusted root, and the keys of each role.
//!
//! ```text
//! root.json  1.root.json …          the newest root, and the whole chain, which clients follow
//! keys.json                         lifetimes of all roles, public keys of the catalog and the modes
//! <role>.<8 hex of key id>.pk8      a private key, plain or encrypted; its identifier decides the role, not its name
//! <role>.<8 hex>.signer.json        a key that is somewhere else: a command signs with it
//! ```
//!
//! Promises: no private key is ever overwritten, except by itself under another passphrase, or removed (a replaced one
//! is renamed to `.retired`), key files are
//! readable by their owner only, where the system supports that, and a kill leaves a folder that can be opened, or
//! where the same command can be repeated. Nothing is published here.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tough::schema::{RoleType, Root, Signed};

use super::datastore::parse_root;
use super::sign::{KeyId, PrivateKey, key_id};
use super::{CATALOG_ROLE, MAX_ROOT_BYTES, RoleValidity, check_role_name};
use crate::error::{Error, Result};
use crate::local::disk;
use crate::net::api::OnlineKeys;

mod ceremony;
mod external;
mod generate;
mod key_files;
mod key_store;
mod passphrase;
mod service;

pub(super) use external::SigningCommand;
pub(super) use generate::SPEC_VERSION;
pub(super) use key_files::KeyFile;
pub(super) use key_store::{KeyStore, block_on};
pub(super) use passphrase::Locked;
pub use passphrase::{KeyFolder, Passphrase, PassphraseFor, Passphrases};
use service::Online;
pub use service::ServiceKeys;

/// The four roles of `root.json`.
const TOP_ROLES: [(&str, RoleType); 4] = [
    ("root", RoleType::Root),
    ("targets", RoleType::Targets),
    ("snapshot", RoleType::Snapshot),
    ("timestamp", RoleType::Timestamp),
];

/// How many days the metadata of each role is valid, 1 to 3650. After that, clients reject it until it is renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Days {
    /// Lifetime of `root.json`.
    pub root: u32,
    /// Lifetime of `targets.json`, which names the keys of the catalog and the modes.
    pub targets: u32,
    /// Lifetime of a mode's metadata, which lists its published documents.
    pub mode: u32,
    /// Lifetime of the catalog, which says what each mode offers.
    pub catalog: u32,
    /// Lifetime of the snapshot, the list of all metadata.
    pub snapshot: u32,
    /// Lifetime of the timestamp, which says which snapshot is the newest.
    pub timestamp: u32,
}

impl Default for Days {
    fn default() -> Self {
        Self { root: 365, targets: 365, mode: 365, catalog: 30, snapshot: 30, timestamp: 7 }
    }
}

impl Days {
    /// The lifetime for a role, by its name. Unknown names are modes.
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
        Err(Error::invalid("days", "each lifetime must be between 1 and 3650 days"))
    }
}

/// One key of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The name of the role.
    pub role: String,
    /// The key's identifier, 64 hex digits.
    pub key_id: String,
    /// Whether the private key is in the folder, or a command that signs with it.
    pub present: bool,
    /// What holds it, if it is there.
    pub kind: Option<KeyKind>,
    /// How many keys of the role must sign.
    pub threshold: u64,
    /// How many days the role's metadata is valid.
    pub days: u32,
    /// The version of the root in the folder.
    pub root_version: u64,
    /// When that root expires.
    pub root_expires: Timestamp,
}

/// What holds a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A file that anybody who has it can use.
    Plain,
    /// A file that is encrypted by a passphrase.
    Encrypted,
    /// A token or a service that a command asks for signatures.
    Command,
}

/// Where a new key of a role comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKey {
    /// It is made here.
    Generate,
    /// It is somewhere else, and a command signs with it.
    Command {
        /// The public key: 64 hex digits of Ed25519, or PEM.
        public: String,
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take, in seconds. `None` means one minute.
        timeout_s: Option<u64>,
    },
}

/// What fails if a folder of keys is not there.
pub const NO_KEY_FOLDER: &str = "find the key folder";

/// Whether a file of a key folder describes a command that signs.
pub(super) fn is_command(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(external::SUFFIX))
}

/// An opened key folder.
#[derive(Debug)]
pub struct Keys {
    ring: KeyStore,
    root: Signed<Root>,
    root_bytes: Vec<u8>,
    file: KeyFile,
}

impl Keys {
    /// Creates a key for every role, and `root.json`, in a new or empty folder. Can be repeated if it is interrupted.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the folder already contains keys, a mode's name is invalid, or no mode is given;
    /// [`Error::Io`], [`Error::Busy`].
    pub fn init(folder: impl Into<KeyFolder>, modes: &[String], days: &Days) -> Result<Self> {
        Self::begin(&folder.into(), modes, days, None)
    }

    /// Like [`Self::init`], for a repository whose catalog, snapshot and timestamp an update server signs. `online` are
    /// the server's public keys; no private keys are created for these roles.
    ///
    /// # Errors
    /// As [`Self::init`]; also [`Error::Invalid`] if one of `online` is not an Ed25519 key.
    pub fn init_online(
        folder: impl Into<KeyFolder>,
        modes: &[String],
        days: &Days,
        online: &OnlineKeys,
    ) -> Result<Self> {
        Self::begin(&folder.into(), modes, days, Some(&Online::parse(online)?))
    }

    fn begin(folder: &KeyFolder, modes: &[String], days: &Days, online: Option<&Online>) -> Result<Self> {
        days.check()?;
        if modes.is_empty() {
            return Err(Error::invalid("mode", "at least one mode is required"));
        }
        modes.iter().try_for_each(|mode| check_role_name(mode))?;
        generate::init(folder, modes, days, online)?;
        Self::open(folder)
    }

    /// Reads a folder. A missing private key is only reported when it is needed.
    ///
    /// # Errors
    /// [`Error::Io`], also for a folder that is not there; [`Error::Invalid`] for files in an unknown format,
    /// [`Error::Trust`] of kind `Root`.
    pub fn open(folder: impl Into<KeyFolder>) -> Result<Self> {
        let source = folder.into();
        let root = source.path().join("root.json");
        if let Err(error) = std::fs::metadata(&root) {
            if error.kind() == std::io::ErrorKind::PermissionDenied {
                return Err(Error::io("read", &root)(error));
            }
            if !source.path().is_dir() {
                return Err(Error::io(NO_KEY_FOLDER, source.path())(error));
            }
            let reason = format!("{} is not one: it has no root.json", source.path().display());
            return Err(Error::invalid("key folder", reason));
        }
        let root_bytes = disk::read(&root, MAX_ROOT_BYTES)?;
        Ok(Self {
            root: parse_root(&root_bytes)?,
            root_bytes,
            file: KeyFile::read(source.path())?,
            ring: KeyStore::read(&source)?,
        })
    }

    /// All keys of all roles: root first, then the others of `root.json`, the catalog, and the modes by name.
    pub fn show(&self) -> Vec<KeyInfo> {
        let root = &self.root.signed;
        let info = |role: &str, id: &KeyId, threshold| KeyInfo {
            role: role.to_owned(),
            key_id: hex::encode(id),
            present: self.ring.kind(id).is_some(),
            kind: self.ring.kind(id),
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

    /// How long the newest root is valid, which is the only signature in the folder.
    pub fn root_validity(&self) -> RoleValidity {
        RoleValidity::new("root", self.root.signed.expires, self.file.days.root)
    }

    /// Checks that the newest root has not expired.
    ///
    /// # Errors
    /// [`Error::SignatureExpired`].
    pub fn check_root(&self) -> Result<()> {
        self.root_validity().check()
    }

    /// The newest `root.json`, to be shipped with the launcher or given as `--trust-root`.
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

    /// The root of this version, which may be any up to the newest.
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
