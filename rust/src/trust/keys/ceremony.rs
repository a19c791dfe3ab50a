//! What changes a folder of keys: the first keys, a new mode, a replaced key, a new root.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use tough::schema::{RoleKeys, RoleType, Root, Signed};

use super::files::{KeyFile, RoleHolders, read_private, write_private};
use super::{Days, Keys, TOP_ROLES};
use crate::disk::{self, Durability};
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::trust::memory::parse_root;
use crate::trust::sign::{KeyId, PrivateKey, days_from_now, encode, sign};
use crate::trust::{CATALOG_ROLE, check_role_name};

/// The version of the specification that `tough` follows, as metadata states it.
pub(crate) const SPEC_VERSION: &str = "1.0.0";

pub(super) fn init(folder: &Path, modes: &[String], days: &Days) -> Result<()> {
    disk::create_directory(folder)?;
    let _lock = lock(folder)?;
    if KeyFile::exists(folder) {
        return Err(invalid(format!("{} has keys already; nothing was changed", folder.display())));
    }
    // Keys that an interrupted run has left are as good as new ones.
    let mut left = read_private(folder)?;
    let mut key_of = |role: &str| match left.iter().position(|key| names_role(&key.path, role)) {
        Some(at) => Ok(left.swap_remove(at)),
        None => make_key(folder, role),
    };
    let mut top = Vec::new();
    for (name, role) in TOP_ROLES {
        top.push((role, key_of(name)?));
    }
    let catalog = key_of(CATALOG_ROLE)?;
    let mut holders = BTreeMap::new();
    for mode in modes {
        holders.insert(mode.clone(), RoleHolders::one(key_of(mode)?.public));
    }
    let root = first_root(&top, days)?;
    let runtime = Keys::start_runtime()?;
    let signers = top.iter().filter(|(role, _)| *role == RoleType::Root).map(|(_, key)| key);
    let signed = runtime.block_on(sign(root, signers))?;
    write_root(folder, &signed)?;
    KeyFile::new(days.clone(), catalog.public, holders).write(folder)
}

impl Keys {
    /// Makes a key for another mode. The next [`Publication`](crate::trust::Publication) publishes it, and
    /// needs the keys of `targets`, `snapshot` and `timestamp` for that.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the name is none or taken; [`Error::Io`], [`Error::Busy`].
    pub fn add_mode(&mut self, name: &str) -> Result<()> {
        check_role_name(name)?;
        let _lock = lock(&self.folder)?;
        let mut file = KeyFile::read(&self.folder)?;
        if file.modes.contains_key(name) {
            return Err(invalid(format!("the mode {name} has a key already")));
        }
        let key = make_key(&self.folder, name)?;
        file.modes.insert(name.to_owned(), RoleHolders::one(key.public.clone()));
        file.delegations_version += 1;
        file.write(&self.folder)?;
        self.file = file;
        self.private.push(key);
        Ok(())
    }

    /// Replaces a key of a role by a new one: of several, the one whose private half is here and has the
    /// role's name. Clients learn of it at the next commit, which signs what that role signs anew.
    ///
    /// A role of `root.json` gets a new root, signed by the old and the new keys of root.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] if root's keys are needed and not here, or if it is not clear which key to
    /// replace; [`Error::Invalid`] for a role that does not exist; [`Error::Io`], [`Error::Busy`].
    pub fn rotate(&mut self, role: &str) -> Result<()> {
        let _lock = lock(&self.folder)?;
        // Another process may have changed the folder since it was opened.
        let mut now = Self::open(&self.folder)?;
        match TOP_ROLES.iter().find(|(name, _)| *name == role) {
            Some((_, kind)) => now.rotate_top(role, *kind)?,
            None => now.rotate_delegated(role)?,
        }
        *self = Self::open(&self.folder)?;
        Ok(())
    }

    /// Makes a new root that says the same and lives its days again.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] without enough keys of root; [`Error::Io`], [`Error::Busy`].
    pub fn renew_root(&mut self) -> Result<()> {
        let _lock = lock(&self.folder)?;
        let now = Self::open(&self.folder)?;
        let root = now.next_root()?;
        write_root(&now.folder, &now.sign_root(root)?)?;
        *self = Self::open(&self.folder)?;
        Ok(())
    }

