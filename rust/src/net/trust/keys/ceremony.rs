//! Changes of a key folder: new modes, additional or replaced keys, and new roots.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use tough::schema::{RoleType, Root, Signed};

use super::external::{self, public_key};
use super::key_files::{KeyFile, RoleHolders, replace_private, write_private};
use super::key_store::block_on;
use super::passphrase::{Passphrase, seal};
use super::{KeyKind, Keys, NewKey, SigningCommand, TOP_ROLES};
use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};
use crate::local::lock::Lock;
use crate::net::trust::check_role_name;
use crate::net::trust::datastore::parse_root;
use crate::net::trust::sign::{KeyId, PrivateKey, days_from_now, encode, key_id, sign};
use crate::text;

impl Keys {
    /// Creates a key for another mode. The next [`Publication`](crate::net::trust::Publication) publishes it, and needs
    /// the keys of `targets`, `snapshot` and `timestamp` for that.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the name is invalid or taken; [`Error::Io`], [`Error::Busy`].
    pub fn add_mode(&mut self, name: &str) -> Result<()> {
        check_role_name(name)?;
        let _lock = lock(self.folder())?;
        let mut file = KeyFile::read(self.folder())?;
        if file.modes.contains_key(name) {
            return Err(invalid(format!("the mode {name} already has a key")));
        }
        let key = make_key(self.folder(), name, self.ring.passphrase_of_new()?.as_ref())?;
        file.modes.insert(name.to_owned(), RoleHolders::one(key.public.clone()));
        file.delegations_version += 1;
        file.write(self.folder())?;
        self.file = file;
        self.ring.push(key);
        Ok(())
    }

    /// Replaces a key of a role with a new one. If the role has several keys, it replaces the one whose private key is
    /// in the folder and has the role's name. The next commit publishes the change and signs the role's metadata again.
    ///
    /// For a role of `root.json`, creates a new root, signed by the old and the new keys of root.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] if root's keys are needed but missing, or if it is unclear which key to replace;
    /// [`Error::Invalid`] if the role does not exist; [`Error::Io`], [`Error::Busy`].
    pub fn rotate(&mut self, role: &str) -> Result<()> {
        self.rotate_to(role, &NewKey::Generate)
    }

    /// Like [`Self::rotate`], to a key that is somewhere else.
    ///
    /// # Errors
    /// As [`Self::rotate`]; [`Error::Invalid`] for a public key or command that cannot be used.
    pub fn rotate_to(&mut self, role: &str, new: &NewKey) -> Result<()> {
        self.change(|keys| {
            let old = keys.key_to_replace(role, &keys.ids_of(role)?)?;
            keys.change_role(role, new, |ids, key| {
                ids.retain(|id| *id != old);
                ids.push(key);
            })?;
            keys.retire(&old)
        })
    }

