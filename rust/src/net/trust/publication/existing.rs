//! Opens an existing repository, which `tough` verifies like any client, or begins an empty one.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tough::schema::{Signed, Targets};
use tough::{ExpirationEnforcement, RepositoryLoader, Transport, TransportError, TransportStream};
use url::Url;

use super::signer::Signer;
use super::storage::{RepositoryStorage, StorageReader};
use super::{Document, Publication, delegation};
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::net::trust::datastore::parse_root;
use crate::net::trust::error::{self, BASE, carry, trust};
use crate::net::trust::keys::{Days, Keys, SPEC_VERSION, block_on};
use crate::net::trust::sign::days_from_now;
use crate::net::trust::{MAX_ROOT_BYTES, MAX_TARGETS_BYTES};

/// Most new roots that a killed commit may have left without a timestamp.
const MAX_UNFINISHED_ROOTS: u64 = 8;

/// The version of the newest root; `None` if there is no repository.
pub(super) fn newest_root(place: &StorageReader) -> Result<Option<u64>> {
    let mut newest = None;
    for name in place.names_in("tuf")? {
        if let Some(PackQuery::Root(version)) = PackQuery::parse(&format!("tuf/{name}")) {
            newest = newest.max(Some(version));
        }
    }
    if newest.is_some() && !place.has("tuf/timestamp.json") {
        if place.has("targets") {
            let reason = "tuf/timestamp.json is missing; put it back from a copy".to_owned();
            return Err(trust(TrustKind::Malformed, reason));
        }
        // The first commit was killed, so nothing has been published yet.
        return Ok(None);
    }
    Ok(newest)
}

pub(super) fn create(shelf: RepositoryStorage, keys: &Keys) -> Result<Publication<'_>> {
    let party = Signer::offline(keys);
    let mut targets = empty("targets", party.days)?;
    delegation::apply(&mut targets, keys.file())?;
    let mut publication = Publication {
        party,
        shelf,
        root: keys.newest_root().clone(),
        new_roots: party.roots_after(0)?,
        targets,
        roles: BTreeMap::new(),
        snapshot: None,
        timestamp_version: 0,
        renew: true,
        files: BTreeMap::new(),
    };
    publication.add_missing_roles()?;
    Ok(publication)
}

pub(super) fn open(shelf: RepositoryStorage, party: Signer<'_>, newest: u64) -> Result<Publication<'_>> {
    let ours = party.offline.map_or(newest, |keys| keys.newest_root().signed.version.get());
    let loaded = load(shelf.place(), party, newest.min(ours), newest)?;
    let (root, new_roots) = match party.offline {
        Some(keys) if ours >= newest => (keys.newest_root().clone(), party.roots_after(newest)?),
        _ => (loaded.root().clone(), BTreeMap::new()),
    };
    let signed = loaded.targets().clone();
    let is_believed = root.signed.verify_role(&signed).is_ok();
    let mut targets = Document { changed: !is_believed, ..Document::published(signed.signed) };
    let published = take_roles(&mut targets.body);
    let holders = root.signed.roles.get(&tough::schema::RoleType::Targets);
    let can_delegate = holders.is_some_and(|holders| party.ring.private(&holders.keyids).next().is_some());
    if let Some(file) = party.file()
        && can_delegate
        && file.delegations_version > delegation::version(&targets.body)
    {
        delegation::apply(&mut targets, file)?;
    }
    let roles = published.into_iter().map(|(name, role)| {
        let changed = !delegation::verifies(&targets.body, &name, &role);
        (name, Document { changed, ..Document::published(role.signed) })
    });
    let roles = roles.collect();
    let believed =
        root.signed.verify_role(loaded.snapshot()).is_ok() && root.signed.verify_role(loaded.timestamp()).is_ok();
    let mut publication = Publication {
        party,
        shelf,
        renew: !new_roots.is_empty() || !believed,
        root,
        new_roots,
        targets,
        roles,
        snapshot: Some(loaded.snapshot().signed.clone()),
        timestamp_version: loaded.timestamp().signed.version.get(),
        files: BTreeMap::new(),
    };
    publication.add_missing_roles()?;
    Ok(publication)
}

impl Publication<'_> {
    fn add_missing_roles(&mut self) -> Result<()> {
        let delegated = self.targets.body.delegations.iter().flat_map(|delegations| &delegations.roles);
        let names: Vec<String> = delegated.map(|role| role.name.clone()).collect();
        names.iter().try_for_each(|name| self.begin_role(name))
    }

    /// Creates empty metadata for a role that has none.
    pub(super) fn begin_role(&mut self, name: &str) -> Result<()> {
        if !self.roles.contains_key(name) {
            self.roles.insert(name.to_owned(), empty(name, self.party.days)?);
        }
        Ok(())
    }
}

