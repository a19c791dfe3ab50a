//! Publishes what was prepared and signed, if the repository is still as it was when it was prepared.

use std::collections::HashSet;
use std::path::Path;

use super::{Prepared, PreparedRole, PreparedVersion, stale};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::index::Index;
use crate::formats::release::{CATALOG_TARGET, Catalog, DEFAULT_STORE, Mode, ModeName, Offer, target_name};
use crate::limits;
use crate::local::disk;
use crate::local::store::LocalStore;
use crate::net::api::{CommitRequest, DocumentKind, NewPublication, PublicationState};
use crate::net::publish::folder::Folder;
use crate::net::publish::history::catalog_of;
use crate::net::publish::roles::{check_is_repository, in_folder};
use crate::net::publish::server::RemotePublication;
use crate::net::publish::{Destination, Edited, Published, Server, documents};
use crate::net::trust::{CATALOG_ROLE, Committed, Keys, Publication, RoleValidity, TrustFiles, target_path};

#[cfg(feature = "bucket")]
use crate::net::publish::{BucketRepository, bucket};

/// What a commit has done.
#[derive(Debug)]
pub enum CommitResult {
    /// A version is published.
    Published(Box<Published>),
    /// Lists of modes have new days.
    Renewed(Edited),
}

/// Publishes what was prepared. A folder or a bucket needs the keys of the catalog, of `snapshot` and of `timestamp`; a
/// server needs a token. Repeating it changes nothing.
///
/// # Errors
/// `preparation_stale` if the repository has changed since, or has lost what was stored: prepare again.
/// `signature_invalid` without enough signatures of the mode's keys; `key_missing`, those of the destination.
pub fn commit(
    prepared: &Prepared,
    destination: &Destination,
    keys: Option<&Keys>,
    scratch: &Path,
    monitor: &Monitor,
) -> Result<CommitResult> {
    let signed = prepared.sign.iter().map(|list| Ok((list, list.role.to_bytes()?))).collect::<Result<Vec<_>>>()?;
    let work = Work { prepared, signed };
    let keys = || keys.ok_or_else(|| Error::invalid("--keys", "the catalog is signed with keys: name their folder"));
    match destination {
        Destination::Folder(folder) => work.in_folder(folder, keys()?),
        #[cfg(feature = "bucket")]
        Destination::Bucket(place) => work.in_bucket(place, keys()?, scratch, monitor),
        Destination::Server(server) => {
            let _ = (scratch, monitor);
            work.on_server(server)
        }
    }
}

/// Prepares to sign the lists of these modes again, with new days; without modes, of those whose days are half over.
/// `None` if none is due.
///
/// # Errors
/// [`Error::ModeUnknown`]; those of the repository.
pub fn prepare_renewal(destination: &Destination, keys: &Keys, modes: &[ModeName]) -> Result<Option<Prepared>> {
    let prepare = |publication: &Publication<'_>| -> Result<Option<Prepared>> {
        let mut due: Vec<String> = modes.iter().map(ToString::to_string).collect();
        if modes.is_empty() {
            for mode in publication.modes() {
                if publication.is_half_spent(&mode)? {
                    due.push(mode);
                }
            }
        }
        let lists = due.iter().map(|mode| PreparedRole::of(publication, mode)).collect::<Result<Vec<_>>>()?;
        Ok((!lists.is_empty()).then(|| Prepared::new(None, lists)))
    };
    match destination {
        Destination::Folder(folder) => prepare(&in_folder(folder, keys)?),
        #[cfg(feature = "bucket")]
        Destination::Bucket(place) => bucket::with_publication(place, keys, prepare),
        Destination::Server(server) => prepare(&RemotePublication::look(server, keys)?.publication),
    }
}

/// What was prepared, with the signed bytes of each list.
struct Work<'a> {
    prepared: &'a Prepared,
    signed: Vec<(&'a PreparedRole, Vec<u8>)>,
}

