//! This server's signatures: what its own keys say of the catalog, and the metadata of others taken over.
//!
//! Everything happens in memory, on the metadata as it was read from the database; what was written is given back, to
//! become part of one transaction.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use vsekai_updater::formats::release::{CATALOG_TARGET, Catalog};
use vsekai_updater::net::api::OnlineKeys;
use vsekai_updater::net::trust::{
    CATALOG_ROLE, Keys, MemoryStorage, Publication, ServiceKeys, TrustFiles, target_path,
};

use crate::error::{Error, Result};
use crate::model::{RepositoryFile, VersionFile};

/// How often the folder of keys is tried while another process makes keys in it.
const OPEN_TRIES: u32 = 100;

/// The pause between two tries.
const OPEN_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Metadata that was signed offline and is to come into force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accept {
    /// Roots, delegations and new modes, with which a repository begins or goes on.
    pub trust: TrustFiles,
    /// The next metadata of modes that are there.
    pub roles: BTreeMap<String, Vec<u8>>,
}

impl Accept {
    /// Whether there is nothing to take over.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What was signed.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed {
    pub(super) files: Vec<RepositoryFile>,
    pub(super) in_force: Vec<String>,
}

/// Signs with the keys of catalog, snapshot and timestamp.
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Arc<ServiceKeys>,
}

impl Signer {
    /// Keys from a folder; those that are missing are made.
    ///
    /// # Errors
    /// [`Error::Updater`] if the folder cannot be read or written.
    pub async fn open(folder: PathBuf) -> Result<Self> {
        let keys = blocking("opening keys", move || open_keys(&folder)).await?;
        Ok(Self { keys: Arc::new(keys) })
    }

    /// The public halves.
    ///
    /// # Errors
    /// [`Error::Updater`] if the keys were taken away meanwhile.
    pub fn online_keys(&self) -> Result<OnlineKeys> {
        Ok(self.keys.online_keys()?)
    }

    /// Signs this catalog onto that metadata. Without metadata there is no repository yet, and nothing is signed
    /// until `accept` begins it.
    pub(super) async fn sign(
        &self,
        metadata: Vec<RepositoryFile>,
        catalog: Catalog,
        accept: Accept,
        renew: bool,
    ) -> Result<Signed> {
        if metadata.is_empty() && accept.trust.roots.is_empty() {
            if accept.is_empty() {
                return Ok(Signed::default());
            }
            return Err(not_begun());
        }
        let keys = Arc::clone(&self.keys);
        blocking("signing", move || sign(&keys, metadata, &catalog, &accept, renew)).await
    }
}

/// Several servers may start at once on a folder that has no keys yet: one makes them, the others wait.
fn open_keys(folder: &std::path::Path) -> Result<ServiceKeys> {
    for _ in 0..OPEN_TRIES {
        match Keys::service(folder) {
            Err(vsekai_updater::Error::Busy { .. }) => std::thread::sleep(OPEN_PAUSE),
            outcome => return Ok(outcome?),
        }
    }
    Ok(Keys::service(folder)?)
}

/// There is no root of trust yet.
pub(crate) fn not_begun() -> Error {
    Error::Unavailable {
        code: "repository_not_begun",
        reason: "No root of trust has been sent yet; `vsekai publish --server` sends it with the first version"
            .to_owned(),
    }
}

fn sign(
    keys: &ServiceKeys,
    metadata: Vec<RepositoryFile>,
    catalog: &Catalog,
    accept: &Accept,
    renew: bool,
) -> Result<Signed> {
    let before: Vec<String> = metadata.iter().map(|file| file.path.clone()).collect();
    let shelf = MemoryStorage::new(metadata.into_iter().map(|file| (file.path, file.bytes)).collect());
    let mut publication = if accept.trust == TrustFiles::default() {
        Publication::open_service(shelf, keys)?
    } else {
        Publication::open_with_trust(shelf, keys, &accept.trust).map_err(keys_differ)?
    };
    for (mode, bytes) in &accept.roles {
        publication.accept_role(mode, bytes)?;
    }
    let bytes = catalog.to_bytes()?;
    let catalog_path = target_path(CATALOG_TARGET, &sha256_hex(&bytes));
    publication.put(CATALOG_ROLE, CATALOG_TARGET, bytes)?;
    if renew {
        publication.renew()?;
    }
    publication.commit()?;
    let files: Vec<RepositoryFile> =
        publication.into_written().into_iter().map(|(path, bytes)| RepositoryFile { path, bytes }).collect();
    let mut in_force = BTreeMap::new();
    let new = files.iter().map(|file| &file.path).filter(|path| path.starts_with("tuf/"));
    for path in before.iter().chain(new).chain([&catalog_path]) {
        in_force.insert(place_of(path), path.clone());
    }
    Ok(Signed { files, in_force: in_force.into_values().collect() })
}

/// The root of trust names other keys than this server has.
fn keys_differ(error: vsekai_updater::Error) -> Error {
    match error {
        vsekai_updater::Error::KeyMissing { role, .. } => {
            let reason = format!(
                "The root of trust names another key for {role} than this server has; make it with `vsekai keys init --online URL`"
            );
            Error::Conflict { code: "keys_differ", reason }
        }
        error => error.into(),
    }
}

/// What a file of metadata is, whatever its version: a newer one with the same place takes over. Every root stays.
fn place_of(path: &str) -> String {
    match path.strip_prefix("tuf/") {
        Some(name) if !name.ends_with(".root.json") => name.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned(),
        Some(name) => name.to_owned(),
        None => CATALOG_TARGET.to_owned(),
    }
}

/// What a mode's metadata lists. Whether its signature is good is for [`Publication::accept_role`] to say.
#[derive(Debug, Clone)]
pub(super) struct SignedRole {
    targets: BTreeMap<String, Listed>,
}

#[derive(Debug, Clone, Deserialize)]
struct Listed {
    length: u64,
    hashes: Hashes,
}

#[derive(Debug, Clone, Deserialize)]
struct Hashes {
    sha256: String,
}

impl SignedRole {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Document {
            signed: Body,
        }
        #[derive(Deserialize)]
        struct Body {
            targets: BTreeMap<String, Listed>,
        }
        let refuse = |error: serde_json::Error| Error::Invalid { what: "metadata", reason: error.to_string() };
        let document: Document = serde_json::from_slice(bytes).map_err(refuse)?;
        let paths = document.signed.targets.into_iter();
        Ok(Self { targets: paths.map(|(name, listed)| (target_path(&name, &listed.hashes.sha256), listed)).collect() })
    }

    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn lists(&self, file: &VersionFile) -> bool {
        self.targets
            .get(&file.file_uri)
            .is_some_and(|listed| listed.length == file.size && listed.hashes.sha256 == file.file_checksum_hash)
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal { context: format!("{what}: {error}") })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_metadata_takes_the_place_of_older_and_roots_stay() {
        assert_eq!(place_of("tuf/12.snapshot.json"), place_of("tuf/9.snapshot.json"));
        assert_eq!(place_of("targets/aa.catalog.json"), place_of("targets/bb.catalog.json"));
        assert_ne!(place_of("tuf/1.root.json"), place_of("tuf/2.root.json"));
        assert_ne!(place_of("tuf/1.stable.json"), place_of("tuf/1.beta.json"));
        assert_ne!(place_of("tuf/1.targets.json"), place_of("tuf/timestamp.json"));
    }
}
