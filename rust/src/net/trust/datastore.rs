//! The verified metadata that an install keeps: the trusted root, the versions that must not go back, and copies of
//! files that never change.
//!
//! ```text
//! trust/root.json snapshot.json timestamp.json latest_known_time.json    as `tough` writes them
//! trust/roots/          the roots that lead from the first trusted one to root.json
//! trust/client.json     the given root's digest; validators of timestamp.json and current.pack
//! trust/cache/          raw files by name and version, targets by their digest, the pack
//! ```
//!
//! A damaged file costs a request but never prevents an update. If the caller gives a root, the kept one only counts
//! if it descends from that: the chain of roots is verified again each time, so a planted `root.json` is detected.
//! Without a given root, `root.json` is what is trusted. Snapshots contain the versions of all roles, so no other
//! metadata is needed to detect a rollback.
//!
//! What a load has verified is kept at once, even if the load fails later: an install that has seen the revocation of a
//! key never trusts that key again. Only the cache waits for [`Repository::remember`](super::Repository::remember).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tough::schema::{Root, Signed};

use super::clock;
use super::error::trust;
use super::{MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TIMESTAMP_BYTES};
use crate::digest::Digest;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::MAX_PACKED_BYTES;
use crate::local::disk::{self, Durability};
use crate::net::http::Validators;

/// Largest target that is cached, in bytes.
pub(super) const MAX_CACHED_TARGET_BYTES: u64 = 256 << 10;

/// Largest total size of the cache, in bytes.
const MAX_CACHE_BYTES: u64 = 16 << 20;

const MAX_RECORD_BYTES: u64 = 64 << 10;
const ROOT: &str = "root.json";
const ROOTS: &str = "roots";

/// Most roots by which the kept root may be ahead of a given one.
const MAX_KEPT_ROOTS: usize = 1024;
const RECORD: &str = "client.json";
const KNOWN_TIME: &str = "latest_known_time.json";

/// The name of a pack in the cache.
pub(super) const PACK: &str = "current.pack";

/// How long a mirror without a pack is not asked for one again, in seconds, as long as the timestamp is the same.
const ABSENT_SECONDS: i64 = 86_400;

/// The files of `tough` and their largest sizes in bytes, in the order in which they are written. The root comes last:
/// if a kill left the new root with old versions, metadata from before a key rotation would still count.
const STORE: [(&str, u64); 4] = [
    (KNOWN_TIME, 1 << 10),
    ("timestamp.json", MAX_TIMESTAMP_BYTES * 2),
    ("snapshot.json", MAX_SNAPSHOT_BYTES * 2),
    (ROOT, MAX_ROOT_BYTES * 2),
];

/// The origin and validators of the cached timestamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownTimestamp {
    /// The mirror, as displayed.
    pub(super) location: String,
    /// SHA-256 of its bytes, in hex.
    pub(super) sha256: String,
    pub(super) validators: Validators,
}

/// The outcome of the last request for a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KnownMetadataPack {
    /// The pack is in the cache, and the whole repository could be verified with it.
    Here {
        /// The mirror, as displayed.
        location: String,
        /// SHA-256 of its bytes, in hex.
        sha256: String,
        validators: Validators,
    },
    /// There is no usable pack.
    Absent {
        /// The mirror, as displayed.
        location: String,
        /// When this was found, in seconds since 1970.
        since: i64,
        /// SHA-256 of the timestamp at that time, in hex.
        timestamp: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// SHA-256, in hex, of the root that the caller gave when the pinned one was remembered.
    given_root: Option<String>,
    timestamp: Option<KnownTimestamp>,
    pack: Option<KnownMetadataPack>,
}

/// Where a load begins.
#[derive(Debug)]
pub(super) enum Start {
    /// With this root.
    Known(Vec<u8>),
    /// With this root, and nothing that was kept under another one.
    Over(Vec<u8>),
    /// With the kept root, once it is shown to descend from the given one.
    Descendant(Descent),
}

/// The way from a given root to the kept one.
#[derive(Debug)]
pub(super) struct Descent {
    given: Vec<u8>,
    pinned: Vec<u8>,
    /// The roots after the given one, up to the kept one, as far as they are kept.
    chain: Vec<(u64, Option<Vec<u8>>)>,
    /// Whether the caller gave the same root when the kept one was remembered.
    is_same_as_before: bool,
}

