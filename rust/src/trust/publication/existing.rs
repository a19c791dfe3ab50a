//! What a repository folder holds: verified by `tough` like any other, or nothing yet.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tough::schema::{Signed, Targets};
use tough::{ExpirationEnforcement, RepositoryLoader, Transport, TransportError, TransportStream};
use url::Url;

use super::{Document, Publication, delegate};
use crate::disk;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::lock::Lock;
use crate::trust::courier::Wanted;
use crate::trust::keys::{Keys, SPEC_VERSION};
use crate::trust::memory::parse_root;
use crate::trust::sign::days_from_now;
use crate::trust::verdict::{self, BASE, carry, trust};
use crate::trust::{MAX_ROOT_BYTES, MAX_TARGETS_BYTES};

/// How many new roots a killed commit may have left without their timestamp.
const MAX_UNFINISHED_ROOTS: u64 = 8;

/// The newest root in the folder; nothing if there is no repository.
pub(super) fn newest_root(repository: &Path) -> Result<Option<u64>> {
    let folder = repository.join("tuf");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("list", folder)(e)),
    };
    let mut newest = None;
    for entry in entries {
        let name = entry.map_err(Error::io("list", &folder))?.file_name();
        let wanted = name.to_str().and_then(|name| Wanted::parse(&format!("tuf/{name}")));
        if let Some(Wanted::Root(version)) = wanted {
            newest = newest.max(Some(version));
        }
    }
    if newest.is_some() && !folder.join("timestamp.json").exists() {
        if repository.join("targets").exists() {
            let reason = "tuf/timestamp.json is missing; put it back from a copy".to_owned();
            return Err(trust(TrustKind::Malformed, reason));
        }
        // Nothing was published yet: the first commit was killed.
        return Ok(None);
    }
    Ok(newest)
}

pub(super) fn create<'k>(repository: &Path, keys: &'k Keys, lock: Lock) -> Result<Publication<'k>> {
    let mut targets = empty("targets", keys)?;
    delegate::apply(&mut targets, keys.file())?;
    let mut publication = Publication {
        keys,
        folder: repository.to_owned(),
        root: keys.newest_root().clone(),
        new_roots: roots_after(keys, 0)?,
        targets,
        roles: BTreeMap::new(),
        snapshot: None,
        timestamp_version: 0,
        renew: true,
        files: BTreeMap::new(),
        _lock: lock,
    };
    publication.add_missing_roles()?;
    Ok(publication)
}

pub(super) fn open<'k>(repository: &Path, keys: &'k Keys, lock: Lock, newest: u64) -> Result<Publication<'k>> {
    let ours = keys.newest_root().signed.version.get();
    let loaded = load(repository, keys, newest.min(ours), newest)?;
    let (root, new_roots) = if newest > ours {
        (loaded.root().clone(), BTreeMap::new())
    } else {
        (keys.newest_root().clone(), roots_after(keys, newest)?)
    };
    let signed = loaded.targets().clone();
    let mut targets = Document { changed: root.signed.verify_role(&signed).is_err(), body: signed.signed };
    let published = take_roles(&mut targets.body);
    let holders = root.signed.roles.get(&tough::schema::RoleType::Targets);
    let can_delegate = holders.is_some_and(|holders| keys.private(&holders.keyids).next().is_some());
    if can_delegate && keys.file().delegations_version > delegate::version(&targets.body) {
        delegate::apply(&mut targets, keys.file())?;
    }
    let roles = published.into_iter().map(|(name, role)| {
        let changed = !delegate::verifies(&targets.body, &name, &role);
        (name, Document { body: role.signed, changed })
    });
    let roles = roles.collect();
    let believed =
        root.signed.verify_role(loaded.snapshot()).is_ok() && root.signed.verify_role(loaded.timestamp()).is_ok();
    let mut publication = Publication {
        keys,
        folder: repository.to_owned(),
        renew: !new_roots.is_empty() || !believed,
        root,
        new_roots,
        targets,
        roles,
        snapshot: Some(loaded.snapshot().signed.clone()),
        timestamp_version: loaded.timestamp().signed.version.get(),
        files: BTreeMap::new(),
        _lock: lock,
    };
    publication.add_missing_roles()?;
    Ok(publication)
}