/// Moves the delegated metadata out of the structure of `tough`.
fn take_roles(targets: &mut Targets) -> BTreeMap<String, Signed<Targets>> {
    let roles = targets.delegations.iter_mut().flat_map(|delegations| &mut delegations.roles);
    roles.filter_map(|role| Some((role.name.clone(), role.targets.take()?))).collect()
}

fn empty(role: &str, days: &Days) -> Result<Document> {
    let expires = days_from_now(days.of(role))?;
    let mut body = Targets::new(SPEC_VERSION.to_owned(), NonZeroU64::MIN, expires);
    body.delegations = None;
    Ok(Document { changed: true, ..Document::published(body) })
}

/// Loads with the root of version `from`, or an earlier one: a commit that publishes new keys may have been killed
/// after its roots and before its timestamp.
fn load(place: &StorageReader, party: Signer<'_>, from: u64, newest: u64) -> Result<tough::Repository> {
    let mut first = None;
    for version in (from.saturating_sub(MAX_UNFINISHED_ROOTS).max(1)..=from).rev() {
        let newest = if version == from { newest } else { version };
        match load_at(place, party, version, newest) {
            Err(error @ Error::Trust { kind: TrustKind::Signature, .. }) => first = first.or(Some(error)),
            Ok(loaded) => return Ok(loaded),
            Err(error) => return Err(first.unwrap_or(error)),
        }
    }
    Err(first.unwrap_or(Error::Cancelled))
}

/// Loads with the root of version `from` and the later ones up to `newest`.
fn load_at(place: &StorageReader, party: Signer<'_>, from: u64, newest: u64) -> Result<tough::Repository> {
    let root = party.root_of(place, from)?;
    let published = place.require(&format!("tuf/{from}.root.json"), MAX_ROOT_BYTES)?;
    if parse_root(&published)? != parse_root(&root)? {
        return Err(trust(TrustKind::Signature, format!("{place} was created with other keys")));
    }
    let url = |folder| Url::parse(&format!("{BASE}{folder}/")).map_err(|e| Error::invalid("repository", e.to_string()));
    let loader = RepositoryLoader::new(&root, url("tuf")?, url("targets")?)
        .transport(Reader { place: place.clone(), newest })
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    block_on(loader.load())?.map_err(error::of)
}

/// A transport that lets `tough` read the publisher's own files.
#[derive(Debug, Clone)]
struct Reader {
    place: StorageReader,
    newest: u64,
}

impl Reader {
    fn read(&self, url: &Url) -> Result<Vec<u8>> {
        let path = url.as_str().strip_prefix(BASE).unwrap_or_default();
        let wanted = PackQuery::parse(path);
        let found = match &wanted {
            Some(PackQuery::Root(version)) if *version > self.newest => None,
            Some(wanted) => self.place.read(&wanted.path(), MAX_TARGETS_BYTES)?,
            None => None,
        };
        let reason = "it does not exist".to_owned();
        found.ok_or_else(|| Error::transport(TransportKind::NotFound, path.to_owned(), reason))
    }
}

#[async_trait]
impl Transport for Reader {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let outcome = self.read(&url).map(Bytes::from).map_err(|error| carry(error, url.as_str()));
        Ok(Box::pin(stream::once(std::future::ready(outcome))))
    }
}