    /// Creates an additional key for a role, for another holder. The threshold is unchanged.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub fn add_key(&mut self, role: &str) -> Result<()> {
        self.add_key_of(role, &NewKey::Generate)
    }

    /// Like [`Self::add_key`], for a key that is somewhere else.
    ///
    /// # Errors
    /// As [`Self::rotate_to`].
    pub fn add_key_of(&mut self, role: &str, new: &NewKey) -> Result<()> {
        self.change(|keys| keys.change_role(role, new, Vec::push))
    }

    /// Encrypts all private keys of the folder by a new passphrase, or with `remove` by none. Keys elsewhere are as they
    /// are. Nothing is changed before all have been opened; killed while it writes, some keys still have the old one.
    ///
    /// # Errors
    /// [`Error::PassphraseWrong`], [`Error::PassphraseMissing`]; [`Error::Io`], [`Error::Busy`].
    pub fn set_passphrase(&mut self, remove: bool) -> Result<u64> {
        let mut count = 0;
        self.change(|keys| {
            let mut plain = Vec::new();
            for key in keys.ring.all().iter().filter(|key| key.kind() != KeyKind::Command) {
                plain.push((key, key.plain()?));
            }
            let new = if remove { None } else { Some(keys.ring.source().replacement()?) };
            for (key, bytes) in &plain {
                match &new {
                    Some(new) => replace_private(&key.path, &seal(bytes, &key.public, new)?)?,
                    None => replace_private(&key.path, &key.as_file(bytes)?)?,
                }
            }
            count = plain.len() as u64;
            if let Some(new) = &new {
                keys.ring.source().remember(new);
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Sets how many of a role's keys must sign. That many keys must then be in one key folder whenever the role signs,
    /// because signatures are not collected.
    ///
    /// # Errors
    /// [`Error::Invalid`] for 0, or more keys than the role has; otherwise as [`Self::rotate`].
    pub fn set_threshold(&mut self, role: &str, threshold: u64) -> Result<()> {
        self.change(|keys| {
            let count = keys.ids_of(role)?.len() as u64;
            let threshold = NonZeroU64::new(threshold).filter(|threshold| threshold.get() <= count);
            let none = || {
                Error::invalid(
                    "threshold",
                    format!(
                        "{role} has {}; at least 1 must sign, and at most that many",
                        text::counted(count, "key", "keys")
                    ),
                )
            };
            let threshold = threshold.ok_or_else(none)?;
            if let Some(kind) = top_role(role) {
                let mut root = keys.next_root()?;
                if let Some(holders) = root.roles.get_mut(&kind) {
                    holders.threshold = threshold;
                }
                return write_root(keys.folder(), &keys.sign_root(root)?);
            }
            let mut file = keys.file.clone();
            if let Some(holders) = file.holders_mut(role) {
                holders.threshold = threshold;
            }
            file.delegations_version += 1;
            file.write(keys.folder())
        })
    }

    /// Creates a new root with the same content and a new expiry.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] without enough keys of root; [`Error::Io`], [`Error::Busy`].
    pub fn renew_root(&mut self) -> Result<()> {
        self.change(|keys| write_root(keys.folder(), &keys.sign_root(keys.next_root()?)?))
    }

    /// Applies a change to the current state of the folder, which may have changed since it was opened.
    fn change(&mut self, how: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let _lock = lock(self.folder())?;
        how(&mut Self::open(self.ring.source())?)?;
        *self = Self::open(self.ring.source())?;
        Ok(())
    }

    fn ids_of(&self, role: &str) -> Result<Vec<KeyId>> {
        let none = || {
            let known: Vec<&str> =
                TOP_ROLES.iter().map(|(name, _)| *name).chain(self.file.delegated().map(|(name, _)| name)).collect();
            let meant = text::closest(role, &known).map(|meant| format!("; did you mean {meant:?}?"));
            let reason = format!("There is no role {role:?}; there are {}", known.join(", "));
            Error::not_there(format!("{reason}{}", meant.unwrap_or_default()))
        };
        if let Some(kind) = top_role(role) {
            return Ok(self.root.signed.roles.get(&kind).ok_or_else(none)?.keyids.clone());
        }
        let mut delegated = self.file.delegated();
        let (_, holders) = delegated.find(|(name, _)| *name == role).ok_or_else(none)?;
        holders.keys.iter().map(key_id).collect()
    }

    /// Creates a key, lets `how` add it to those of the role, and writes the result.
    fn change_role(&mut self, role: &str, new: &NewKey, how: impl FnOnce(&mut Vec<KeyId>, KeyId)) -> Result<()> {
        let mut ids = self.ids_of(role)?;
        let key = match new {
            NewKey::Generate => make_key(self.folder(), role, self.ring.passphrase_of_new()?.as_ref())?,
            NewKey::Command { public, command, timeout_s } => {
                let command = SigningCommand::new(public_key(public)?, command.clone(), *timeout_s)?;
                let id = hex::encode(key_id(&command.public)?);
                let path = external::path_in(self.folder(), role, &id);
                write_private(&path, &command.to_bytes()?)?;
                PrivateKey::read(&path, self.ring.source())?
            }
        };
        if ids.contains(&key.id) {
            return Err(invalid(format!("{role} has this key already")));
        }
        how(&mut ids, key.id.clone());
        let (id, public) = (key.id.clone(), key.public.clone());
        self.ring.push(key);
        if let Some(kind) = top_role(role) {
            let mut root = self.next_root()?;
            root.keys.insert(id, public);
            if let Some(holders) = root.roles.get_mut(&kind) {
                holders.keyids = ids;
            }
            let used: Vec<KeyId> = root.roles.values().flat_map(|role| role.keyids.clone()).collect();
            root.keys.retain(|id, _| used.contains(id));
            return write_root(self.folder(), &self.sign_root(root)?);
        }
        let mut file = self.file.clone();
        if let Some(holders) = file.holders_mut(role) {
            holders.keys.push(public);
            holders.keys.retain(|key| key_id(key).is_ok_and(|id| ids.contains(&id)));
        }
        file.delegations_version += 1;
        file.write(self.folder())
    }

    fn key_to_replace(&self, role: &str, ids: &[KeyId]) -> Result<KeyId> {
        let mut here = self.private(ids).filter(|key| names_role(&key.path, role));
        match (here.next(), ids) {
            (Some(key), _) => Ok(key.id.clone()),
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(self.missing(role)),
        }
    }

    fn next_root(&self) -> Result<Root> {
        let mut root = self.root.signed.clone();
        root.version = root.version.checked_add(1).ok_or_else(|| invalid("no version is left".to_owned()))?;
        root.expires = days_from_now(self.file.days.root)?;
        Ok(root)
    }

    /// Signs a root so that it verifies with the keys of the current root and with its own.
    fn sign_root(&self, root: Root) -> Result<Signed<Root>> {
        let role = |root: &Root| root.roles.get(&RoleType::Root).map(|role| role.keyids.clone()).unwrap_or_default();
        let ids = [role(&self.root.signed), role(&root)].concat();
        let signed = block_on(sign(root, self.private(&ids)))??;
        let believed = [&self.root.signed, &signed.signed].iter().all(|root| root.verify_role(&signed).is_ok());
        if believed { Ok(signed) } else { Err(self.missing("root")) }
    }

    fn retire(&self, id: &KeyId) -> Result<()> {
        for key in self.private(std::slice::from_ref(id)) {
            let mut name = key.path.clone().into_os_string();
            name.push(".retired");
            disk::rename(&key.path, Path::new(&name))?;
        }
        Ok(())
    }
}

fn top_role(role: &str) -> Option<RoleType> {
    TOP_ROLES.iter().find(|(name, _)| *name == role).map(|(_, kind)| *kind)
}

/// Writes the numbered file first, so that `root.json` never has a version without a numbered file.
pub(super) fn write_root(folder: &Path, root: &Signed<Root>) -> Result<()> {
    let bytes = encode(root)?;
    parse_root(&bytes)?;
    let numbered = folder.join(format!("{}.root.json", root.signed.version));
    disk::write_atomic(&numbered, &bytes, Durability::PowerCut)?;
    disk::write_atomic(&folder.join("root.json"), &bytes, Durability::PowerCut)
}

pub(super) fn make_key(folder: &Path, role: &str, passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
    let (key, bytes) = PrivateKey::generate(|id| key_path(folder, role, id))?;
    match passphrase {
        Some(passphrase) => write_private(&key.path, &seal(&bytes, &key.public, passphrase)?)?,
        None => write_private(&key.path, &bytes)?,
    }
    Ok(key)
}

fn key_path(folder: &Path, role: &str, id: &str) -> PathBuf {
    folder.join(format!("{role}.{}.pk8", &id[..8]))
}

pub(super) fn names_role(path: &Path, role: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.split('.').next()) == Some(role)
}

pub(super) fn lock(folder: &Path) -> Result<Lock> {
    Lock::exclusive(&folder.join("lock"), "keys")
}

pub(super) fn invalid(reason: impl Into<String>) -> Error {
    Error::invalid("key folder", reason)
}