impl Work<'_> {
    fn in_folder(&self, folder: &Path, keys: &Keys) -> Result<CommitResult> {
        check_is_repository(folder)?;
        let mut publication = Publication::open(folder, keys)?;
        publication.check_not_expired()?;
        let is_there = self.is_there(&publication)?;
        if let Some(version) = &self.prepared.publish
            && !is_there
        {
            let store = LocalStore::open(&folder.join(DEFAULT_STORE))?;
            let read = |path: &str, max_bytes| disk::read_if_exists(&folder.join(path), max_bytes);
            let index = check_documents(version, &read)?;
            let lost = index.iter().filter(|chunk| !store.has(&chunk.id)).count();
            check_chunks(lost)?;
        }
        let catalog = catalog_of(&Folder { publication: &publication, store: None })?;
        self.apply(&mut publication, catalog)?;
        let committed = publication.commit()?;
        self.done(committed, publication.validity()?, is_there)
    }

    #[cfg(feature = "bucket")]
    fn in_bucket(
        &self,
        place: &BucketRepository,
        keys: &Keys,
        scratch: &Path,
        monitor: &Monitor,
    ) -> Result<CommitResult> {
        // What no published index names yet would be cleaned up.
        let _lock = self.prepared.publish.is_some().then(|| bucket::keep_chunks(place, monitor)).transpose()?;
        if let Some(version) = &self.prepared.publish {
            let is_there = bucket::with_publication(place, keys, |publication| self.is_there(publication))?;
            if !is_there {
                let read = |path: &str, max_bytes| place.bucket.read(path, max_bytes);
                let index = check_documents(version, &read)?;
                check_chunks(bucket::count_missing(place, &index, scratch)?)?;
            }
        }
        let is_there = std::cell::Cell::new(false);
        let change = |publication: &mut Publication<'_>, found: bucket::Found| {
            is_there.set(self.is_there(publication)?);
            self.apply(publication, found.catalog)
        };
        let (committed, roles) = bucket::edit(place, keys, false, None, change)?;
        self.done(committed, roles, is_there.get())
    }

    /// Whether an earlier commit has published all of it: a list is published together with its version.
    fn is_there(&self, publication: &Publication<'_>) -> Result<bool> {
        for (list, bytes) in &self.signed {
            if publication.published_sha256(&list.role.role)? != Some(Digest::of(bytes).to_string()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts the signed lists, and the version into the catalog. Changes nothing if that was done before.
    fn apply(&self, publication: &mut Publication<'_>, mut catalog: Catalog) -> Result<()> {
        if self.is_there(publication)? {
            return Ok(());
        }
        for (list, bytes) in &self.signed {
            let mode = &list.role.role;
            if publication.published_sha256(mode)?.as_deref() != Some(&list.against_sha256) {
                return Err(stale(format!("the list of {mode} has changed")));
            }
            publication.accept_detached(mode, bytes)?;
        }
        let Some(version) = &self.prepared.publish else { return Ok(()) };
        let (release, _) = version.release()?;
        for (name, _, sha256) in version.targets()? {
            if publication.listed(&name)?.is_none_or(|listed| listed.sha256 != sha256) {
                return Err(Error::invalid("prepared version", format!("the signed list has not this {name}")));
            }
        }
        let mode = catalog.modes.entry(release.mode.clone()).or_insert_with(Mode::begin);
        if release.sequence != mode.sequence + 1 {
            return Err(stale(format!("what {} offers has changed", release.mode)));
        }
        documents::offer_in(
            mode,
            Offer {
                version: release.version.clone(),
                sequence: release.sequence,
                platforms: [release.platform.clone()].into(),
                skip_update: version.skip_update,
                recalled: false,
                rollout: version.rollout,
            },
        );
        withdraw(mode, &release.mode, publication)?;
        publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)
    }

    fn done(&self, committed: Committed, roles: Vec<RoleValidity>, is_there: bool) -> Result<CommitResult> {
        let Some(version) = &self.prepared.publish else {
            return Ok(CommitResult::Renewed(Edited::of(committed, roles)));
        };
        let (release, _) = version.release()?;
        let published = documents::was_there(&release, Vec::new());
        let metadata_bytes = committed.metadata_bytes;
        let published = Published { was_there: is_there, metadata_bytes, roles, ..published };
        Ok(CommitResult::Published(Box::new(published)))
    }

    fn on_server(&self, server: &Server) -> Result<CommitResult> {
        let Some(version) = &self.prepared.publish else {
            let roles = self.signed.iter().map(|(list, bytes)| (list.role.role.clone(), bytes.clone())).collect();
            let files = TrustFiles { roles, ..TrustFiles::default() };
            server.put_trust(&files.to_upload()).map_err(as_stale)?;
            return self.done(Committed::default(), Vec::new(), false);
        };
        let (release, _) = version.release()?;
        let id = version.publication_id.clone();
        let id = id.ok_or_else(|| stale("it was prepared for a folder or a bucket, not for a server"))?;
        let begun = server.begin(&NewPublication {
            id: id.clone(),
            mode: release.mode.to_string(),
            version: release.version.to_string(),
            platform: release.platform.to_string(),
        })?;
        match begun.state {
            PublicationState::Published => return self.done(Committed::default(), Vec::new(), true),
            PublicationState::Expired => return Err(stale("the server has not kept what was prepared so long")),
            PublicationState::Open => {}
        }
        for (_, bytes) in &self.signed {
            server.put_document(&id, DocumentKind::Metadata, bytes.clone()).map_err(as_stale)?;
        }
        let terms = CommitRequest { rollout: version.rollout, skip_update: version.skip_update };
        server.commit(&id, &terms).map_err(as_stale)?;
        let bytes = self.signed.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        self.done(Committed { metadata_bytes: bytes, ..Committed::default() }, Vec::new(), false)
    }
}

/// A refusal of a server, as what it means for something that was prepared earlier.
fn as_stale(error: Error) -> Error {
    match error {
        Error::ServerRefused { status: 409 | 410 | 422, code, detail }
            if matches!(
                code.as_str(),
                "publication_stale"
                    | "metadata_rollback"
                    | "publication_expired"
                    | "chunks_missing"
                    | "document_missing"
            ) =>
        {
            stale(detail)
        }
        other => other,
    }
}

/// Reads the stored file at a path, of at most so many bytes; `None` if there is none.
type Read<'a> = &'a dyn Fn(&str, u64) -> Result<Option<Vec<u8>>>;

/// Checks that the documents that the version names are stored. Returns its index.
fn check_documents(version: &PreparedVersion, read: Read<'_>) -> Result<Index> {
    let mut index = None;
    for (name, length, sha256) in version.targets()? {
        let path = target_path(&name, &sha256);
        let found = read(&path, length.min(limits::MAX_INDEX_BYTES))?.unwrap_or_default();
        if found.len() as u64 != length || Digest::of(&found).to_string() != sha256 {
            return Err(stale(format!("{path} is not stored")));
        }
        if name.ends_with("/index.caidx") {
            index = Some(Index::parse(&found)?);
        }
    }
    index.ok_or_else(|| stale("its index is not stored"))
}

fn check_chunks(lost: usize) -> Result<()> {
    if lost == 0 { Ok(()) } else { Err(stale(format!("{lost} of its chunks are not stored any more"))) }
}

/// Takes versions from the catalog that the signed list has no longer. Recalled ones stay, so that their users learn of
/// it.
fn withdraw(mode: &mut Mode, name: &ModeName, publication: &Publication<'_>) -> Result<()> {
    let mut gone = HashSet::new();
    for offer in mode.versions.iter().filter(|offer| !offer.recalled) {
        let mut is_listed = false;
        for platform in &offer.platforms {
            let document = target_name(name, &offer.version, platform, "release.json");
            is_listed |= publication.listed(&document)?.is_some();
        }
        if !is_listed {
            gone.insert(offer.version.to_string());
        }
    }
    mode.versions.retain(|offer| !gone.contains(&offer.version.to_string()));
    Ok(())
}
