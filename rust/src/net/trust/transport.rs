//! Supplies `tough` with the files of a repository: from the metadata pack, the cache or mirrors, each with a size
//! limit.
//!
//! Verifies nothing itself, but must ensure two things. An unreachable mirror must not look like "there is no newer
//! root": `tough` takes any error of [`Transport::fetch`] for that, so all errors are returned with the body. And no
//! number of files or bytes that a repository announces may cause endless fetching.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tough::{Transport, TransportError, TransportStream};
use url::Url;

use super::datastore::{Datastore, KnownTimestamp, MAX_CACHED_TARGET_BYTES};
use super::error::{BASE, carry, trust, worse};
use super::{Location, MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES};
use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::local::disk;
use crate::local::sources::Transfer;
use crate::net::http::{HttpAnswer, HttpClient, HttpRequest, Validators};

mod metadata_pack;

pub(super) use metadata_pack::Packed;

/// Limits for the metadata of one load, in bytes and in files.
const MAX_METADATA_BYTES: u64 = 64 << 20;
const MAX_METADATA_FILES: u64 = 512;

/// Requests and bytes so far; shared by all transports of one [`Repository`](super::Repository).
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    received_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn transfer(&self) -> Transfer {
        Transfer {
            requests: self.requests.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
        }
    }

    fn add_received(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Which mirrors to ask, in this order, and whether to try the cache first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    pub(super) mirrors: Vec<usize>,
    pub(super) cache: bool,
}

/// The transport for `tough`. Clones share all state.
#[derive(Debug, Clone)]
pub(super) struct MirrorTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    locations: Vec<Location>,
    /// `None` if no location is a URL.
    client: Option<HttpClient>,
    memory: Datastore,
    counters: Arc<Counters>,
    packed: Arc<Packed>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    route: Origins,
    /// Largest body accepted for the next target: its signed length.
    target_bytes: u64,
    metadata_bytes: u64,
    metadata_files: u64,
    /// Metadata of this load by cache name, so that repeated requests return the same bytes.
    seen: BTreeMap<String, Vec<u8>>,
    absent: BTreeSet<String>,
    timestamp: Option<KnownTimestamp>,
    used_cache: bool,
    used_pack: bool,
}

impl MirrorTransport {
    pub(super) fn new(
        locations: Vec<Location>,
        client: Option<HttpClient>,
        memory: Datastore,
        counters: Arc<Counters>,
        packed: Arc<Packed>,
        route: Origins,
    ) -> Self {
        let state = State {
            route,
            target_bytes: 0,
            metadata_bytes: 0,
            metadata_files: 0,
            seen: BTreeMap::new(),
            absent: BTreeSet::new(),
            timestamp: None,
            used_cache: false,
            used_pack: false,
        };
        Self(Arc::new(Inner { locations, client, memory, counters, packed, state: Mutex::new(state) }))
    }

    /// Gets the metadata pack, if there is one and it has not been requested yet.
    pub(super) async fn open_pack(&self) {
        self.0.open_pack().await;
    }

    /// Sets the route and the length of the next target.
    pub(super) fn prepare_target(&self, route: Origins, length: u64) {
        let mut state = self.0.state();
        state.route = route;
        state.target_bytes = length;
        state.used_cache = false;
        state.used_pack = false;
    }

    /// Whether any file of the load, or the last target, came from the cache, which may be damaged.
    pub(super) fn used_cache(&self) -> bool {
        self.0.state().used_cache
    }

    /// Whether any file of the load, or the last target, came from the metadata pack.
    pub(super) fn used_pack(&self) -> bool {
        self.0.state().used_pack
    }

    /// A metadata file, unverified; from an earlier request of this load, if there was one.
    pub(super) async fn metadata(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        self.0.get(wanted).await
    }

    /// A target of this digest, unverified.
    pub(super) async fn target(&self, sha256: &str, name: &str) -> Result<Vec<u8>> {
        self.0.obtain(&PackQuery::Target { sha256: sha256.to_owned(), name: name.to_owned() }).await
    }

    /// The roots that this load has read, by version.
    pub(super) fn roots(&self) -> BTreeMap<u64, Vec<u8>> {
        let number = |name: &str| name.strip_suffix(".root.json").and_then(|number| number.parse().ok());
        let state = self.0.state();
        state.seen.iter().filter_map(|(name, bytes)| Some((number(name)?, bytes.clone()))).collect()
    }

    pub(super) fn route(&self) -> Origins {
        self.0.state().route.clone()
    }

    /// The metadata of this load, and the origin and validators of its timestamp.
    pub(super) fn seen(&self) -> (BTreeMap<String, Vec<u8>>, Option<KnownTimestamp>) {
        let state = self.0.state();
        (state.seen.clone(), state.timestamp.clone())
    }
}

