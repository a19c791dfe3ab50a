//! Reads how long the signatures of a repository are valid, and changes nothing.

use std::path::Path;

use super::Destination;
use super::history::History as _;
use super::server::RemotePublication;
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::formats::release::{CATALOG_TARGET, Catalog, ModeName};
use crate::limits;
use crate::local::disk;
use crate::net::trust::{KeyFolder, Keys, Listed, MemoryStorage, Publication, RoleValidity, ServiceKeys};

/// What a repository has of a key folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How long the signatures of all roles are valid.
    pub roles: Vec<RoleValidity>,
    /// Whether the key folder has roots, keys or modes that the repository lacks.
    pub lacks_keys: bool,
}

/// What this repository, which must have been created with these keys, has of the key folder.
///
/// # Errors
/// [`Error::Trust`] if it does not verify, [`Error::Io`]; for a server, also network errors.
pub fn roles(destination: &Destination, keys: impl Into<KeyFolder>) -> Result<Standing> {
    let keys = Keys::open(keys)?;
    let standing = |publication: &Publication<'_>| {
        Ok(Standing { roles: publication.validity()?, lacks_keys: publication.lacks_keys() })
    };
    match destination {
        Destination::Folder(folder) => standing(&in_folder(folder, &keys)?),
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => super::bucket::with_publication(bucket, &keys, standing),
        Destination::Server(server) => standing(&super::server::fetch(server, &keys)?),
    }
}

/// What a repository offers, and how long its signatures are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its modes and versions.
    pub catalog: Catalog,
    /// How long the signatures of all roles are valid.
    pub roles: Vec<RoleValidity>,
}

/// Reads what a repository offers, which must have been created with these keys. Changes nothing.
///
/// # Errors
/// Those of [`roles`].
pub fn look(destination: &Destination, keys: impl Into<KeyFolder>) -> Result<Look> {
    let keys = Keys::open(keys)?;
    match destination {
        Destination::Folder(folder) => {
            let publication = in_folder(folder, &keys)?;
            Ok(Look { catalog: catalog_in(folder, &publication)?, roles: publication.validity()? })
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => super::bucket::look(bucket, &keys),
        Destination::Server(server) => {
            let remote = RemotePublication::look(server, &keys)?;
            Ok(Look { roles: remote.publication.validity()?, catalog: remote.into_catalog() })
        }
    }
}

/// Reads what a repository offers, whoever has signed it: its newest root is taken for granted, and everything else must be
/// signed by the keys that this names. Changes nothing.
///
/// # Errors
/// Those of [`roles`].
pub fn look_unchecked(destination: &Destination) -> Result<Look> {
    let nobody = ServiceKeys::none();
    let (newest, read): (u64, Box<Read<'_>>) = match destination {
        Destination::Folder(folder) => {
            (newest_root(folder)?, Box::new(|path, max_bytes| disk::read(&folder.join(path), max_bytes)))
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(place) => (
            super::bucket::newest_root(place)?,
            Box::new(|path, max_bytes| super::bucket::read(place, path, max_bytes)),
        ),
        Destination::Server(server) => {
            (server.newest_root()?, Box::new(|path, max_bytes| server.file(path, max_bytes)))
        }
    };
    let storage = MemoryStorage::download(newest..=newest, &read)?;
    let publication = Publication::open_service(storage, &nobody)?;
    let catalog = match publication.listed(CATALOG_TARGET)? {
        Some(listed) => Catalog::parse(&checked(&listed, read(&listed.path, limits::MAX_DOCUMENT_BYTES)?)?)?,
        None => Catalog::empty(),
    };
    Ok(Look { roles: publication.validity()?, catalog })
}

/// Reads a file of the repository, of at most so many bytes.
type Read<'a> = dyn Fn(&str, u64) -> Result<Vec<u8>> + 'a;

/// The bytes, if they are those that were signed.
fn checked(listed: &Listed, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if bytes.len() as u64 != listed.length || Digest::of(&bytes).to_string() != listed.sha256 {
        return Err(Error::trust(TrustKind::Mismatch, format!("{} differs from what was signed", listed.path)));
    }
    Ok(bytes)
}

/// The bytes of a target of a mode; `None` if it is not listed. Changes nothing.
pub(super) fn target(place: &Destination, keys: &Keys, mode: &ModeName, name: &str) -> Result<Option<Vec<u8>>> {
    match place {
        Destination::Folder(folder) => {
            let publication = in_folder(folder, keys)?;
            publication.check_mode(mode.as_str())?;
            target_in(folder, &publication, name)
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => super::bucket::target(bucket, keys, mode, name),
        Destination::Server(server) => {
            let remote = RemotePublication::look(server, keys)?;
            remote.publication.check_mode(mode.as_str())?;
            remote.target(name)
        }
    }
}

fn catalog_in(folder: &Path, publication: &Publication<'_>) -> Result<Catalog> {
    target_in(folder, publication, CATALOG_TARGET)?.map_or_else(|| Ok(Catalog::empty()), |bytes| Catalog::parse(&bytes))
}

pub(super) fn target_in(folder: &Path, publication: &Publication<'_>, name: &str) -> Result<Option<Vec<u8>>> {
    let Some(listed) = publication.listed(name)? else { return Ok(None) };
    checked(&listed, disk::read(&folder.join(&listed.path), limits::MAX_DOCUMENT_BYTES)?).map(Some)
}

/// Fails if the folder holds no repository.
pub(super) fn check_is_repository(folder: &Path) -> Result<()> {
    if folder.join("tuf").is_dir() {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(Error::io("find the repository", folder)(std::io::ErrorKind::NotFound.into()));
    }
    Err(Error::invalid("repository", format!("there is none in {}: it has no folder tuf", folder.display())))
}

/// Opens the repository without the lock of a publisher, and without repairing anything.
pub(super) fn in_folder<'k>(folder: &Path, keys: &'k Keys) -> Result<Publication<'k>> {
    let newest = newest_root(folder)?;
    let roots = keys.root_version().min(newest)..=newest;
    let storage = MemoryStorage::download(roots, &|path, max_bytes| disk::read(&folder.join(path), max_bytes))?;
    Publication::open_in(storage, keys)
}

fn newest_root(folder: &Path) -> Result<u64> {
    check_is_repository(folder)?;
    let names = disk::list(&folder.join("tuf"))?.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let root = |name: String| match PackQuery::parse(&format!("tuf/{name}")) {
        Some(PackQuery::Root(version)) => Some(version),
        _ => None,
    };
    let none = || Error::invalid("repository", format!("there is no repository in {}", folder.display()));
    names.filter_map(root).max().ok_or_else(none)
}