impl Descent {
    /// The versions of the roots that have to be fetched.
    pub(super) fn missing(&self) -> Vec<u64> {
        self.chain.iter().filter(|(_, bytes)| bytes.is_none()).map(|(number, _)| *number).collect()
    }

    /// Adds a root that was fetched.
    pub(super) fn add(&mut self, version: u64, bytes: Vec<u8>) {
        if let Some((_, missing)) = self.chain.iter_mut().find(|(number, _)| *number == version) {
            *missing = Some(bytes);
        }
    }

    /// Drops the kept roots, because one of them is damaged.
    pub(super) fn forget_chain(&mut self) {
        self.chain.iter_mut().for_each(|(_, bytes)| *bytes = None);
    }

    /// Verifies each root of the chain with the keys of the one before it and with its own (TUF 1.0, 5.3.4).
    pub(super) fn is_proven(&self) -> bool {
        let walk = || {
            let mut at = parse_root(&self.given).ok()?;
            for (number, bytes) in &self.chain {
                let next = parse_root(bytes.as_ref()?).ok()?;
                at.signed.verify_role(&next).ok()?;
                at = (next.signed.version.get() == *number).then_some(next)?;
            }
            (at.signed == parse_root(&self.pinned).ok()?.signed).then_some(())
        };
        walk().is_some()
    }

    /// The start if the chain is proven, and the start if it cannot be.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Root` if the kept root claims to descend from the given one, and does not.
    pub(super) fn start(self) -> Result<Start> {
        if self.is_proven() {
            return Ok(Start::Known(self.pinned));
        }
        if self.is_same_as_before {
            let reason = "the root that is kept in this install does not descend from the given root.json";
            return Err(trust(TrustKind::Root, reason));
        }
        Ok(Start::Over(self.given))
    }
}

/// How much of what a load has verified is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Everything: the load is complete.
    All,
    /// Roots, timestamp and snapshot, but not the time of a load that failed: the clock may be what was wrong.
    Metadata,
    /// Roots alone; timestamp and snapshot stay, unless a new root replaces their keys.
    Roots,
}

/// The results of a load, to be remembered.
#[derive(Debug)]
pub(super) struct Learned<'a> {
    /// The root that the caller gave.
    pub(super) given_root: Option<&'a [u8]>,
    pub(super) timestamp: Option<KnownTimestamp>,
    pub(super) pack: Option<KnownMetadataPack>,
    /// Verified files, by their names in the cache.
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
    /// Names of the files that stay in the cache.
    pub(super) current: &'a BTreeSet<String>,
}

/// The folder and its record. Without a folder, nothing is remembered.
#[derive(Debug, Clone)]
pub(super) struct Datastore {
    folder: Option<PathBuf>,
    record: Record,
}

impl Datastore {
    pub(super) fn load(folder: Option<PathBuf>) -> Result<Self> {
        let mut memory = Self { folder, record: Record::default() };
        if let Some(bytes) = memory.read(RECORD, MAX_RECORD_BYTES)? {
            memory.record = serde_json::from_slice(&bytes).unwrap_or_default();
        }
        Ok(memory)
    }

    /// The root to start from.
    ///
    /// # Errors
    /// [`Error::Trust`] of kind `Root` if no root is known, or the given one is invalid.
    pub(super) fn start(&self, given: Option<&[u8]>) -> Result<Start> {
        let pinned = self.read(ROOT, MAX_ROOT_BYTES * 2)?.and_then(|bytes| Some((parse_root(&bytes).ok()?, bytes)));
        let (given, (pinned_root, pinned)) = match (given, pinned) {
            (None, Some((_, pinned))) => return Ok(Start::Known(pinned)),
            (None, None) => {
                let reason = "this install has none yet; the first install needs the publisher's root.json";
                return Err(trust(TrustKind::Root, reason));
            }
            (Some(given), None) => {
                parse_root(given)?;
                return Ok(Start::Known(given.to_vec()));
            }
            (Some(given), Some(pinned)) => (given, pinned),
        };
        let given_root = parse_root(given)?;
        let is_same_as_before = self.record.given_root.as_deref() == Some(&Digest::of(given).to_string());
        let (first, last) = (given_root.signed.version.get(), pinned_root.signed.version.get());
        if first == last {
            let is_same = given_root.signed == pinned_root.signed;
            return Ok(if is_same { Start::Known(pinned) } else { Start::Over(given.to_vec()) });
        }
        if first > last {
            return Ok(Start::Known(given.to_vec()));
        }
        let numbers = (first + 1..=last).take(MAX_KEPT_ROOTS);
        let chain = numbers.map(|number| (number, self.read(&kept_root(number), MAX_ROOT_BYTES).ok().flatten()));
        let descent = Descent { given: given.to_vec(), pinned, chain: chain.collect(), is_same_as_before };
        Ok(Start::Descendant(descent))
    }