impl Publication<'_> {
    fn add_missing_roles(&mut self) -> Result<()> {
        for role in self.targets.body.delegations.iter().flat_map(|delegations| &delegations.roles) {
            if !self.roles.contains_key(&role.name) {
                self.roles.insert(role.name.clone(), empty(&role.name, self.keys)?);
            }
        }
        Ok(())
    }
}

/// Takes the delegated metadata out of where `tough` keeps it.
fn take_roles(targets: &mut Targets) -> BTreeMap<String, Signed<Targets>> {
    let roles = targets.delegations.iter_mut().flat_map(|delegations| &mut delegations.roles);
    roles.filter_map(|role| Some((role.name.clone(), role.targets.take()?))).collect()
}

fn empty(role: &str, keys: &Keys) -> Result<Document> {
    let expires = days_from_now(keys.days().of(role))?;
    let mut body = Targets::new(SPEC_VERSION.to_owned(), NonZeroU64::MIN, expires);
    body.delegations = None;
    Ok(Document { body, changed: true })
}

fn roots_after(keys: &Keys, version: u64) -> Result<BTreeMap<u64, Vec<u8>>> {
    let newest = keys.newest_root().signed.version.get();
    let mut roots = BTreeMap::new();
    for version in version + 1..=newest {
        roots.insert(version, root_of(keys, version)?);
    }
    Ok(roots)
}

fn root_of(keys: &Keys, version: u64) -> Result<Vec<u8>> {
    keys.root_of_version(version)?.ok_or_else(|| Error::Invalid {
        what: "folder of keys",
        reason: format!("{version}.root.json is not in {}", keys.folder().display()),
    })
}

/// Loads with the root of version `from`, or one before it: a commit that publishes new keys may have been
/// killed after its roots and before its timestamp.
fn load(repository: &Path, keys: &Keys, from: u64, newest: u64) -> Result<tough::Repository> {
    let mut first = None;
    for version in (from.saturating_sub(MAX_UNFINISHED_ROOTS).max(1)..=from).rev() {
        let newest = if version == from { newest } else { version };
        match load_at(repository, keys, version, newest) {
            Err(error @ Error::Trust { kind: TrustKind::Signature, .. }) => first = first.or(Some(error)),
            Ok(loaded) => return Ok(loaded),
            Err(error) => return Err(first.unwrap_or(error)),
        }
    }
    Err(first.unwrap_or(Error::Cancelled))
}

/// Loads with the root of version `from` and those after it, up to `newest`.
fn load_at(repository: &Path, keys: &Keys, from: u64, newest: u64) -> Result<tough::Repository> {
    let root = root_of(keys, from)?;
    let published = disk::read(&repository.join(format!("tuf/{from}.root.json")), MAX_ROOT_BYTES)?;
    if parse_root(&published)? != parse_root(&root)? {
        let reason = format!("{} was made with other keys", repository.display());
        return Err(trust(TrustKind::Signature, reason));
    }
    let url = |folder| {
        Url::parse(&format!("{BASE}{folder}/"))
            .map_err(|e| Error::Invalid { what: "repository", reason: e.to_string() })
    };
    let loader = RepositoryLoader::new(&root, url("tuf")?, url("targets")?)
        .transport(Shelf { folder: repository.to_owned(), newest })
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    keys.runtime().block_on(loader.load()).map_err(verdict::of)
}

/// The publisher's own folder as a place that `tough` can read.
#[derive(Debug, Clone)]
struct Shelf {
    folder: std::path::PathBuf,
    newest: u64,
}

impl Shelf {
    fn read(&self, url: &Url) -> Result<Vec<u8>> {
        let path = url.as_str().strip_prefix(BASE).unwrap_or_default();
        let wanted = Wanted::parse(path);
        let found = match &wanted {
            Some(Wanted::Root(version)) if *version > self.newest => None,
            Some(wanted) => disk::read_if_exists(&self.folder.join(wanted.path()), MAX_TARGETS_BYTES)?,
            None => None,
        };
        let reason = "it is not there".to_owned();
        found.ok_or_else(|| Error::Transport { kind: TransportKind::NotFound, url: path.to_owned(), reason })
    }
}

#[async_trait]
impl Transport for Shelf {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let outcome = self.read(&url).map(Bytes::from).map_err(|error| carry(error, url.as_str()));
        Ok(Box::pin(stream::once(std::future::ready(outcome))))
    }
}
