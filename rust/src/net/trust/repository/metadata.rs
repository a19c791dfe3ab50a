//! The verified metadata of one load, and the targets that it authorizes.
//!
//! `tough` rejects a whole repository if a single delegated role is missing, malformed, wrongly signed or expired, or
//! lists a target outside its paths. That would let the publisher of one mode stop the updates of all others, and TUF
//! does not ask for it: a search skips what a delegated role may not provide (specification 5.6.7). So when `tough`
//! gets past the top-level roles and then fails, the delegated roles are read again here, each for itself, with
//! `tough`'s own verification of signatures. A role that fails is set aside, with its error, and only its own targets
//! are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tough::TargetName;
use tough::error::Error as Tough;
use tough::schema::{Delegations, Metafile, PathSet, Root, Signed, Snapshot, Target, Targets, Timestamp};

use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::{PackQuery, check_target_name};
use crate::local::disk;
use crate::net::trust::error::{self, not_json, trust};
use crate::net::trust::transport::MirrorTransport;
use crate::net::trust::{MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES};

/// `tough` writes its own form of a file, which may be longer than the one that was received.
const GROWTH: u64 = 2;

/// Where delegated roles come from.
#[async_trait]
pub(super) trait RoleSource: Sync {
    /// A metadata file, unverified.
    async fn metadata(&self, wanted: &PackQuery) -> Result<Vec<u8>>;
}

#[async_trait]
impl RoleSource for MirrorTransport {
    async fn metadata(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        MirrorTransport::metadata(self, wanted).await
    }
}

/// Root, timestamp, snapshot and targets, each verified, with all delegated roles that could be verified.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) root: Signed<Root>,
    pub(super) timestamp: Signed<Timestamp>,
    pub(super) snapshot: Signed<Snapshot>,
    pub(super) targets: Signed<Targets>,
    /// The roles that could not be verified, by name.
    unusable: BTreeMap<String, Error>,
}

impl Metadata {
    /// Takes over what `tough` loaded into `store`.
    ///
    /// # Errors
    /// Those of `tough`, if it did not get past the top-level roles.
    pub(super) async fn of(
        loaded: Result<tough::Repository, Tough>,
        source: &dyn RoleSource,
        store: &Path,
    ) -> Result<Self> {
        let mut metadata = match loaded {
            Ok(repository) => Self::of_repository(&repository),
            Err(failure) => match Self::of_store(store)? {
                Some(metadata) => metadata,
                None => return Err(error::of(failure)),
            },
        };
        if metadata.lacks_roles() {
            metadata.read_roles(source).await;
        }
        Ok(metadata)
    }

    fn of_repository(repository: &tough::Repository) -> Self {
        Self {
            root: repository.root().clone(),
            timestamp: repository.timestamp().clone(),
            snapshot: repository.snapshot().clone(),
            targets: repository.targets().clone(),
            unusable: BTreeMap::new(),
        }
    }

    /// The top-level roles, if all of them are verified and fresh: `tough` writes each file only then, and
    /// `targets.json` last.
    fn of_store(store: &Path) -> Result<Option<Self>> {
        let Some(targets) = read(store, "targets.json", MAX_TARGETS_BYTES)? else { return Ok(None) };
        let root = read(store, "root.json", MAX_ROOT_BYTES)?;
        let timestamp = read(store, "timestamp.json", MAX_TIMESTAMP_BYTES)?;
        let snapshot = read(store, "snapshot.json", MAX_SNAPSHOT_BYTES)?;
        let (Some(root), Some(timestamp), Some(snapshot)) = (root, timestamp, snapshot) else { return Ok(None) };
        Ok(Some(Self { root, timestamp, snapshot, targets, unusable: BTreeMap::new() }))
    }

    fn lacks_roles(&self) -> bool {
        fn lacks(targets: &Targets) -> bool {
            let mut roles = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
            roles.any(|role| role.targets.as_ref().is_none_or(|targets| lacks(&targets.signed)))
        }
        lacks(&self.targets.signed)
    }

