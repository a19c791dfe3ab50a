//! An opened repository: its verified metadata and targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tough::schema::Target;

use super::Location;
use super::datastore::{Datastore, Keep, Learned, PACK};
use super::error::{trust, worse};
use super::transport::{Counters, Origins, Packed, is_worth_keeping};
use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::metadata_pack::target_path;
use crate::local::sources::Transfer;
use crate::net::http::Network;

mod freshness;
mod load;
mod metadata;
mod remembered;

pub use remembered::signed_documents;

use load::{Loaded, Opening};

/// How to treat the latest clock time that this install has recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockGuard {
    /// A clock that is behind it is an error, because expired metadata would look fresh.
    #[default]
    Keep,
    /// Discard it once: the clock was wrong then, and is right now. Known versions of metadata are kept.
    Reset,
}

/// What [`Repository::open`] needs.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The mirrors of one repository, the preferred one first.
    pub locations: Vec<Location>,
    /// The `root.json` from the program or the user; only needed until a root has been remembered.
    pub root: Option<Vec<u8>>,
    /// The folder of the datastore. Without it, a rollback to older metadata cannot be detected.
    pub memory: Option<PathBuf>,
    /// Whether the datastore stays as it is, whatever is verified.
    pub read_only: bool,
    /// Folder for temporary files; created if missing.
    pub scratch: PathBuf,
    /// How to treat a clock that went back.
    pub clock_guard: ClockGuard,
    /// How to reach servers.
    pub network: Network,
}

/// A repository whose metadata has been verified.
#[derive(Debug)]
pub struct Repository {
    loaded: Loaded,
    counters: Arc<Counters>,
    packed: Arc<Packed>,
    memory: Datastore,
    mirrors: usize,
    given_root: Option<Vec<u8>>,
    network: Network,
    /// Targets read so far that are worth keeping, by digest.
    read: BTreeMap<String, Vec<u8>>,
}

impl Repository {
    /// Gets and verifies all metadata. From a server, this takes one request if the repository has a
    /// [metadata pack](crate::formats::metadata_pack). Without a pack it takes two, if the datastore is up to date. An
    /// invalid pack is ignored and the single files are read, so a pack never causes a failure.
    ///
    /// If a mirror cannot be reached, lacks a file or serves invalid files, the next one is used. Expired or invalid
    /// metadata of a mode is not an error here, only for that mode's targets.
    ///
    /// # Errors
    /// [`Error::Trust`] with the reason, or [`Error::Transport`] if no mirror could be reached. Of several errors, the
    /// one that could be an attack is returned. What was verified before the failure is kept.
    pub fn open(options: OpenOptions) -> Result<Self> {
        if options.locations.is_empty() {
            return Err(Error::invalid("repository", "it has no location"));
        }
        let opening = Opening::new(&options)?;
        let count = options.locations.len();
        let all = || Origins { mirrors: (0..count).collect(), cache: true };
        let mut best = opening.attempt(all())?;
        if let Some(problem) = best.problem().filter(|problem| best.used_pack && another_try_may_help(problem)) {
            opening.packed.pass_over(problem);
            best = best.or_better(opening.attempt(all())?);
        }
        // Try each mirror alone, so that a bad one spoils only its own attempt.
        for mirror in 0..count {
            if !best.problem().is_some_and(another_try_may_help) || (count == 1 && !best.used_cache) {
                break;
            }
            best = best.or_better(opening.attempt(Origins { mirrors: vec![mirror], cache: false })?);
        }
        best.outcome.map(|loaded| Self::new(opening, options, loaded)).map_err(no_repository)
    }

    fn new(opening: Opening, options: OpenOptions, loaded: Loaded) -> Self {
        Self {
            loaded,
            counters: opening.counters,
            packed: opening.packed,
            memory: opening.memory,
            mirrors: options.locations.len(),
            given_root: options.root,
            network: options.network,
            read: BTreeMap::new(),
        }
    }

    /// The bytes of a target of at most `max_bytes`, as signed.
    ///
    /// # Errors
    /// [`Error::UnsafePath`]: not a valid target name. [`Error::Trust`] of kind `NotSigned`: no authorized role lists
    /// it; `Mismatch`: no mirror has the signed bytes, or they are more than `max_bytes`; `Expired`: the role that
    /// lists it, or the repository, was not renewed. [`Error::Transport`].
    pub fn target(&mut self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let metadata = &self.loaded.metadata;
        let (target_name, target) = metadata.find(name)?;
        let wanted = Wanted { name, length: target.length, digest: signed_digest(name, target)? };
        if wanted.length > max_bytes {
            let reason = format!("{name} is signed with {} bytes; at most {max_bytes} are accepted", wanted.length);
            return Err(trust(TrustKind::Mismatch, reason));
        }
        freshness::check(metadata, &target_name)?;
        let bytes = self.read_target(&wanted)?;
        if is_worth_keeping(wanted.length) {
            self.read.insert(wanted.digest.to_string(), bytes.clone());
        }
        Ok(bytes)
    }

