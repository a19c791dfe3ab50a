//! A repository opened for publishing. Changes are collected, then signed and written together. The repository is a
//! folder, or files in memory that an update server has loaded from its database.
//!
//! Promises: the existing files are verified before anything is added. Only changed roles are signed, so publishing to
//! one mode needs only the keys of that mode, of `snapshot` and of `timestamp`. No file that a reader may be using is
//! changed, except `timestamp.json` and then `current.pack`, which are replaced last, each in one step.
//! A kill at any point leaves the repository in its old or new state. The one exception is a commit that publishes a
//! new key of `targets`, `snapshot` or `timestamp`: a kill between the root and the timestamp leaves files that do not
//! verify, until the commit is repeated.
//!
//! Never removes files, because readers may still be using an older version.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU64;
use std::path::Path;

use jiff::Timestamp;
use tough::TargetName;
use tough::schema::{Hashes, RoleType, Root, Signed, Snapshot, Target, Targets};

use super::error::{self, trust};
use super::keys::{Keys, ServiceKeys};
use super::sign::KeyId;
use super::{CATALOG_ROLE, CATALOG_TARGET};
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::{check_target_name, target_path};

mod commit;
mod delegation;
mod detached;
mod download;
mod existing;
mod import;
mod metadata_pack;
mod offline_signing;
mod root_chain;
mod signer;
mod statement;
mod storage;
mod validity;

pub use commit::Committed;
pub use detached::{DetachedRole, RoleChange};
pub use metadata_pack::{Read, make_pack};
pub use offline_signing::TrustFiles;
use signer::Signer;
pub use storage::MemoryStorage;
use storage::RepositoryStorage;
pub use validity::{RoleValidity, Validity};

/// Largest target that is read back, in bytes.
const MAX_TARGET_BYTES: u64 = 1 << 30;

/// Most parts of a target's name: there is one delegation pattern for each depth.
const MAX_DEPTH: usize = 4;

/// A repository with pending changes, which [`Self::commit`] signs and writes.
#[derive(Debug)]
pub struct Publication<'k> {
    party: Signer<'k>,
    shelf: RepositoryStorage,
    /// The root that will be in force after the next commit.
    root: Signed<Root>,
    /// Roots that the storage does not have yet, by version.
    new_roots: BTreeMap<u64, Vec<u8>>,
    targets: Document,
    /// The metadata of the catalog and the modes, by role name.
    roles: BTreeMap<String, Document>,
    snapshot: Option<Snapshot>,
    timestamp_version: u64,
    /// Whether to sign snapshot and timestamp even if nothing else has changed.
    renew: bool,
    /// Target files to write, by path below the root of the repository.
    files: BTreeMap<String, Vec<u8>>,
}

/// The metadata of one role, as published or as it will be signed.
#[derive(Debug, Clone)]
struct Document {
    body: Targets,
    changed: bool,
    /// Metadata that was signed elsewhere; these bytes are written unchanged.
    signed: Option<Vec<u8>>,
}

impl Document {
    fn published(body: Targets) -> Self {
        Self { body, changed: false, signed: None }
    }

    fn signed(body: Targets, bytes: &[u8]) -> Self {
        Self { body, changed: true, signed: Some(bytes.to_vec()) }
    }

    /// Marks the metadata to be signed by the next commit.
    fn touch(&mut self) {
        self.changed = true;
        self.signed = None;
    }
}

/// The signed description of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The path of its file below the root of the repository.
    pub path: String,
    /// Its length in bytes.
    pub length: u64,
    /// The SHA-256 of its bytes, 64 hex digits.
    pub sha256: String,
}

impl<'k> Publication<'k> {
    /// Opens a repository and verifies its metadata, which may have expired. In a folder without a repository, creates
    /// an empty, signed one; this needs all keys.
    ///
    /// # Errors
    /// [`Error::Trust`] if the existing metadata does not verify with these keys, [`Error::Busy`] while another process
    /// publishes, [`Error::KeyMissing`], [`Error::Io`].
    pub fn open(repository: &Path, keys: &'k Keys) -> Result<Self> {
        let shelf = RepositoryStorage::folder(repository)?;
        if let Some(newest) = existing::newest_root(shelf.place())? {
            let mut found = existing::open(shelf, Signer::offline(keys), newest)?;
            found.mend_pack()?;
            return Ok(found);
        }
        let mut new = existing::create(shelf, keys)?;
        new.check_not_expired()?;
        new.commit()?;
        Ok(new)
    }

