//! Signs changes, and writes them in an order that never exposes an incomplete state to readers.

use std::collections::HashMap;
use std::num::NonZeroU64;

use tough::schema::{Hashes, Metafile, Role, Signed, Snapshot, Targets, Timestamp};

use super::{Document, Publication, delegation};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::net::trust::keys::{SPEC_VERSION, block_on};
use crate::net::trust::sign::{KeyId, days_from_now, encode, sign};
use crate::net::trust::{MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES};

/// The files and bytes that [`Publication::commit`] wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Committed {
    /// Bytes of metadata written.
    pub metadata_bytes: u64,
    /// Number of files written, both targets and metadata.
    pub files: u64,
}

/// All signed metadata, not yet written.
struct Signatures {
    /// Names below `tuf/` and bytes, in the order in which they are written; the timestamp is last.
    files: Vec<(String, Vec<u8>)>,
    roles: Vec<(String, Targets)>,
    snapshot: Snapshot,
    timestamp_version: u64,
}

impl Publication<'_> {
    /// Signs and writes all changes: targets, roles, snapshot, new roots, timestamp; then, in a folder, the metadata
    /// pack. Does nothing if there are no changes.
    ///
    /// # Errors
    /// [`Error::KeyMissing`], [`Error::Invalid`] if a role has become too large: nothing was written. [`Error::Io`]:
    /// the call can be repeated.
    pub fn commit(&mut self) -> Result<Committed> {
        if !self.has_changes() {
            self.files.clear();
            return Ok(Committed::default());
        }
        let signatures = self.sign_all()?;
        let listed = self.listed_paths();
        let targets = self.files.iter().filter(|(path, _)| listed.contains(*path));
        let targets = self.shelf.write_targets(targets)?;
        self.shelf.write_metadata(&signatures.files)?;
        let committed = Committed {
            metadata_bytes: signatures.files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
            files: targets + signatures.files.len() as u64,
        };
        self.accept(signatures);
        self.refresh_pack()?;
        Ok(committed)
    }

    /// Whether a commit would sign anything: also what the key folder has and the repository lacks.
    pub fn has_changes(&self) -> bool {
        self.renew || self.targets.changed || self.roles.values().any(|document| document.changed)
    }

    /// Whether the key folder has roots, keys or modes that the repository lacks.
    pub fn lacks_keys(&self) -> bool {
        let published = delegation::version(&self.targets.body);
        self.has_changes() || self.party.file().is_some_and(|file| file.delegations_version > published)
    }

    fn accept(&mut self, signatures: Signatures) {
        for (name, body) in signatures.roles {
            let document = if name == "targets" { Some(&mut self.targets) } else { self.roles.get_mut(&name) };
            if let Some(document) = document {
                *document = Document::published(body);
            }
        }
        self.snapshot = Some(signatures.snapshot);
        self.timestamp_version = signatures.timestamp_version;
        self.new_roots.clear();
        self.files.clear();
        self.renew = false;
    }

    fn sign_all(&self) -> Result<Signatures> {
        let mut files = Vec::new();
        let mut roles = Vec::new();
        let mut meta = self.snapshot.as_ref().map(|snapshot| snapshot.meta.clone()).unwrap_or_default();
        let delegated = self.roles.iter().map(|(name, document)| (name.as_str(), document));
        for (name, document) in delegated.chain([("targets", &self.targets)]).filter(|(_, d)| d.changed) {
            let (body, bytes) = self.sign_document(name, document)?;
            meta.insert(format!("{name}.json"), metafile(body.version, &bytes));
            files.push((format!("{}.{name}.json", body.version), bytes));
            roles.push((name.to_owned(), body));
        }
        let snapshot = self.sign_snapshot(meta, &mut files)?;
        files.extend(self.new_roots.iter().map(|(version, bytes)| (format!("{version}.root.json"), bytes.clone())));
        let timestamp_version = self.sign_timestamp(&snapshot, &mut files)?;
        Ok(Signatures { files, roles, snapshot, timestamp_version })
    }

    /// Signs the next version of the metadata, or returns the version that was signed elsewhere.
    pub(super) fn sign_document(&self, name: &str, document: &Document) -> Result<(Targets, Vec<u8>)> {
        if let Some(bytes) = &document.signed {
            return Ok((document.body.clone(), bytes.clone()));
        }
        let signed = self.sign_role(name, self.next_body(name, document)?)?;
        let bytes = encode(&signed)?;
        check_size(name, &bytes, MAX_TARGETS_BYTES)?;
        Ok((signed.signed, bytes))
    }

    /// The next version of the metadata, to be signed.
    pub(super) fn next_body(&self, name: &str, document: &Document) -> Result<Targets> {
        let mut body = document.body.clone();
        body.version = self.next_version(name, self.published_version(name).unwrap_or(0))?;
        body.expires = days_from_now(self.party.days.of(name))?;
        Ok(body)
    }

    fn sign_role(&self, name: &str, body: Targets) -> Result<Signed<Targets>> {
        if name == "targets" {
            return self.sign_top(name, body);
        }
        let delegated = self.targets.body.delegations.iter().flat_map(|delegations| &delegations.roles);
        let holders = delegated.into_iter().find(|role| role.name == name);
        let ids: &[KeyId] = holders.map_or(&[], |role| &role.keyids);
        let signed = block_on(sign(body, self.party.ring.private(ids)))??;
        if delegation::verifies(&self.targets.body, name, &signed) {
            Ok(signed)
        } else {
            Err(self.party.ring.missing(name))
        }
    }

    /// Signs a role of `root.json`. Verifies the result to find out whether the available keys reach the threshold.
    fn sign_top<T: Role>(&self, name: &str, body: T) -> Result<Signed<T>> {
        let root = &self.root.signed;
        let ids = root.roles.get(&T::TYPE).map(|role| role.keyids.clone()).unwrap_or_default();
        let signed = block_on(sign(body, self.party.ring.private(&ids)))??;
        if root.verify_role(&signed).is_ok() { Ok(signed) } else { Err(self.party.ring.missing(name)) }
    }

    fn sign_snapshot(&self, meta: HashMap<String, Metafile>, files: &mut Vec<(String, Vec<u8>)>) -> Result<Snapshot> {
        let published = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.version.get());
        let version = self.next_version("snapshot", published)?;
        let expires = days_from_now(self.party.days.snapshot)?;
        let mut snapshot = Snapshot::new(SPEC_VERSION.to_owned(), version, expires);
        snapshot.meta = meta;
        let signed = self.sign_top("snapshot", snapshot)?;
        let bytes = encode(&signed)?;
        check_size("snapshot", &bytes, MAX_SNAPSHOT_BYTES)?;
        files.push((format!("{version}.snapshot.json"), bytes));
        Ok(signed.signed)
    }

    fn sign_timestamp(&self, snapshot: &Snapshot, files: &mut Vec<(String, Vec<u8>)>) -> Result<u64> {
        let version = following(self.timestamp_version)?;
        let expires = days_from_now(self.party.days.timestamp)?;
        let mut timestamp = Timestamp::new(SPEC_VERSION.to_owned(), version, expires);
        let name = format!("{}.snapshot.json", snapshot.version);
        let bytes = files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.as_slice());
        timestamp.meta.insert("snapshot.json".to_owned(), metafile(snapshot.version, bytes.unwrap_or_default()));
        let signed = self.sign_top("timestamp", timestamp)?;
        files.push(("timestamp.json".to_owned(), encode(&signed)?));
        Ok(version.get())
    }

    /// The next version that has no file yet. A killed commit may have left files, and the file of a version is never
    /// written with different content.
    fn next_version(&self, role: &str, published: u64) -> Result<NonZeroU64> {
        let mut version = following(published)?;
        while self.shelf.place().has(&format!("tuf/{version}.{role}.json")) {
            version = following(version.get())?;
        }
        Ok(version)
    }
}

fn following(version: u64) -> Result<NonZeroU64> {
    version.checked_add(1).and_then(NonZeroU64::new).ok_or_else(|| {
        Error::invalid(
            "version of metadata",
            "no version is left: rotate the keys of snapshot and timestamp, and create a new folder",
        )
    })
}

fn metafile(version: NonZeroU64, bytes: &[u8]) -> Metafile {
    let hashes = Hashes { sha256: Digest::of(bytes).0.to_vec().into(), _extra: HashMap::new() };
    Metafile { length: Some(bytes.len() as u64), hashes: Some(hashes), version, _extra: HashMap::new() }
}

pub(super) fn check_size(role: &str, bytes: &[u8], max_bytes: u64) -> Result<()> {
    if bytes.len() as u64 <= max_bytes {
        return Ok(());
    }
    let reason = format!("{role} has {} bytes; clients accept at most {max_bytes}: remove old versions", bytes.len());
    Err(Error::invalid("metadata", reason))
}
