//! Reads how long the signatures of a repository are valid, and changes nothing.

use std::path::Path;

use super::Destination;
use super::server::RemotePublication;
use crate::error::{Error, Result};
use crate::formats::metadata_pack::PackQuery;
use crate::local::disk;
use crate::net::trust::{Keys, MemoryStorage, Publication, RoleValidity};

/// How long the signatures of all roles are valid in this repository, which must have been created with these keys.
///
/// # Errors
/// [`Error::Trust`] if it does not verify, [`Error::Io`]; for a server, also network errors.
pub fn roles(destination: &Destination, keys: &Path) -> Result<Vec<RoleValidity>> {
    let keys = Keys::open(keys)?;
    match destination {
        Destination::Folder(folder) => in_folder(folder, &keys)?.validity(),
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => super::bucket::roles(bucket, &keys),
        Destination::Server(server) => RemotePublication::look(server, &keys)?.publication.validity(),
    }
}

/// Opens the repository without the lock of a publisher, and without repairing anything.
fn in_folder<'k>(folder: &Path, keys: &'k Keys) -> Result<Publication<'k>> {
    let names = disk::list(&folder.join("tuf"))?.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let root = |name: String| match PackQuery::parse(&format!("tuf/{name}")) {
        Some(PackQuery::Root(version)) => Some(version),
        _ => None,
    };
    let none = || Error::invalid("repository", format!("there is none in {}", folder.display()));
    let newest = names.filter_map(root).max().ok_or_else(none)?;
    let roots = keys.root_version().min(newest)..=newest;
    let storage = MemoryStorage::download(roots, &|path, max_bytes| disk::read(&folder.join(path), max_bytes))?;
    Publication::open_in(storage, keys)
}