    /// Like [`Self::open`], for files in memory, such as those a server has published. In an empty storage, the first
    /// commit creates a repository; so does [`Self::trust_files`], without any of the online keys.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in(shelf: MemoryStorage, keys: &'k Keys) -> Result<Self> {
        let shelf = RepositoryStorage::memory(shelf);
        match existing::newest_root(shelf.place())? {
            Some(newest) => existing::open(shelf, Signer::offline(keys), newest),
            None => existing::create(shelf, keys),
        }
    }

    /// Like [`Self::open`], for an update server: the newest root of the storage is trusted, and nothing is delegated.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the storage is empty ([`Self::open_with_trust`] creates a repository), [`Error::Trust`] if
    /// the metadata does not verify.
    pub fn open_service(shelf: MemoryStorage, keys: &'k ServiceKeys) -> Result<Self> {
        let shelf = RepositoryStorage::memory(shelf);
        match existing::newest_root(shelf.place())? {
            Some(newest) => existing::open(shelf, Signer::service(keys), newest),
            None => Err(Error::invalid("repository", "it does not exist yet")),
        }
    }

    /// The files that commits have written to a [`MemoryStorage`] so far: paths below the root of the repository and
    /// bytes, in the order in which readers may see them. `tuf/timestamp.json` is the last of each commit.
    pub fn written(&self) -> &[(String, Vec<u8>)] {
        self.shelf.written()
    }

    /// Like [`Self::written`], and ends the publication.
    pub fn into_written(self) -> Vec<(String, Vec<u8>)> {
        self.shelf.into_written()
    }

    /// Adds or replaces a target of a role: `catalog.json` of `catalog`, `<mode>/…` of a mode.
    ///
    /// # Errors
    /// [`Error::UnsafePath`] or [`Error::Invalid`] if the role may not sign this name, [`Error::ModeUnknown`].
    pub fn put(&mut self, role: &str, name: &str, bytes: Vec<u8>) -> Result<()> {
        check_may_sign(role, name)?;
        let sha256 = Digest::of(&bytes).0.to_vec();
        let path = target_path(name, &hex::encode(&sha256));
        let hashes = Hashes { sha256: sha256.into(), _extra: HashMap::new() };
        let length = bytes.len() as u64;
        let target = Target { length, hashes, custom: HashMap::new(), _extra: HashMap::new() };
        let target_name = TargetName::new(name).map_err(error::of)?;
        let document = self.document_mut(role)?;
        if document.body.targets.get(&target_name) != Some(&target) {
            document.body.add_target(target_name, target);
            document.touch();
        }
        self.files.insert(path, bytes);
        Ok(())
    }

    /// Removes a target from its role's list, but not its file. Returns whether it was listed.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn remove(&mut self, role: &str, name: &str) -> Result<bool> {
        check_may_sign(role, name)?;
        let target_name = TargetName::new(name).map_err(error::of)?;
        let document = self.document_mut(role)?;
        let found = document.body.remove_target(&target_name).is_some();
        if found {
            document.touch();
        }
        Ok(found)
    }

    /// The bytes of a target, as signed or put; `None` if it is not listed.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Mismatch` if the file differs from what was signed; [`Error::Io`], also of kind
    /// `NotFound` if a [`MemoryStorage`] does not have it.
    pub fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(listed) = self.listed(name)? else { return Ok(None) };
        if let Some(bytes) = self.files.get(&listed.path) {
            return Ok(Some(bytes.clone()));
        }
        let bytes = self.shelf.place().require(&listed.path, listed.length.min(MAX_TARGET_BYTES))?;
        if bytes.len() as u64 != listed.length || Digest::of(&bytes).to_string() != listed.sha256 {
            return Err(trust(TrustKind::Mismatch, format!("{} differs from what was signed", listed.path)));
        }
        Ok(Some(bytes))
    }

    /// The targets that were put and are not written yet: names below `targets/` of their files, and bytes.
    pub fn pending(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// A file of the storage, by its path below the root of the repository; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Invalid`] for a file of more than `max_bytes`.
    pub fn file(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        self.shelf.place().read(path, max_bytes)
    }

    /// The description with which a target is signed, or will be; `None` if it is not listed.
    ///
    /// # Errors
    /// [`Error::UnsafePath`] if `name` is not a valid target name.
    pub fn listed(&self, name: &str) -> Result<Option<Listed>> {
        check_target_name(name)?;
        let role = if name == CATALOG_TARGET { CATALOG_ROLE } else { name.split('/').next().unwrap_or(name) };
        let target_name = TargetName::new(name).map_err(error::of)?;
        let target = self.roles.get(role).and_then(|document| document.body.targets.get(&target_name));
        Ok(target.map(|target| {
            let sha256 = hex::encode(&target.hashes.sha256);
            Listed { path: target_path(name, &sha256), length: target.length, sha256 }
        }))
    }

    /// The published version of a role's metadata, if there is one.
    pub fn published_version(&self, role: &str) -> Option<u64> {
        let meta = self.snapshot.as_ref()?.meta.get(&format!("{role}.json"))?;
        Some(meta.version.get())
    }

    /// The version of the root that will be in force after the next commit.
    pub fn root_version(&self) -> u64 {
        self.root.signed.version.get()
    }

    /// The names of all targets, sorted.
    pub fn names(&self) -> Vec<String> {
        let all = self.roles.values().flat_map(|document| document.body.targets.keys());
        let mut names: Vec<String> = all.map(|name| name.raw().to_owned()).collect();
        names.sort();
        names
    }

    /// The modes that have a role, or will have one after the next commit.
    pub fn modes(&self) -> Vec<String> {
        self.roles.keys().filter(|role| *role != CATALOG_ROLE).cloned().collect()
    }

    /// Checks that there is a mode of this name.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`].
    pub fn check_mode(&self, name: &str) -> Result<()> {
        if name != CATALOG_ROLE && self.roles.contains_key(name) { Ok(()) } else { Err(self.unknown(name)) }
    }

    /// Checks that a change of this role can be committed with the available keys.
    ///
    /// # Errors
    /// [`Error::KeyMissing`] with the role whose key is missing, [`Error::ModeUnknown`].
    pub fn check_keys(&self, role: &str) -> Result<()> {
        self.check_role_keys(role)?;
        for (name, kind) in [("snapshot", RoleType::Snapshot), ("timestamp", RoleType::Timestamp)] {
            let holders = self.root.signed.roles.get(&kind).ok_or_else(|| self.party.ring.missing(name))?;
            self.require(name, &holders.keyids, holders.threshold)?;
        }
        Ok(())
    }

    /// Checks that the role alone can be signed with the available keys, as [`Self::sign_only`] does.
    ///
    /// # Errors
    /// [`Error::KeyMissing`], [`Error::ModeUnknown`].
    pub fn check_role_keys(&self, role: &str) -> Result<()> {
        let delegated = self.targets.body.delegations.iter().flat_map(|delegations| &delegations.roles);
        let Some(holders) = delegated.into_iter().find(|holders| holders.name == role) else {
            return Err(self.unknown(role));
        };
        self.require(role, &holders.keyids, holders.threshold)
    }

    fn require(&self, role: &str, ids: &[KeyId], threshold: NonZeroU64) -> Result<()> {
        let here = self.party.ring.private(ids).count() as u64;
        if here >= threshold.get() { Ok(()) } else { Err(self.party.ring.missing(role)) }
    }

    /// Makes the next commit sign snapshot and timestamp in any case, and each role whose keys are available and whose
    /// lifetime is more than half over.
    pub fn renew(&mut self) -> Result<()> {
        self.renew = true;
        let roles: Vec<String> = self.roles.keys().cloned().collect();
        for role in roles {
            let due = is_half_spent(&self.roles[&role].body, self.party.days.of(&role));
            if due && self.check_keys(&role).is_ok() {
                self.document_mut(&role)?.touch();
            }
        }
        self.renew_targets();
        Ok(())
    }

    /// Makes the next commit, or [`Self::trust_files`], sign `targets.json` if its key is available and its lifetime is
    /// more than half over.
    pub fn renew_targets(&mut self) {
        let holders = self.root.signed.roles.get(&RoleType::Targets);
        let can = holders.is_some_and(|holders| self.require("targets", &holders.keyids, holders.threshold).is_ok());
        let due = can && is_half_spent(&self.targets.body, self.party.days.targets);
        if due && self.targets.signed.is_none() {
            self.targets.touch();
        }
    }

    /// Makes the next commit, or [`Self::trust_files`], sign the metadata of a mode with new days: if half of its days are
    /// over, or with `always`. Returns whether it does.
    ///
    /// # Errors
    /// [`Error::ModeUnknown`], [`Error::KeyMissing`] if it is due and its key is not available.
    pub fn renew_mode(&mut self, mode: &str, always: bool) -> Result<bool> {
        let days = self.party.days.of(mode);
        let is_due = always || is_half_spent(&self.document_mut(mode)?.body, days);
        if is_due {
            self.check_role_keys(mode)?;
            self.document_mut(mode)?.touch();
        }
        Ok(is_due)
    }

    /// The paths of all listed targets.
    fn listed_paths(&self) -> BTreeSet<String> {
        let all = self.roles.values().flat_map(|document| &document.body.targets);
        all.map(|(name, target)| target_path(name.raw(), &hex::encode(&target.hashes.sha256))).collect()
    }

    fn document_mut(&mut self, role: &str) -> Result<&mut Document> {
        if !self.roles.contains_key(role) {
            return Err(self.unknown(role));
        }
        self.roles.get_mut(role).ok_or(Error::Cancelled)
    }

    fn unknown(&self, mode: &str) -> Error {
        Error::ModeUnknown { mode: mode.to_owned(), known: self.modes().join(", ") }
    }
}

fn is_half_spent(body: &Targets, days: u32) -> bool {
    let left = body.expires.as_second() - Timestamp::now().as_second();
    left < i64::from(days) * 86_400 / 2
}

fn check_may_sign(role: &str, name: &str) -> Result<()> {
    check_target_name(name)?;
    let refuse = |why: &str| Err(Error::invalid("target", format!("{role} may not sign {name}: {why}")));
    if role == CATALOG_ROLE {
        return if name == CATALOG_TARGET { Ok(()) } else { refuse("it may only sign catalog.json") };
    }
    if name.strip_prefix(role).is_none_or(|rest| !rest.starts_with('/')) {
        return refuse("a mode may only sign names below its own");
    }
    if name.split('/').count() > MAX_DEPTH {
        return refuse("it has more than four parts");
    }
    Ok(())
}