    fn rotate_top(&mut self, name: &str, role: RoleType) -> Result<()> {
        let mut root = self.next_root()?;
        let holders = root.roles.get(&role).cloned();
        let Some(mut holders) = holders else { return Err(invalid(format!("root.json has no role {name}"))) };
        let old = self.key_to_replace(name, &holders.keyids)?;
        let (key, bytes) = PrivateKey::generate(|id| key_path(&self.folder, name, id))?;
        let others = holders.keyids.iter().filter(|id| **id != old).cloned();
        holders.keyids = others.chain([key.id.clone()]).collect();
        root.keys.insert(key.id.clone(), key.public.clone());
        root.roles.insert(role, holders);
        let used = |id: &KeyId| root.roles.values().any(|role| role.keyids.contains(id));
        let mut keys = std::mem::take(&mut root.keys);
        keys.retain(|id, _| used(id));
        root.keys = keys;
        write_private(&key.path, &bytes)?;
        self.private.push(key);
        write_root(&self.folder, &self.sign_root(root)?)?;
        self.retire(&old)
    }

    fn rotate_delegated(&mut self, name: &str) -> Result<()> {
        let mut file = self.file.clone();
        let Some(holders) = file.holders_mut(name) else {
            return Err(Error::Invalid { what: "role", reason: format!("there is no role {name:?} here") });
        };
        let ids = holders.keys.iter().map(super::key_id).collect::<Result<Vec<_>>>()?;
        let old = self.key_to_replace(name, &ids)?;
        let key = make_key(&self.folder, name)?;
        let kept = holders.keys.drain(..).zip(ids).filter(|(_, id)| *id != old).map(|(key, _)| key);
        holders.keys = kept.chain([key.public]).collect();
        file.delegations_version += 1;
        file.write(&self.folder)?;
        self.retire(&old)
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

    /// Signed so that both who trusts the root of now and who trusts the new one believes it.
    fn sign_root(&self, root: Root) -> Result<Signed<Root>> {
        let role = |root: &Root| root.roles.get(&RoleType::Root).map(|role| role.keyids.clone()).unwrap_or_default();
        let ids = [role(&self.root.signed), role(&root)].concat();
        let signed = self.runtime.block_on(sign(root, self.private(&ids)))?;
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

fn first_root(top: &[(RoleType, PrivateKey)], days: &Days) -> Result<Root> {
    let holders = |key: &PrivateKey| RoleKeys {
        keyids: vec![key.id.clone()],
        threshold: NonZeroU64::MIN,
        _extra: HashMap::new(),
    };
    Ok(Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: days_from_now(days.root)?,
        keys: top.iter().map(|(_, key)| (key.id.clone(), key.public.clone())).collect(),
        roles: top.iter().map(|(role, key)| (*role, holders(key))).collect(),
        _extra: HashMap::new(),
    })
}

/// The numbered one first: `root.json` never names a version that is not there.
fn write_root(folder: &Path, root: &Signed<Root>) -> Result<()> {
    let bytes = encode(root)?;
    parse_root(&bytes)?;
    let numbered = folder.join(format!("{}.root.json", root.signed.version));
    disk::write_atomic(&numbered, &bytes, Durability::PowerCut)?;
    disk::write_atomic(&folder.join("root.json"), &bytes, Durability::PowerCut)
}

fn make_key(folder: &Path, role: &str) -> Result<PrivateKey> {
    let (key, bytes) = PrivateKey::generate(|id| key_path(folder, role, id))?;
    write_private(&key.path, &bytes)?;
    Ok(key)
}

fn key_path(folder: &Path, role: &str, id: &str) -> PathBuf {
    folder.join(format!("{role}.{}.pk8", &id[..8]))
}

fn names_role(path: &Path, role: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.split('.').next()) == Some(role)
}

fn lock(folder: &Path) -> Result<Lock> {
    Lock::exclusive(&folder.join("lock"), "keys")
}

fn invalid(reason: String) -> Error {
    Error::Invalid { what: "folder of keys", reason }
}
