//! Signing: the catalog with this server's own keys, together with metadata that others have signed.
//!
//! Everything happens in memory, on metadata read from the database. The new files are returned, to become part of one
//! transaction.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::release::{CATALOG_TARGET, Catalog, ModeName};
use vsekai_updater::net::api::OnlineKeys;
use vsekai_updater::net::trust::{
    CATALOG_ROLE, Keys, MemoryStorage, Publication, ServiceKeys, TrustFiles, target_path,
};

use super::Renewal;
use crate::error::{Error, Result};
use crate::model::{RepositoryFile, VersionFile};

/// How often to try opening the key folder while another process makes keys in it.
const OPEN_TRIES: u32 = 100;

/// The pause between two tries.
const OPEN_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Metadata that was signed offline, to bring into force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accept {
    /// Roots, delegations and new modes.
    pub trust: TrustFiles,
    /// New metadata of existing modes, by name.
    pub roles: BTreeMap<String, Vec<u8>>,
}

impl Accept {
    /// Whether there is no such metadata.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The result of signing: new files, and the paths of all metadata in force.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed {
    pub(super) files: Vec<RepositoryFile>,
    pub(super) in_force: Vec<String>,
}

/// Signs with the online keys: those of catalog, snapshot and timestamp.
#[derive(Debug, Clone)]
pub struct Signer {
    keys: Arc<ServiceKeys>,
    folder: PathBuf,
}

impl Signer {
    /// Opens the keys in a folder. Only with `may_make`, for a repository that has not begun, makes those that are
    /// missing: others would be worthless.
    ///
    /// # Errors
    /// [`Error::Updater`] if the folder cannot be read or written.
    pub async fn open(folder: PathBuf, may_make: bool) -> Result<Self> {
        let place = folder.clone();
        let open = move || if may_make { open_keys(&place) } else { Ok(Keys::service_as_is(&place)?) };
        let keys = blocking("opening keys", open).await?;
        Ok(Self { keys: Arc::new(keys), folder })
    }

    /// The public keys.
    ///
    /// # Errors
    /// [`Error::Updater`] if the keys have been removed meanwhile.
    pub fn online_keys(&self) -> Result<OnlineKeys> {
        Ok(self.keys.online_keys()?)
    }

    /// Fails if the repository with this metadata names keys that this server lacks, or that its folder has lost since.
    pub(super) async fn check_keys(&self, metadata: Vec<RepositoryFile>) -> Result<()> {
        let (keys, folder) = (Arc::clone(&self.keys), self.folder.clone());
        let check = move || {
            compare_keys(metadata.clone(), &keys, "put it there, and start again")?;
            let put_back = "put it back: this server has it in memory, and the next start has not";
            compare_keys(metadata, &kept_keys(&folder, put_back)?, put_back)
        };
        blocking("comparing keys", check).await
    }

    /// Verifies that the key of a mode has signed this metadata, and that it is newer than that in force.
    pub(super) async fn verify_role(&self, metadata: Vec<RepositoryFile>, mode: String, bytes: Bytes) -> Result<()> {
        let keys = Arc::clone(&self.keys);
        let check = move || {
            let mut publication = Publication::open_service(shelf(metadata), &keys)?;
            Ok(publication.accept_role(&mode, &bytes)?)
        };
        blocking("verifying a signature", check).await
    }