#[async_trait]
impl Transport for MirrorTransport {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let outcome = match wanted(&url) {
            Ok(wanted) => self.0.get(&wanted).await,
            Err(error) => Err(error),
        };
        let outcome = outcome.map(Bytes::from).map_err(|error| carry(error, url.as_str()));
        Ok(Box::pin(stream::once(std::future::ready(outcome))))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        if let Some(known) = self.seen(wanted) {
            return known;
        }
        let outcome = self.obtain(wanted).await;
        let mut state = self.state();
        match &outcome {
            Ok(bytes) => {
                state.metadata_bytes += bytes.len() as u64;
                state.seen.insert(wanted.cache_name(), bytes.clone());
            }
            Err(Error::Transport { kind: TransportKind::NotFound, .. }) => {
                state.absent.insert(wanted.cache_name());
            }
            Err(_) => {}
        }
        outcome
    }

    /// The earlier outcome for this file, if this load has requested it before.
    fn seen(&self, wanted: &PackQuery) -> Option<Result<Vec<u8>>> {
        let name = wanted.cache_name();
        let state = self.state();
        match state.seen.get(&name) {
            Some(bytes) => Some(Ok(bytes.clone())),
            None => state.absent.contains(&name).then(|| Err(missing(&wanted.path()))),
        }
    }

    /// Gets a file from the pack, the cache or a mirror, in this order.
    async fn obtain(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        let max_bytes = cap(wanted, &self.state());
        if !matches!(wanted, PackQuery::Target { .. }) {
            let mut state = self.state();
            state.metadata_files += 1;
            if state.metadata_files > MAX_METADATA_FILES || state.metadata_bytes > MAX_METADATA_BYTES {
                return Err(trust(TrustKind::Malformed, "the repository has too much metadata"));
            }
        }
        if let Some(found) = self.packed_file(wanted, max_bytes) {
            return found;
        }
        if let Some(bytes) = self.cached_file(wanted, max_bytes) {
            return Ok(bytes);
        }
        match wanted {
            PackQuery::Root(_) if !self.packed.is_open() => self.ask_with_timestamp(wanted).await,
            _ => self.ask_mirrors(wanted).await,
        }
    }

    /// A file from the cache, if its content never changes under this name.
    fn cached_file(&self, wanted: &PackQuery, max_bytes: u64) -> Option<Vec<u8>> {
        let may = self.state().route.cache && wanted.is_immutable();
        let found = may.then(|| self.memory.cached(&wanted.cache_name(), max_bytes.min(MAX_TARGETS_BYTES))).flatten();
        self.state().used_cache |= found.is_some();
        found
    }

    /// `tough` requests the timestamp after the roots in any case, so requesting it at the same time saves a round
    /// trip. If that fails, it is requested again in its turn, and only then can it be an error.
    async fn ask_with_timestamp(&self, root: &PackQuery) -> Result<Vec<u8>> {
        let next = PackQuery::Timestamp;
        let first = self.state().route.mirrors.first().copied();
        let is_known = self.state().seen.contains_key(&next.cache_name());
        let Some((mirror, location)) = first.and_then(|first| Some((first, self.locations.get(first)?))) else {
            return self.ask_mirrors(root).await;
        };
        if is_known || !matches!(location, Location::Url(_)) {
            return self.ask_mirrors(root).await;
        }
        let (answer, early) = tokio::join!(self.ask_mirrors(root), self.ask(location, &next, MAX_TIMESTAMP_BYTES));
        let mut state = self.state();
        if let (Ok(bytes), Some(answered)) = (early, state.route.mirrors.first())
            && *answered == mirror
        {
            state.metadata_bytes += bytes.len() as u64;
            state.seen.insert(next.cache_name(), bytes);
        }
        answer
    }

    /// Moves a mirror that answered to the front.
    fn prefer(&self, mirror: usize) {
        self.state().route.mirrors.sort_by_key(|other| *other != mirror);
    }

    async fn ask_mirrors(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        let (order, max_bytes) = {
            let state = self.state();
            (state.route.mirrors.clone(), cap(wanted, &state))
        };
        let mut worst: Option<Error> = None;
        for mirror in order {
            let Some(location) = self.locations.get(mirror) else { continue };
            let outcome = self.ask(location, wanted, max_bytes).await;
            let absent = matches!(outcome, Err(Error::Transport { kind: TransportKind::NotFound, .. }));
            // "No newer root" is a valid answer.
            if outcome.is_ok() || (absent && matches!(wanted, PackQuery::Root(_))) {
                self.prefer(mirror);
                return outcome;
            }
            if let Err(error) = outcome {
                worst = Some(match worst.take() {
                    Some(before) => worse(before, error),
                    None => error,
                });
            }
        }
        Err(worst.unwrap_or_else(|| missing(&wanted.path())))
    }

    async fn ask(&self, location: &Location, wanted: &PackQuery, max_bytes: u64) -> Result<Vec<u8>> {
        match location.join(&wanted.path()) {
            Location::Url(url) => self.ask_server(location, &url, wanted, max_bytes).await,
            Location::Folder(path) => match std::fs::metadata(&path) {
                Ok(found) if found.len() > max_bytes => Err(too_long(wanted, max_bytes, location)),
                Ok(found) if found.is_file() => disk::read(&path, max_bytes),
                _ => Err(missing(&path.display().to_string())),
            },
        }
    }

    async fn ask_server(&self, at: &Location, url: &Url, wanted: &PackQuery, max_bytes: u64) -> Result<Vec<u8>> {
        let use_cache = self.state().route.cache && matches!(wanted, PackQuery::Timestamp);
        let known = use_cache.then(|| self.memory.known_timestamp()).flatten();
        let known = known.filter(|(known, _)| known.location == at.to_string());
        let validators = known.as_ref().map(|(known, _)| known.validators.clone()).unwrap_or_default();
        let no_client = || missing(url.as_str());
        let client = self.client.as_ref().ok_or_else(no_client)?;
        let question = HttpRequest { url, max_bytes, known: &validators, sent: &self.counters.requests };
        let answer = client.get_if_changed(question).await.map_err(|error| of_server(error, at))?;
        match (answer, known) {
            (HttpAnswer::Document { bytes, validators }, _) => {
                self.counters.add_received(bytes.len() as u64);
                if matches!(wanted, PackQuery::Timestamp) {
                    self.note_timestamp(at, &bytes, validators);
                }
                Ok(bytes)
            }
            (HttpAnswer::NotModified, Some((known, bytes))) => {
                let mut state = self.state();
                state.timestamp = Some(known);
                state.used_cache = true;
                Ok(bytes)
            }
            (HttpAnswer::TooLong | HttpAnswer::NotModified, _) => Err(too_long(wanted, max_bytes, at)),
        }
    }

    fn note_timestamp(&self, at: &Location, bytes: &[u8], validators: Validators) {
        let location = at.to_string();
        self.state().timestamp = Some(KnownTimestamp { location, sha256: Digest::of(bytes).to_string(), validators });
    }
}

