//! One attempt to load all metadata, in its own working folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tough::schema::{Root, Signature, Signed};
use tough::{ExpirationEnforcement, Limits, RepositoryLoader};
use url::Url;

use super::metadata::Metadata;
use super::{ClockGuard, OpenOptions, TIMESTAMP};
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::local::disk;
use crate::net::http::Network;
use crate::net::trust::datastore::{Datastore, Keep, Start};
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
    given: Option<Vec<u8>>,
    locations: Vec<Location>,
    scratch: PathBuf,
    keep_clock_guard: bool,
    read_only: bool,
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
    pub(super) metadata: Metadata,
    pub(super) courier: MirrorTransport,
    pub(super) store: Store,
    /// Whether everything that was kept belongs to another root.
    pub(super) starts_over: bool,
}

impl Opening {
    pub(super) fn new(options: &OpenOptions) -> Result<Self> {
        let memory = Datastore::load(options.memory.clone())?;
        // Says at once what no mirror can change.
        memory.start(options.root.as_deref())?;
        Ok(Self {
            counters: Arc::default(),
            packed: Arc::default(),
            given: options.root.clone(),
            memory,
            locations: options.locations.clone(),
            scratch: options.scratch.clone(),
            read_only: options.read_only,
            keep_clock_guard: options.clock_guard == ClockGuard::Keep,
            network: options.network.clone(),
        })
    }

    /// The error for a repository that another publisher has signed.
    fn foreign(&self, error: Error, courier: &MirrorTransport) -> Error {
        let Error::Trust { kind: TrustKind::Signature, source, .. } = error else { return error };
        let asked = courier.route().mirrors.first().and_then(|first| self.locations.get(*first));
        let place = asked.map_or_else(|| "the repository".to_owned(), ToString::to_string);
        let reason = format!("{place} is signed by other keys than the trusted root names");
        error::trust(TrustKind::Signature, reason).with_source(source)
    }

    /// # Errors
    /// Only errors of this machine; those of the repository are in [`Attempt::outcome`].
    pub(super) fn attempt(&self, route: Origins) -> Result<Attempt> {
        let store = Store::create(&self.scratch)?;
        let is_remote = self.locations.iter().any(|location| matches!(location, Location::Url(_)));
        let client = is_remote.then(|| self.network.client()).transpose()?;
        let (counters, packed) = (Arc::clone(&self.counters), Arc::clone(&self.packed));
        let courier =
            MirrorTransport::new(self.locations.clone(), client, self.memory.clone(), counters, packed, route);
        let start = self.memory.start(self.given.as_deref())?;
        let mut starts_over = false;
        let loading = self.network.block_on(async {
            courier.open_pack().await;
            let root = match prove(start, &courier).await? {
                Start::Over(root) => {
                    starts_over = true;
                    root
                }
                Start::Known(root) => root,
                Start::Descendant(_) => return Err(error::trust(TrustKind::Root, "the root is not proven")),
            };
            if !starts_over {
                self.memory.fill(store.path(), self.keep_clock_guard)?;
            }
            let loaded = load(&root, &courier, store.path()).await?;
            let metadata = Metadata::of(loaded, &courier, store.path()).await;
            metadata.map_err(|error| if is_foreign(&root, &courier) { self.foreign(error, &courier) } else { error })
        });
        let (used_cache, used_pack) = (courier.used_cache(), courier.used_pack());
        let outcome =
            loading.map(|metadata| Loaded { metadata, courier: courier.clone(), store: store.clone(), starts_over });
        let attempt = Attempt { outcome, used_cache, used_pack };
        if !starts_over && !self.read_only {
            // The single files count if the pack has a problem. What they say is kept then; roots count in any case.
            let what = match (&attempt.outcome, attempt.problem()) {
                (_, Some(_)) if used_pack => Keep::Roots,
                (Err(_), _) => Keep::Metadata,
                (Ok(_), _) => Keep::All,
            };
            // If this cannot be written, as in an install of another user, there is nothing to keep it in.
            let _ = self.memory.keep(store.path(), &courier.roots(), what);
        }
        Ok(attempt)
    }
}

