//! The keys of an update server: those that sign automatically, and none of the offline keys.

use std::path::Path;

use serde_json::Value;
use tough::schema::key::Key;

use super::ceremony::{invalid, lock, make_key};
use super::passphrase::KeyFolder;
use super::{Days, KeyStore, Keys};
use crate::error::{Error, Result};
use crate::local::disk;
use crate::net::api::OnlineKeys;
use crate::net::trust::CATALOG_ROLE;

/// The roles that a server signs.
const ONLINE_ROLES: [&str; 3] = [CATALOG_ROLE, "snapshot", "timestamp"];

/// A folder with the private keys of catalog, snapshot and timestamp, one file each as in [`Keys`], and nothing else.
///
/// The repository's root and delegations come from the repository itself:
/// [`Publication::open_service`](crate::net::trust::Publication::open_service). Its operations block, so asynchronous
/// programs must call them where blocking is allowed, such as in `tokio::task::spawn_blocking`.
#[derive(Debug)]
pub struct ServiceKeys {
    ring: KeyStore,
    days: Days,
}

impl Keys {
    /// Opens the keys of an update server. Creates the folder and the key of each role that has none.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Busy`], [`Error::Invalid`] for files that are not keys.
    pub fn service(folder: &Path) -> Result<ServiceKeys> {
        disk::prefer_private_directory(folder)?;
        let source = KeyFolder::from(folder);
        let mut ring = KeyStore::read(&source)?;
        if ONLINE_ROLES.iter().any(|role| ring.newest(role).is_none()) {
            let _lock = lock(folder)?;
            // Another process may have created it in the meantime.
            ring = KeyStore::read(&source)?;
            for role in ONLINE_ROLES.iter().filter(|role| ring.newest(role).is_none()) {
                make_key(folder, role, None)?;
            }
            ring = KeyStore::read(&source)?;
        }
        Ok(ServiceKeys { ring, days: Days::default() })
    }

    /// Opens the keys of an update server as they are, and creates none: for a repository that names its keys already.
    ///
    /// # Errors
    /// As [`Self::service`].
    pub fn service_as_is(folder: &Path) -> Result<ServiceKeys> {
        disk::prefer_private_directory(folder)?;
        Ok(ServiceKeys { ring: KeyStore::read(&folder.into())?, days: Days::default() })
    }
}

impl ServiceKeys {
    /// No key at all: enough to read a repository.
    pub fn none() -> Self {
        Self { ring: KeyStore::empty(), days: Days::default() }
    }

    /// Sets the lifetimes. Only those of catalog, snapshot and timestamp are used.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a lifetime is out of range.
    pub fn with_days(self, days: Days) -> Result<Self> {
        days.check()?;
        Ok(Self { days, ..self })
    }

    /// The public keys in the format of TUF metadata, as `vsekai keys init --online` needs them. If a role has several
    /// keys, this is the one created last; all of them sign if the repository names them.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] if the files have been moved away in the meantime.
    pub fn online_keys(&self) -> Result<OnlineKeys> {
        let public = |role: &str| -> Result<Value> {
            let key = self.ring.newest(role).ok_or_else(|| self.ring.missing(role))?;
            serde_json::to_value(&key.public).map_err(|e| invalid("it cannot be written as JSON").caused_by(e))
        };
        Ok(OnlineKeys {
            catalog: public(CATALOG_ROLE)?,
            snapshot: public("snapshot")?,
            timestamp: public("timestamp")?,
        })
    }

    pub(in crate::net::trust) fn ring(&self) -> &KeyStore {
        &self.ring
    }

    pub(in crate::net::trust) fn days(&self) -> &Days {
        &self.days
    }
}

/// The validated public keys of a server.
#[derive(Debug)]
pub(super) struct Online {
    pub(super) catalog: Key,
    pub(super) snapshot: Key,
    pub(super) timestamp: Key,
}

impl Online {
    pub(super) fn parse(keys: &OnlineKeys) -> Result<Self> {
        Ok(Self {
            catalog: parse(CATALOG_ROLE, &keys.catalog)?,
            snapshot: parse("snapshot", &keys.snapshot)?,
            timestamp: parse("timestamp", &keys.timestamp)?,
        })
    }
}

/// Parses an Ed25519 key. Servers create no other kind.
fn parse(role: &str, key: &Value) -> Result<Key> {
    let bad = |why: &str| Error::invalid("online key", format!("{role}: {why}"));
    let key: Key = serde_json::from_value(key.clone()).map_err(|e| bad("it is not a key of TUF").caused_by(e))?;
    match &key {
        Key::Ed25519 { keyval, .. } if keyval.public.len() == 32 => Ok(key),
        _ => Err(bad("it is not an Ed25519 key")),
    }
}