    /// Reads all delegated roles. Each name counts once, so a cycle ends.
    async fn read_roles(&mut self, source: &dyn RoleSource) {
        let mut known = BTreeSet::new();
        // Delegations still to be read, as the positions of the roles that lead to them.
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new()];
        while let Some(path) = waiting.pop() {
            let Some(delegations) = delegations_at(&mut self.targets.signed, &path) else { continue };
            for at in 0..delegations.roles.len() {
                let name = delegations.roles[at].name.clone();
                if !known.insert(name.clone()) {
                    continue;
                }
                match read_role(&self.snapshot.signed, delegations, &name, source).await {
                    Ok(role) => {
                        delegations.roles[at].targets = Some(role);
                        waiting.push(path.iter().copied().chain([at]).collect());
                    }
                    Err(error) => {
                        delegations.roles[at].targets = None;
                        self.unusable.insert(name, error);
                    }
                }
            }
        }
    }

    /// The first reason why a delegated role could not be verified.
    pub(super) fn first_unusable(&self) -> Option<&Error> {
        self.unusable.values().next()
    }

    /// The number of delegated roles that could not be verified.
    pub(super) fn unusable_roles(&self) -> usize {
        self.unusable.len()
    }

    /// The signed description of a target.
    ///
    /// # Errors
    /// `target_not_signed`; the error of the role that may list it, if that role could not be verified.
    pub(super) fn find(&self, name: &str) -> Result<(TargetName, &Target)> {
        check_target_name(name)?;
        let target_name = TargetName::new(name).map_err(error::of)?;
        match self.targets.signed.find_target(&target_name, false) {
            Ok(target) => Ok((target_name, target)),
            Err(_) => Err(self
                .responsible(&target_name)
                .unwrap_or_else(|| trust(TrustKind::NotSigned, format!("{name} is not signed by an authorized role")))),
        }
    }

    /// A field that TUF does not define, of `targets` or of a role that it delegates to.
    pub(super) fn field(&self, role: &str, name: &str) -> Option<&serde_json::Value> {
        let targets = &self.targets.signed;
        let delegated = || {
            let mut roles = targets.delegations.iter().flat_map(|delegations| &delegations.roles);
            roles.find(|delegated| delegated.name == role)?.targets.as_ref().map(|targets| &targets.signed)
        };
        let signed = if role == "targets" { Some(targets) } else { delegated() }?;
        super::freshness::is_fresh(self, signed).then(|| signed._extra.get(name)).flatten()
    }

    /// The error of a role that may list this target, but could not be verified.
    fn responsible(&self, target: &TargetName) -> Option<Error> {
        let roles = self.targets.signed.delegations.iter().flat_map(|delegations| &delegations.roles);
        let mut may = roles.filter(|role| provides(&role.paths, target));
        may.find_map(|role| self.unusable.get(&role.name)).map(repeat)
    }

    /// Names and descriptions of all listed targets, whether their role may list them or not.
    pub(super) fn all_targets(&self) -> impl Iterator<Item = (&TargetName, &Target)> {
        self.targets.signed.targets_iter()
    }

    /// The names of all metadata files that are current and verified, as they are cached.
    pub(super) fn files(&self) -> BTreeSet<String> {
        let snapshot = &self.snapshot.signed;
        let is_usable = |file: &str| !file.strip_suffix(".json").is_some_and(|role| self.unusable.contains_key(role));
        let roles = snapshot.meta.iter().filter(|(file, _)| is_usable(file));
        let roles = roles.map(|(file, meta)| format!("{}.{file}", meta.version));
        roles.chain(["timestamp.json".to_owned(), format!("{}.snapshot.json", snapshot.version)]).collect()
    }
}

fn delegations_at<'a>(targets: &'a mut Targets, path: &[usize]) -> Option<&'a mut Delegations> {
    let mut found = targets.delegations.as_mut()?;
    for at in path {
        found = found.roles.get_mut(*at)?.targets.as_mut()?.signed.delegations.as_mut()?;
    }
    Some(found)
}

/// Gets a delegated role, and verifies it against the snapshot and the role that delegates to it.
async fn read_role(
    snapshot: &Snapshot,
    delegations: &Delegations,
    name: &str,
    source: &dyn RoleSource,
) -> Result<Signed<Targets>> {
    let file = format!("{name}.json");
    let Some(meta) = snapshot.meta.get(&file) else {
        return Err(trust(TrustKind::Mismatch, format!("the snapshot does not contain the role {name}")));
    };
    let Some(wanted) = PackQuery::metadata(&format!("{}.{file}", meta.version)) else {
        return Err(trust(TrustKind::Malformed, format!("{name:?} cannot be the name of a role")));
    };
    let bytes = source.metadata(&wanted).await?;
    check_bytes(&wanted.path(), &bytes, meta)?;
    let role: Signed<Targets> = serde_json::from_slice(&bytes).map_err(|e| not_json(&wanted.path(), e))?;
    let unsigned =
        |e| trust(TrustKind::Signature, format!("{} has too few valid signatures", wanted.path())).caused_by(e);
    delegations.verify_role(&role, name).map_err(unsigned)?;
    if role.signed.version != meta.version {
        let reason = format!("{} has version {} inside", wanted.path(), role.signed.version);
        return Err(trust(TrustKind::Mismatch, reason));
    }
    Ok(role)
}

/// Length and digest are optional in a snapshot.
fn check_bytes(path: &str, bytes: &[u8], meta: &Metafile) -> Result<()> {
    let is_as_long = meta.length.is_none_or(|length| bytes.len() as u64 <= length);
    let is_same = meta.hashes.as_ref().is_none_or(|hashes| Digest::of(bytes).0[..] == hashes.sha256[..]);
    if is_as_long && is_same {
        return Ok(());
    }
    Err(trust(TrustKind::Mismatch, format!("{path} is not the file that the snapshot names")))
}

fn read<T: DeserializeOwned>(store: &Path, name: &str, max_bytes: u64) -> Result<Option<T>> {
    let bytes = disk::read_if_exists(&store.join(name), max_bytes * GROWTH)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Whether a role with these paths may list the target.
fn provides(paths: &PathSet, target: &TargetName) -> bool {
    let mut alone = Delegations::new();
    alone.roles.push(tough::schema::DelegatedRole {
        name: String::new(),
        keyids: Vec::new(),
        threshold: std::num::NonZeroU64::MIN,
        paths: paths.clone(),
        terminating: false,
        targets: None,
    });
    alone.target_is_delegated(target)
}

/// The same error again: each request for a target of the role gets it.
fn repeat(error: &Error) -> Error {
    match error {
        Error::Trust { kind, reason, source } => trust(*kind, reason).with_source(source.clone()),
        Error::Transport { kind, url, reason, source } => {
            Error::transport(*kind, url, reason).with_source(source.clone())
        }
        other => trust(TrustKind::Malformed, other.message_with_causes()),
    }
}