    /// Copies the files that `tough` needs into its working folder, which it may change freely.
    pub(super) fn fill(&self, store: &Path, keep_clock_guard: bool) -> Result<()> {
        for (name, max_bytes) in STORE {
            if name == ROOT || (name == KNOWN_TIME && !keep_clock_guard) {
                continue;
            }
            if let Some(bytes) = self.read(name, max_bytes)? {
                // `tough` would refuse any step back.
                if name == KNOWN_TIME && clock::is_a_little_ahead(&bytes, Timestamp::now()) {
                    continue;
                }
                disk::write_atomic(&store.join(name), &bytes, Durability::Kill)?;
            }
        }
        Ok(())
    }

    /// An unverified file of the cache; `None` if it is missing or unreadable.
    pub(super) fn cached(&self, name: &str, max_bytes: u64) -> Option<Vec<u8>> {
        self.read(&format!("cache/{name}"), max_bytes).ok().flatten()
    }

    /// The cached timestamp and the validators for the next request.
    pub(super) fn known_timestamp(&self) -> Option<(KnownTimestamp, Vec<u8>)> {
        let known = self.record.timestamp.clone()?;
        let bytes = self.cached("timestamp.json", MAX_TIMESTAMP_BYTES)?;
        (Digest::of(&bytes).to_string() == known.sha256).then_some((known, bytes))
    }

    /// The validators for the next request, and the cached pack of this mirror.
    pub(super) fn known_pack(&self, at: &str) -> Option<(Validators, Vec<u8>)> {
        let Some(KnownMetadataPack::Here { location, sha256, validators }) = &self.record.pack else { return None };
        let bytes = (location == at).then(|| self.cached(PACK, MAX_PACKED_BYTES)).flatten()?;
        (Digest::of(&bytes).to_string() == *sha256).then(|| (validators.clone(), bytes))
    }

    /// The record that this mirror had no pack, if it is recent enough that the mirror need not be asked again.
    pub(super) fn absent_pack(&self, at: &str) -> Option<KnownMetadataPack> {
        let absent = self.record.pack.as_ref()?;
        let KnownMetadataPack::Absent { location, since, .. } = absent else { return None };
        let age = jiff::Timestamp::now().as_second().saturating_sub(*since);
        (location == at && (0..ABSENT_SECONDS).contains(&age)).then(|| absent.clone())
    }

