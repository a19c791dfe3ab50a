//! One attempt to load all metadata, in its own working folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tough::{ExpirationEnforcement, Limits, RepositoryLoader};
use url::Url;

use super::{ClockGuard, OpenOptions, freshness, is_expired_role};
use crate::error::{Error, Result};
use crate::local::disk;
use crate::net::http::Network;
use crate::net::trust::datastore::Datastore;
use crate::net::trust::error::{self, BASE};
use crate::net::trust::transport::{Counters, MirrorTransport, Origins, Packed};
use crate::net::trust::{Location, MAX_ROOT_BYTES, MAX_ROOT_UPDATES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES};

const LIMITS: Limits = Limits {
    max_root_size: MAX_ROOT_BYTES,
    max_targets_size: MAX_TARGETS_BYTES,
    max_timestamp_size: crate::net::trust::MAX_TIMESTAMP_BYTES,
    max_snapshot_size: MAX_SNAPSHOT_BYTES,
    max_root_updates: MAX_ROOT_UPDATES,
};

/// State that all attempts share.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) counters: Arc<Counters>,
    pub(super) packed: Arc<Packed>,
    pub(super) memory: Datastore,
    root: Vec<u8>,
    locations: Vec<Location>,
    scratch: PathBuf,
    keep_clock_guard: bool,
    network: Network,
}

/// The result of one attempt.
pub(super) struct Attempt {
    pub(super) outcome: Result<Loaded>,
    pub(super) used_cache: bool,
    pub(super) used_pack: bool,
}

/// Verified metadata, and the working folder of `tough`.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) inner: tough::Repository,
    pub(super) courier: MirrorTransport,
    pub(super) store: Store,
}

impl Opening {
    pub(super) fn new(options: &OpenOptions) -> Result<Self> {
        let memory = Datastore::load(options.memory.clone())?;
        Ok(Self {
            counters: Arc::default(),
            packed: Arc::default(),
            root: memory.root(options.root.as_deref())?,
            memory,
            locations: options.locations.clone(),
            scratch: options.scratch.clone(),
            keep_clock_guard: options.clock_guard == ClockGuard::Keep,
            network: options.network.clone(),
        })
    }

    /// # Errors
    /// Only errors of this machine; those of the repository are in [`Attempt::outcome`].
    pub(super) fn attempt(&self, route: Origins) -> Result<Attempt> {
        let store = Store::create(&self.scratch)?;
        self.memory.fill(&store.0, self.keep_clock_guard)?;
        let is_remote = self.locations.iter().any(|location| matches!(location, Location::Url(_)));
        let client = is_remote.then(|| self.network.client()).transpose()?;
        let (counters, packed) = (Arc::clone(&self.counters), Arc::clone(&self.packed));
        let courier =
            MirrorTransport::new(self.locations.clone(), client, self.memory.clone(), counters, packed, route);
        let loading = self.network.block_on(load(&self.root, &courier, &store.0));
        let (used_cache, used_pack) = (courier.used_cache(), courier.used_pack());
        Ok(Attempt { outcome: loading.map(|inner| Loaded { inner, courier, store }), used_cache, used_pack })
    }
}

impl Loaded {
    /// The cache names of all current metadata and of all targets.
    pub(super) fn current_files(&self) -> BTreeSet<String> {
        let snapshot = &self.inner.snapshot().signed;
        let roles = snapshot.meta.iter().map(|(file, meta)| format!("{}.{file}", meta.version));
        let targets = self.inner.all_targets().map(|(_, target)| hex::encode(&target.hashes.sha256));
        let own = ["timestamp.json".to_owned(), format!("{}.snapshot.json", snapshot.version)];
        own.into_iter().chain(roles).chain(targets).collect()
    }
}

async fn load(root: &[u8], courier: &MirrorTransport, store: &Path) -> Result<tough::Repository> {
    courier.open_pack().await;
    match load_once(root, courier, store, ExpirationEnforcement::Safe).await? {
        Ok(repository) => Ok(repository),
        Err(error) if is_expired_role(&error) => {
            // Root, timestamp and snapshot are fresh: otherwise `tough` would have rejected them first. The transport
            // returns the same bytes again, and `freshness` rejects expired roles, here or with their targets.
            let again = load_once(root, courier, store, ExpirationEnforcement::Unsafe).await?;
            let repository = again.map_err(error::of)?;
            freshness::check_top(&repository)?;
            Ok(repository)
        }
        Err(error) => Err(error::of(error)),
    }
}

async fn load_once(
    root: &[u8],
    courier: &MirrorTransport,
    store: &Path,
    enforcement: ExpirationEnforcement,
) -> Result<Result<tough::Repository, tough::error::Error>> {
    let url = |folder| Url::parse(&format!("{BASE}{folder}/"));
    let invalid = |e: url::ParseError| Error::Invalid { what: "repository", reason: e.to_string() };
    let loader = RepositoryLoader::new(&root, url("tuf").map_err(invalid)?, url("targets").map_err(invalid)?)
        .transport(courier.clone())
        .limits(LIMITS)
        .datastore(store)
        .expiration_enforcement(enforcement);
    Ok(loader.load().await)
}

/// A working folder of `tough`, removed on drop.
#[derive(Debug)]
pub(super) struct Store(pub(super) PathBuf);

impl Store {
    fn create(scratch: &Path) -> Result<Self> {
        // The scratch folder may be shared with other users, so the name must be unpredictable and the folder private.
        let folder = scratch.join(format!("vsekai-trust-{:016x}", fastrand::u64(..)));
        disk::make_private_directory(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = disk::remove_all(&self.0);
    }
}