    fn read_target(&self, wanted: &Wanted<'_>) -> Result<Vec<u8>> {
        let courier = &self.loaded.courier;
        // Starts with the mirror that supplied the metadata.
        let mut all = courier.route().mirrors;
        let others: Vec<usize> = (0..self.mirrors).filter(|mirror| !all.contains(mirror)).collect();
        all.extend(others);
        let mut first = self.try_target(Origins { mirrors: all.clone(), cache: true }, wanted);
        if let Err(error @ Error::Trust { kind: TrustKind::Mismatch, .. }) = &first
            && courier.used_pack()
        {
            self.packed.pass_over(error);
            first = self.try_target(Origins { mirrors: all.clone(), cache: true }, wanted);
        }
        let error = match first {
            Err(error @ Error::Trust { kind: TrustKind::Mismatch, .. }) if all.len() > 1 || courier.used_cache() => {
                error
            }
            other => return other,
        };
        let mut worst = error;
        for mirror in &all {
            match self.try_target(Origins { mirrors: vec![*mirror], cache: false }, wanted) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => worst = worse(worst, error),
            }
        }
        // Restores the full route: no single mirror had the target.
        courier.prepare_target(Origins { mirrors: all, cache: true }, 0);
        Err(worst)
    }

    fn try_target(&self, route: Origins, wanted: &Wanted<'_>) -> Result<Vec<u8>> {
        let courier = &self.loaded.courier;
        courier.prepare_target(route, wanted.length);
        let bytes = self.network.block_on(courier.target(&wanted.digest.to_string(), wanted.name))?;
        if bytes.len() as u64 == wanted.length && Digest::of(&bytes) == wanted.digest {
            return Ok(bytes);
        }
        let path = target_path(wanted.name, &wanted.digest.to_string());
        Err(trust(TrustKind::Mismatch, format!("{path} is not the file that was signed")))
    }

    /// An unsigned file that was in the metadata pack, such as `bundles/<sha256>.json`, by its path below the root of
    /// the repository. **It is not signed**: the caller must check its content by other means. `None` does not mean
    /// that the file does not exist: the mirror may have it.
    pub fn beside(&self, path: &str) -> Option<Vec<u8>> {
        self.packed.beside(path)
    }

    /// The harmless problem since the last call, if any: a metadata pack that was ignored.
    pub fn take_warning(&self) -> Option<Error> {
        self.packed.take_warning()
    }

    /// A field of its own that a role has in its metadata, if the role is verified and not expired. `targets` is the
    /// top-level role.
    pub fn field(&self, role: &str, name: &str) -> Option<&serde_json::Value> {
        self.loaded.metadata.field(role, name)
    }

    /// The signed length of a target in bytes; `None` if no authorized role lists it.
    pub fn target_length(&self, name: &str) -> Option<u64> {
        self.loaded.metadata.find(name).ok().map(|(_, target)| target.length)
    }

    /// The names of all targets that an authorized role lists, sorted.
    pub fn target_names(&self) -> Vec<String> {
        let all = self.loaded.metadata.all_targets().map(|(name, _)| name.raw());
        let names: BTreeSet<&str> = all.filter(|name| self.loaded.metadata.find(name).is_ok()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Requests and bytes used so far for opening and reading.
    pub fn transfer(&self) -> Transfer {
        self.counters.transfer()
    }

    /// Whether the caller gave a root that has nothing to do with the remembered one.
    pub fn starts_over(&self) -> bool {
        self.loaded.starts_over
    }

    /// The version of the trusted root.
    pub fn root_version(&self) -> u64 {
        self.loaded.metadata.root.signed.version.get()
    }

    /// Writes the cache of the datastore, and creates the datastore if this is the first load. From then on, older
    /// metadata is rejected. Call this after the targets that were read have been parsed.
    ///
    /// # Errors
    /// [`Error::Io`]. The datastore is valid even then.
    pub fn remember(&mut self) -> Result<()> {
        let (mut files, timestamp) = self.loaded.courier.seen();
        files.append(&mut self.read);
        let mut current = self.loaded.current_files();
        let (pack, packed) = self
            .packed
            .to_remember(&files.get(TIMESTAMP).map(|bytes| Digest::of(bytes).to_string()).unwrap_or_default());
        if let Some(packed) = packed {
            files.insert(PACK.to_owned(), packed);
            current.insert(PACK.to_owned());
        }
        let given_root = self.given_root.as_deref();
        let learned = Learned { given_root, timestamp, pack, files: &files, current: &current };
        if self.loaded.starts_over {
            self.memory.start_over()?;
        }
        self.memory.create()?;
        self.memory.keep(self.loaded.store.path(), &self.loaded.courier.roots(), Keep::All)?;
        self.memory.write(learned)
    }
}

/// A target, as signed.
struct Wanted<'a> {
    name: &'a str,
    length: u64,
    digest: Digest,
}

/// The name of the timestamp in the cache.
const TIMESTAMP: &str = "timestamp.json";

fn signed_digest(name: &str, target: &Target) -> Result<Digest> {
    let bytes = <[u8; 32]>::try_from(&target.hashes.sha256[..]);
    bytes.map(Digest).map_err(|_| trust(TrustKind::Malformed, format!("{name} is signed without a valid SHA-256")))
}

/// Says of a place without the file that every repository has that it is no repository.
fn no_repository(error: Error) -> Error {
    match error {
        Error::Transport { kind: TransportKind::NotFound, url, reason, source } => {
            let place =
                url.strip_suffix(TIMESTAMP).and_then(|folder| folder.trim_end_matches(['/', '\\']).strip_suffix("tuf"));
            let Some(place) = place else {
                return Error::transport(TransportKind::NotFound, url, reason).with_source(source);
            };
            let reason = format!("there is no repository here (tuf/{TIMESTAMP}: {reason})");
            Error::transport(TransportKind::NotFound, place.trim_end_matches('/'), reason).with_source(source)
        }
        other => other,
    }
}

/// Whether the error may be caused by a single mirror, or by the cache.
fn another_try_may_help(error: &Error) -> bool {
    match error {
        Error::Trust { kind, .. } => !matches!(kind, TrustKind::ClockBack | TrustKind::Root),
        Error::Transport { kind, .. } => matches!(kind, TransportKind::NotFound | TransportKind::Protocol),
        _ => false,
    }
}
