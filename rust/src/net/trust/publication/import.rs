//! Imports metadata that was signed elsewhere: verifies it, then publishes it unchanged.
//!
//! In addition to the signature, the content must follow the rules of this crate: a role with names of another mode, or
//! with delegations of its own, would make the whole repository unreadable for clients.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tough::schema::{Role, RoleType, Signed, Targets};

use super::commit::check_size;
use super::storage::RepositoryStorage;
use super::{
    Document, MemoryStorage, Publication, Signer, TrustFiles, check_may_sign, delegation, existing, root_chain,
};
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::check_role_name;
use crate::net::trust::error::{not_json, trust};
use crate::net::trust::keys::ServiceKeys;
use crate::net::trust::{CATALOG_ROLE, MAX_TARGETS_BYTES};

impl<'k> Publication<'k> {
    /// Opens a server's repository like [`Self::open_service`], and applies the files that its publisher has signed. In
    /// an empty storage, the next commit creates the repository. Applying the same files again changes nothing.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] if the keys of `snapshot` or `timestamp` in the root, or of the catalog in `targets.json`,
    /// are not in `keys`, so that the service could not sign. [`Error::Trust`] of kind `Signature` if a file lacks an
    /// authorized signature, `Rollback` if it is older than the published one, `Expired`, `Root`, `Malformed`.
    /// [`Error::Invalid`] if a file lacks required content or has forbidden content.
    pub fn open_with_trust(shelf: MemoryStorage, keys: &'k ServiceKeys, files: &TrustFiles) -> Result<Self> {
        let shelf = RepositoryStorage::memory(shelf);
        let party = Signer::service(keys);
        if let Some(newest) = existing::newest_root(shelf.place())? {
            let mut open = existing::open(shelf, party, newest)?;
            open.accept_trust(files)?;
            return Ok(open);
        }
        let (root, new_roots) = root_chain::follow(None, &files.roots, shelf.place())?;
        let bytes =
            files.targets.as_deref().ok_or_else(|| invalid("a new repository needs targets.json".to_owned()))?;
        let targets: Signed<Targets> = parse("targets", bytes)?;
        let mut begun = Self {
            party,
            shelf,
            root,
            new_roots,
            targets: Document::signed(targets.signed.clone(), bytes),
            roles: BTreeMap::new(),
            snapshot: None,
            timestamp_version: 0,
            renew: true,
            files: BTreeMap::new(),
        };
        begun.check_root()?;
        begun.check_targets(&targets)?;
        begun.accept_roles(&files.roles)?;
        Ok(begun)
    }

    /// Accepts a mode's metadata that was signed elsewhere. The next commit publishes exactly these bytes.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`]. [`Error::Trust`] of kind `Signature` if the mode's keys have not signed it, `Rollback`
    /// if it is not newer than the published one, `Expired`, `Malformed`. [`Error::Invalid`] if it skips a version, is
    /// too large, or lists targets that the mode may not sign.
    pub fn accept_role(&mut self, mode: &str, bytes: &[u8]) -> Result<()> {
        if mode == CATALOG_ROLE || !self.roles.contains_key(mode) {
            return Err(self.unknown(mode));
        }
        let role = self.parse_role(mode, bytes)?;
        self.check_next(mode, &role)?;
        self.roles.insert(mode.to_owned(), Document::signed(role.signed, bytes));
        Ok(())
    }

    fn accept_trust(&mut self, files: &TrustFiles) -> Result<()> {
        let (root, new_roots) = root_chain::follow(Some(&self.root), &files.roots, self.shelf.place())?;
        let is_new_root = !new_roots.is_empty();
        self.root = root;
        self.new_roots = new_roots;
        self.renew |= is_new_root;
        let published = self.published_bytes("targets")?;
        let is_new_targets = files.targets.as_ref().is_some_and(|bytes| Some(bytes) != published.as_ref());
        if !is_new_root && !is_new_targets {
            return self.accept_roles(&files.roles);
        }
        self.check_root()?;
        let bytes = files.targets.as_ref().or(published.as_ref());
        let bytes = bytes.ok_or_else(|| invalid("targets.json is not published".to_owned()))?;
        let targets: Signed<Targets> = parse("targets", bytes)?;
        self.check_targets(&targets)?;
        if is_new_targets {
            let (given, published) = (targets.signed.version.get(), self.published_version("targets").unwrap_or(0));
            if given <= published {
                return Err(older("targets", given, published));
            }
            let lost = |name: &&String| !delegated(&targets.signed).any(|role| role.name == **name);
            if let Some(lost) = self.roles.keys().find(lost) {
                return Err(invalid(format!(
                    "targets.json no longer names the published mode {lost}: retire it instead"
                )));
            }
            self.targets = Document::signed(targets.signed, bytes);
        } else {
            self.targets = Document::published(targets.signed);
        }
        self.accept_roles(&files.roles)
    }

    /// Accepts new metadata of roles, and checks that clients will accept every delegated role.
    fn accept_roles(&mut self, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        for (mode, bytes) in files {
            if mode == CATALOG_ROLE || !delegated(&self.targets.body).any(|role| role.name == *mode) {
                return Err(invalid(format!("targets.json does not name the mode {mode}")));
            }
            let role = self.parse_role(mode, bytes)?;
            // The first metadata of a mode is outdated once the mode has newer metadata.
            if self.published_version(mode).is_none_or(|published| role.signed.version.get() > published) {
                self.check_next(mode, &role)?;
                self.roles.insert(mode.clone(), Document::signed(role.signed, bytes));
            }
        }
        let names: Vec<String> = delegated(&self.targets.body).map(|role| role.name.clone()).collect();
        for name in names {
            self.check_covered(&name)?;
        }
        Ok(())
    }

