//! The files of a key folder.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroU64;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tough::schema::key::Key;

use super::passphrase::KeyFolder;
use super::{Days, is_command};
use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};
use crate::net::trust::sign::PrivateKey;
use crate::net::trust::{CATALOG_ROLE, check_role_name};

const NAME: &str = "keys.json";
const SCHEMA: u32 = 1;
const MAX_BYTES: u64 = 1 << 20;

/// Most private keys in one folder.
const MAX_KEYS: usize = 1024;

/// The keys of one delegated role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleHolders {
    /// The public keys that may sign for the role.
    pub(crate) keys: Vec<Key>,
    /// How many of them must sign.
    pub(crate) threshold: NonZeroU64,
}

impl RoleHolders {
    pub(super) fn one(key: Key) -> Self {
        Self { keys: vec![key], threshold: NonZeroU64::MIN }
    }
}

/// `keys.json`. It is public and contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    schema: u32,
    pub(crate) days: Days,
    /// Increases when `catalog` or `modes` change. The newer of this and the published delegations wins, so that an old
    /// copy of the folder does not restore a replaced key.
    pub(crate) delegations_version: u64,
    pub(crate) catalog: RoleHolders,
    pub(crate) modes: BTreeMap<String, RoleHolders>,
}

impl KeyFile {
    pub(super) fn new(days: Days, catalog: Key, modes: BTreeMap<String, RoleHolders>) -> Self {
        Self { schema: SCHEMA, days, delegations_version: 1, catalog: RoleHolders::one(catalog), modes }
    }

    pub(super) fn exists(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let bytes = disk::read(&folder.join(NAME), MAX_BYTES)?;
        let file: Self = serde_json::from_slice(&bytes).map_err(|e| invalid("it does not parse").caused_by(e))?;
        if file.schema != SCHEMA {
            return Err(invalid(format!("unknown schema {}", file.schema)));
        }
        file.days.check()?;
        file.modes.keys().try_for_each(|mode| check_role_name(mode))?;
        Ok(file)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let mut bytes =
            serde_json::to_vec_pretty(self).map_err(|e| invalid("it cannot be written as JSON").caused_by(e))?;
        bytes.push(b'\n');
        disk::write_atomic(&folder.join(NAME), &bytes, Durability::PowerCut)
    }

    /// The catalog and the modes, with their names.
    pub(crate) fn delegated(&self) -> impl Iterator<Item = (&str, &RoleHolders)> {
        let modes = self.modes.iter().map(|(name, role)| (name.as_str(), role));
        std::iter::once((CATALOG_ROLE, &self.catalog)).chain(modes)
    }

    pub(super) fn holders_mut(&mut self, role: &str) -> Option<&mut RoleHolders> {
        if role == CATALOG_ROLE { Some(&mut self.catalog) } else { self.modes.get_mut(role) }
    }
}

/// All private keys of the folder.
pub(super) fn read_private(source: &KeyFolder) -> Result<Vec<PrivateKey>> {
    let folder = source.path();
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let path = entry.map_err(Error::io("list", folder))?.path();
        let is_key = path.extension().is_some_and(|extension| extension == "pk8" || extension == "pem");
        if is_key || is_command(&path) {
            keys.push(PrivateKey::read(&path, source)?);
        }
        if keys.len() > MAX_KEYS {
            return Err(invalid(format!("{} has more than {MAX_KEYS} keys", folder.display())));
        }
    }
    keys.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(keys)
}

/// Writes a key that only its owner can read, atomically, and never over another file. The caller must have locked the
/// folder.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        return Err(invalid(format!("{} already exists", path.display())));
    }
    place_private(path, bytes)
}

/// Writes the same key in another form, in one step.
pub(super) fn replace_private(path: &Path, bytes: &[u8]) -> Result<()> {
    place_private(path, bytes)
}

fn place_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = disk::temporary_beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(Error::io("create", &temporary))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("write", &temporary));
    let placed = written.and_then(|()| disk::rename(&temporary, path));
    if placed.is_err() {
        let _ = disk::remove_file(&temporary);
    }
    placed?;
    disk::sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::invalid("key folder", reason)
}