/// The metadata file that `tough` asks for.
fn wanted(url: &Url) -> Result<PackQuery> {
    let file = url.as_str().strip_prefix(BASE).and_then(|path| path.strip_prefix("tuf/"));
    file.and_then(PackQuery::metadata).ok_or_else(|| {
        let reason = format!("{:?} is not a file of a repository", url.as_str().replace(BASE, ""));
        trust(TrustKind::NotSigned, reason)
    })
}

fn cap(wanted: &PackQuery, state: &State) -> u64 {
    match wanted {
        PackQuery::Root(_) => MAX_ROOT_BYTES,
        PackQuery::Timestamp => MAX_TIMESTAMP_BYTES,
        PackQuery::Role { name, .. } if name == "snapshot" => MAX_SNAPSHOT_BYTES,
        PackQuery::Role { .. } => MAX_TARGETS_BYTES,
        PackQuery::Target { .. } => state.target_bytes,
    }
}

/// Whether a target of this length is kept for the next run.
pub(super) fn is_worth_keeping(length: u64) -> bool {
    length <= MAX_CACHED_TARGET_BYTES
}

/// Where no server answers, the repository is what cannot be reached: nobody has asked for the file that was the first.
fn of_server(error: Error, at: &Location) -> Error {
    use TransportKind::{Offline, TimedOut, Tls};
    match error {
        Error::Transport { kind: kind @ (Offline | TimedOut | Tls), reason, source, .. } => {
            let address = at.to_string();
            Error::transport(kind, address.trim_end_matches('/'), reason).with_source(source)
        }
        other => other,
    }
}

fn missing(what: &str) -> Error {
    Error::transport(TransportKind::NotFound, what.to_owned(), "it does not exist")
}

/// If the length is not signed, the mirror misbehaves; otherwise the file does not match what was signed.
fn too_long(wanted: &PackQuery, max_bytes: u64, location: &Location) -> Error {
    let reason = format!("{} is longer than {max_bytes} bytes", wanted.path());
    match wanted {
        PackQuery::Root(_) | PackQuery::Timestamp => {
            Error::transport(TransportKind::Protocol, location.to_string(), reason)
        }
        _ => trust(TrustKind::Mismatch, reason),
    }
}