    /// Checks that a role's metadata, published or pending, is signed by the role's current keys.
    fn check_covered(&mut self, name: &str) -> Result<()> {
        if self.roles.get(name).is_some_and(|document| document.signed.is_some()) {
            return Ok(());
        }
        let is_believed = match self.published_bytes(name)? {
            Some(bytes) => delegation::verifies(&self.targets.body, name, &parse(name, &bytes)?),
            None => false,
        };
        match (name == CATALOG_ROLE, is_believed) {
            (_, true) => Ok(()),
            (false, false) => Err(invalid(format!("{name} has no metadata signed by its key: send that, too"))),
            (true, false) => {
                self.begin_role(CATALOG_ROLE)?;
                self.document_mut(CATALOG_ROLE)?.touch();
                Ok(())
            }
        }
    }

    pub(super) fn published_bytes(&self, role: &str) -> Result<Option<Vec<u8>>> {
        let Some(version) = self.published_version(role) else { return Ok(None) };
        self.shelf.place().require(&format!("tuf/{version}.{role}.json"), MAX_TARGETS_BYTES).map(Some)
    }

    /// Checks that clients will accept the root, and that this service can sign its roles.
    fn check_root(&self) -> Result<()> {
        check_fresh("root", &self.root.signed)?;
        for (name, kind) in [("snapshot", RoleType::Snapshot), ("timestamp", RoleType::Timestamp)] {
            let holders = self.root.signed.roles.get(&kind);
            let holders = holders.ok_or_else(|| trust(TrustKind::Root, format!("the root has no role {name}")))?;
            self.require(name, &holders.keyids, holders.threshold)?;
        }
        Ok(())
    }

    fn check_targets(&self, targets: &Signed<Targets>) -> Result<()> {
        if self.root.signed.verify_role(targets).is_err() {
            let reason = "targets.json is not signed by the keys that the root names";
            return Err(trust(TrustKind::Signature, reason));
        }
        check_fresh("targets", &targets.signed)?;
        if !targets.signed.targets.is_empty() {
            return Err(invalid("targets.json must not list targets itself".to_owned()));
        }
        let mut names = BTreeSet::new();
        for role in delegated(&targets.signed) {
            if role.name != CATALOG_ROLE {
                check_role_name(&role.name)?;
            }
            if !names.insert(role.name.as_str()) {
                return Err(invalid(format!("targets.json names {} twice", role.name)));
            }
            if role.paths != delegation::paths_of(&role.name)? || !role.terminating {
                return Err(invalid(format!("targets.json allows {} to sign other names than its own", role.name)));
            }
        }
        let catalog = delegated(&targets.signed).find(|role| role.name == CATALOG_ROLE);
        let catalog = catalog.ok_or_else(|| invalid("targets.json does not name the catalog".to_owned()))?;
        self.require(CATALOG_ROLE, &catalog.keyids, catalog.threshold)
    }

    /// Parses a mode's metadata, and checks its signatures and that clients can read it.
    pub(super) fn parse_role(&self, mode: &str, bytes: &[u8]) -> Result<Signed<Targets>> {
        let role: Signed<Targets> = parse(mode, bytes)?;
        if !delegation::verifies(&self.targets.body, mode, &role) {
            let reason = format!("the metadata of {mode} is not signed by enough of its keys");
            return Err(trust(TrustKind::Signature, reason));
        }
        if role.signed.delegations.is_some() {
            return Err(invalid(format!("{mode} must not delegate to other roles")));
        }
        for (name, target) in &role.signed.targets {
            check_may_sign(mode, name.raw())?;
            if target.hashes.sha256.len() != 32 {
                return Err(invalid(format!("the digest of {} is not a SHA-256", name.raw())));
            }
        }
        Ok(role)
    }

    fn check_next(&self, mode: &str, role: &Signed<Targets>) -> Result<()> {
        check_fresh(mode, &role.signed)?;
        let given = role.signed.version.get();
        match self.published_version(mode) {
            Some(published) if given <= published => Err(older(mode, given, published)),
            Some(published) if given != published + 1 => {
                Err(invalid(format!("{mode} is signed as version {given}, but the next version is {}", published + 1)))
            }
            _ => Ok(()),
        }
    }
}

fn delegated(targets: &Targets) -> impl Iterator<Item = &tough::schema::DelegatedRole> {
    targets.delegations.iter().flat_map(|delegations| &delegations.roles)
}

fn parse<T: Role + DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<Signed<T>> {
    check_size(name, bytes, MAX_TARGETS_BYTES)?;
    serde_json::from_slice(bytes).map_err(|e| not_json(&format!("{name}.json"), e))
}

pub(super) fn check_fresh<T: Role>(name: &str, role: &T) -> Result<()> {
    if Timestamp::now() <= role.expires() {
        return Ok(());
    }
    Err(trust(TrustKind::Expired, format!("the metadata of the role {name} expired at {}", role.expires())))
}

pub(super) fn older(name: &str, given: u64, published: u64) -> Error {
    let reason = format!("{name} is signed as version {given}, but version {published} is already published");
    trust(TrustKind::Rollback, reason)
}

fn invalid(reason: String) -> Error {
    Error::invalid("metadata", reason)
}