    /// Keeps what a load has verified so far, if it is newer than what is kept. `tough` writes a file to `store` only
    /// after it has verified it. `roots` are the roots that the load has read, by version, verified or not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn keep(&self, store: &Path, roots: &BTreeMap<u64, Vec<u8>>, what: Keep) -> Result<()> {
        let Some(folder) = self.folder.as_ref().filter(|folder| folder.parent().is_some_and(Path::is_dir)) else {
            return Ok(());
        };
        let Some(root) = version_in(&store.join(ROOT)) else { return Ok(()) };
        let kept = version_in(&folder.join(ROOT)).unwrap_or(0);
        if root < kept {
            return Ok(());
        }
        create_folder(folder)?;
        create_folder(&folder.join(ROOTS))?;
        for (number, bytes) in roots.range(..=root) {
            write_changed(&folder.join(kept_root(*number)), bytes)?;
        }
        let now = Timestamp::now();
        for (name, max_bytes) in STORE {
            let (from, to) = (store.join(name), folder.join(name));
            let known = if name == KNOWN_TIME { self.read(name, max_bytes)? } else { None };
            if known.is_some_and(|known| clock::is_a_little_ahead(&known, now)) {
                // The latest time counts: many small steps back must not become a large one.
                continue;
            }
            match disk::read_if_exists(&from, max_bytes)? {
                Some(_) if (what == Keep::Roots && name != ROOT) || (what != Keep::All && name == KNOWN_TIME) => {}
                Some(bytes) if root > kept || name == KNOWN_TIME || version_in(&from) > version_in(&to) => {
                    write_changed(&to, &bytes)?;
                }
                // The keys of this role were replaced, so its old versions no longer count.
                None if root > kept && name != KNOWN_TIME => disk::remove_all(&to)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the folder, so that something can be kept.
    pub(super) fn create(&self) -> Result<()> {
        self.folder.as_deref().map_or(Ok(()), create_folder)
    }

    /// Forgets what was kept under another root.
    pub(super) fn start_over(&mut self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        disk::remove_all(&folder.join(ROOTS))?;
        for (name, _) in STORE {
            disk::remove_all(&folder.join(name))?;
        }
        self.record = Record::default();
        Ok(())
    }

    /// Updates the cache after a complete load, and leaves only current files there.
    pub(super) fn write(&mut self, learned: Learned<'_>) -> Result<()> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let cache = folder.join("cache");
        create_folder(&folder)?;
        create_folder(&cache)?;
        let mut room = prune(&cache, learned.current)?;
        for (name, bytes) in learned.files.iter().filter(|(name, _)| learned.current.contains(*name)) {
            let Some(left) = room.checked_sub(bytes.len() as u64) else { continue };
            room = left;
            write_changed(&cache.join(name), bytes)?;
        }
        self.record = Record {
            given_root: learned
                .given_root
                .map(|root| Digest::of(root).to_string())
                .or_else(|| self.record.given_root.take()),
            timestamp: learned.timestamp.or_else(|| self.record.timestamp.take()),
            pack: learned.pack,
        };
        let text = serde_json::to_vec(&self.record).map_err(|e| Error::unsupported(e.to_string()))?;
        write_changed(&folder.join(RECORD), &text)
    }

    /// Reads a file of the folder. A file that is too large counts as missing.
    fn read(&self, name: &str, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        match disk::read_control(&folder.join(name), max_bytes) {
            Err(Error::Invalid { .. }) => Ok(None),
            other => other,
        }
    }
}

fn kept_root(version: u64) -> String {
    format!("{ROOTS}/{version}.root.json")
}

/// The version that a metadata file declares; `None` if there is no such file, or it cannot be read.
fn version_in(path: &Path) -> Option<u64> {
    #[derive(Deserialize)]
    struct Envelope {
        signed: Body,
    }
    #[derive(Deserialize)]
    struct Body {
        version: u64,
    }
    let bytes = disk::read_control(path, MAX_SNAPSHOT_BYTES * 2).ok().flatten()?;
    Some(serde_json::from_slice::<Envelope>(&bytes).ok()?.signed.version)
}

/// Parses a root, and checks that its own keys have signed it.
pub(super) fn parse_root(bytes: &[u8]) -> Result<Signed<Root>> {
    let root: Signed<Root> =
        serde_json::from_slice(bytes).map_err(|e| trust(TrustKind::Root, "root.json does not parse").caused_by(e))?;
    root.signed
        .verify_role(&root)
        .map_err(|e| trust(TrustKind::Root, "root.json is not signed by its own keys").caused_by(e))?;
    Ok(root)
}

fn write_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    let old = disk::read_control(path, bytes.len() as u64).ok().flatten();
    if old.is_some_and(|old| is_same(&old, bytes)) {
        Ok(())
    } else {
        if disk::is_irregular(path) {
            // A folder or a link in place of our file. Nothing of the user's belongs here.
            disk::remove_all(path)?;
        }
        disk::write_control(path, bytes, Durability::PowerCut)
    }
}

/// Creates a folder of ours, also if something else has its name: nothing of the user's belongs here.
fn create_folder(path: &Path) -> Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir()) {
        disk::remove_all(path)?;
    }
    disk::create_control_directory(path)
}

/// Compares JSON regardless of order: `tough` writes the members of its files in a different order each time.
fn is_same(old: &[u8], new: &[u8]) -> bool {
    let parse = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    old == new || (old.len() == new.len() && parse(old).is_some_and(|old| Some(old) == parse(new)))
}

/// Removes files that are not in `current`. Returns the space left in the cache, in bytes.
fn prune(cache: &Path, current: &BTreeSet<String>) -> Result<u64> {
    let mut room = MAX_CACHE_BYTES;
    let entries = std::fs::read_dir(cache).map_err(Error::io("list", cache))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("list", cache))?;
        let length = entry.metadata().map_or(0, |found| found.len());
        if entry.file_name().to_str().is_some_and(|name| current.contains(name)) && length <= room {
            room -= length;
        } else {
            disk::remove_all(&entry.path())?;
        }
    }
    Ok(room)
}