    /// Signs the catalog on top of existing metadata. Without metadata there is no repository yet, and nothing is
    /// signed until `accept` has a root of trust.
    pub(super) async fn sign(
        &self,
        metadata: Vec<RepositoryFile>,
        catalog: Catalog,
        accept: Accept,
        renew: Renewal,
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

/// Fails, with this remedy, if the repository with this metadata names other keys.
fn compare_keys(metadata: Vec<RepositoryFile>, keys: &ServiceKeys, remedy: &str) -> Result<()> {
    let publication = Publication::open_service(shelf(metadata), keys)?;
    publication.check_keys(CATALOG_ROLE).map_err(|error| match error {
        vsekai_updater::Error::KeyMissing { role, .. } => {
            let reason = format!("The folder of keys lacks the key of {role} that the repository names; {remedy}");
            Error::Unavailable { code: "keys_missing", reason }
        }
        error => error.into(),
    })
}

/// The keys that are in the folder now.
fn kept_keys(folder: &std::path::Path, remedy: &str) -> Result<ServiceKeys> {
    let unreadable = |why: &str| {
        let reason = format!("The folder of keys, {}, {why}; {remedy}", folder.display());
        Error::Unavailable { code: "keys_missing", reason }
    };
    if !folder.exists() {
        return Err(unreadable("is gone"));
    }
    Keys::service_as_is(folder).map_err(|error| unreadable(&format!("cannot be read: {error}")))
}

/// Several servers may start at once on a folder without keys: one makes them, and the others wait.
fn open_keys(folder: &std::path::Path) -> Result<ServiceKeys> {
    for _ in 0..OPEN_TRIES {
        match Keys::service(folder) {
            Err(vsekai_updater::Error::Busy { .. }) => std::thread::sleep(OPEN_PAUSE),
            outcome => return Ok(outcome?),
        }
    }
    Ok(Keys::service(folder)?)
}

/// The error for a repository without a root of trust.
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
    renew: Renewal,
) -> Result<Signed> {
    let before: Vec<String> = metadata.iter().map(|file| file.path.clone()).collect();
    let shelf = shelf(metadata);
    let mut publication = if accept.trust == TrustFiles::default() {
        Publication::open_service(shelf, keys)?
    } else {
        Publication::open_with_trust(shelf, keys, &accept.trust).map_err(keys_differ)?
    };
    for (mode, bytes) in &accept.roles {
        publication.accept_role(mode, bytes)?;
    }
    let bytes = catalog.to_bytes()?;
    let catalog_path = target_path(CATALOG_TARGET, &Digest::of(&bytes).to_string());
    publication.put(CATALOG_ROLE, CATALOG_TARGET, bytes)?;
    if renew != Renewal::No {
        publication.renew()?;
    }
    if renew == Renewal::All {
        publication.renew_mode(CATALOG_ROLE, true)?;
    }
    publication.commit()?;
    let files: Vec<RepositoryFile> =
        publication.into_written().into_iter().map(|(path, bytes)| RepositoryFile { path, bytes }).collect();
    let mut in_force = BTreeMap::new();
    let new = files.iter().map(|file| &file.path).filter(|path| path.starts_with("tuf/"));
    for path in before.iter().chain(new).chain([&catalog_path]) {
        in_force.insert(role_of(path), path.clone());
    }
    Ok(Signed { files, in_force: in_force.into_values().collect() })
}

fn shelf(metadata: Vec<RepositoryFile>) -> MemoryStorage {
    MemoryStorage::new(metadata.into_iter().map(|file| (file.path, file.bytes)).collect())
}

/// Explains the error if the root of trust names other keys than this server has.
fn keys_differ(error: vsekai_updater::Error) -> Error {
    match error {
        vsekai_updater::Error::KeyMissing { role, .. } => {
            let reason = format!(
                "The root of trust names another key for {role} than this server has; make the root with `vsekai keys init --online URL`"
            );
            Error::Conflict { code: "keys_differ", reason }
        }
        error => error.into(),
    }
}

/// What a metadata file is, regardless of its version: a newer file replaces an older one with the same role. All roots
/// stay.
fn role_of(path: &str) -> String {
    match path.strip_prefix("tuf/") {
        Some(name) if !name.ends_with(".root.json") => name.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned(),
        Some(name) => name.to_owned(),
        None => CATALOG_TARGET.to_owned(),
    }
}

/// The targets listed by the metadata of a mode. [`Publication::accept_role`] checks the signature, not this.
#[derive(Debug, Clone, Default)]
pub(super) struct SignedRole {
    /// By path within the repository.
    targets: BTreeMap<String, Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    length: u64,
    hashes: Hashes,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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

    /// What belongs to versions, by path within the repository.
    pub(super) fn of_versions(&self, mode: &ModeName) -> BTreeMap<&String, &Listed> {
        self.targets.iter().filter(|(path, _)| !is_news(path, mode)).collect()
    }

    /// What belongs to the news of the mode, by path within the repository.
    pub(super) fn news(&self, mode: &ModeName) -> BTreeMap<String, Listed> {
        let news = self.targets.iter().filter(|(path, _)| is_news(path, mode));
        news.map(|(path, listed)| (path.clone(), listed.clone())).collect()
    }

    /// The path of the file of a target, if it is listed.
    pub(super) fn path_of(&self, name: &str) -> Option<String> {
        let mut targets = self.targets.iter();
        targets.find(|(path, listed)| **path == target_path(name, &listed.hashes.sha256)).map(|(path, _)| path.clone())
    }

    pub(super) fn lists(&self, file: &VersionFile) -> bool {
        let listed = self.targets.get(&file.file_uri);
        listed.is_some_and(|listed| listed.length == file.size && listed.hashes.sha256 == file.file_checksum_hash)
    }

    /// Whether a file of this path within the repository, digest and size is listed.
    pub(super) fn names(&self, path: &str, sha256: &str, bytes: usize) -> bool {
        let listed = self.targets.get(path);
        listed.is_some_and(|listed| listed.length == bytes as u64 && listed.hashes.sha256 == sha256)
    }
}

/// Whether the file at this path is the news of the mode, or a picture of them. Versions are two folders further down.
fn is_news(path: &str, mode: &ModeName) -> bool {
    let name = path.strip_prefix("targets/").and_then(|rest| rest.strip_prefix(mode.as_str()));
    match name.and_then(|rest| rest.strip_prefix('/')) {
        Some(name) => name.starts_with("news/") || (name.ends_with(".news.json") && !name.contains('/')),
        None => false,
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(Error::internal_by(what))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_told_from_versions_by_their_names() {
        let mode = ModeName::default();
        let is_news = |name: &str| super::is_news(&target_path(name, &"0a".repeat(32)), &mode);
        assert!(is_news("stable/news.json") && is_news("stable/news/a.png"));
        for other in ["stable/1.0.0/linux-x86_64/release.json", "stable/1.0.0/news.json", "beta/news.json", "news.json"]
        {
            assert!(!is_news(other), "{other}");
        }
    }

    #[test]
    fn newer_metadata_takes_the_place_of_older_and_roots_stay() {
        assert_eq!(role_of("tuf/12.snapshot.json"), role_of("tuf/9.snapshot.json"));
        assert_eq!(role_of("targets/aa.catalog.json"), role_of("targets/bb.catalog.json"));
        assert_ne!(role_of("tuf/1.root.json"), role_of("tuf/2.root.json"));
        assert_ne!(role_of("tuf/1.stable.json"), role_of("tuf/1.beta.json"));
        assert_ne!(role_of("tuf/1.targets.json"), role_of("tuf/timestamp.json"));
    }
}