impl Attempt {
    /// What went wrong, even if the rest of the repository can be used.
    pub(super) fn problem(&self) -> Option<&Error> {
        match &self.outcome {
            Ok(loaded) => loaded.metadata.first_unusable(),
            Err(error) => Some(error),
        }
    }

    /// The better one of two attempts; of two that failed, the error that could be an attack.
    pub(super) fn or_better(self, other: Self) -> Self {
        let (used_cache, used_pack) = (self.used_cache || other.used_cache, self.used_pack || other.used_pack);
        let outcome = match (self.outcome, other.outcome) {
            (Ok(a), Ok(b)) if b.metadata.unusable_roles() < a.metadata.unusable_roles() => Ok(b),
            (Ok(a), _) => Ok(a),
            (Err(_), Ok(b)) => Ok(b),
            (Err(a), Err(b)) => Err(error::worse(a, b)),
        };
        Self { outcome, used_cache, used_pack }
    }
}

impl Loaded {
    /// The cache names of all current metadata and of all targets.
    pub(super) fn current_files(&self) -> BTreeSet<String> {
        let targets = self.metadata.all_targets().map(|(_, target)| hex::encode(&target.hashes.sha256));
        self.metadata.files().into_iter().chain(targets).collect()
    }
}

/// Fetches what is missing to show that the kept root descends from the given one.
async fn prove(start: Start, courier: &MirrorTransport) -> Result<Start> {
    let Start::Descendant(mut descent) = start else { return Ok(start) };
    if !descent.is_proven() {
        if descent.missing().is_empty() {
            descent.forget_chain();
        }
        for version in descent.missing() {
            match courier.metadata(&PackQuery::Root(version)).await {
                Ok(bytes) => descent.add(version, bytes),
                Err(Error::Transport { kind: TransportKind::NotFound, .. }) => break,
                Err(error) => return Err(error),
            }
        }
    }
    descent.start()
}

/// Whether no signature of what a mirror has sent so far is of a key that the root names.
fn is_foreign(root: &[u8], courier: &MirrorTransport) -> bool {
    #[derive(serde::Deserialize)]
    struct Signatures {
        signatures: Vec<Signature>,
    }
    let Ok(root) = serde_json::from_slice::<Signed<Root>>(root) else { return false };
    let (sent, _) = courier.seen();
    let signed = sent.iter().filter(|(name, _)| *name == TIMESTAMP || name.ends_with(".root.json"));
    let signed = signed.filter_map(|(_, bytes)| serde_json::from_slice::<Signatures>(bytes).ok());
    let mut keys = signed.flat_map(|file| file.signatures).map(|signature| signature.keyid).peekable();
    keys.peek().is_some() && !keys.any(|key| root.signed.keys.contains_key(&key))
}

async fn load(
    root: &[u8],
    courier: &MirrorTransport,
    store: &Path,
) -> Result<Result<tough::Repository, tough::error::Error>> {
    let url = |folder| Url::parse(&format!("{BASE}{folder}/"));
    let invalid = |e: url::ParseError| Error::invalid("repository", e.to_string());
    let loader = RepositoryLoader::new(&root, url("tuf").map_err(invalid)?, url("targets").map_err(invalid)?)
        .transport(courier.clone())
        .limits(LIMITS)
        .datastore(store)
        .expiration_enforcement(ExpirationEnforcement::Safe);
    Ok(loader.load().await)
}

/// A working folder of `tough`, removed on drop.
#[derive(Debug, Clone)]
pub(super) struct Store(Arc<StoreFolder>);

#[derive(Debug)]
struct StoreFolder(PathBuf);

impl Store {
    pub(super) fn create(scratch: &Path) -> Result<Self> {
        // The scratch folder may be shared with other users, so the name must be unpredictable and the folder private.
        let folder = scratch.join(format!("vsekai-trust-{:016x}", fastrand::u64(..)));
        disk::make_private_directory(&folder)?;
        Ok(Self(Arc::new(StoreFolder(folder))))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.0
    }
}

impl Drop for StoreFolder {
    fn drop(&mut self) {
        let _ = disk::remove_all(&self.0);
    }
}
