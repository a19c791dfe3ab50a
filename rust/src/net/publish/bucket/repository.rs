//! The signed part of a repository in a bucket: read into memory, changed there, and written back.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::chunks::BucketChunks;
use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::formats::chunk::CompressedChunk;
use crate::formats::metadata_pack::{self, MetadataPack};
use crate::formats::release::Catalog;
use crate::limits;
use crate::local::sources::WantedChunk;
use crate::net::bucket::{Bucket, Condition, Tag};
use crate::net::publish::history::{self, History};
use crate::net::trust::{Committed, Keys, MemoryStorage, Publication, make_pack};

/// A repository in a bucket, and where to keep what is read from it.
#[derive(Debug, Clone)]
pub struct BucketRepository {
    /// The bucket, or the part of it with the repository.
    pub bucket: Bucket,
    /// A folder for chunks that were sent or read back, which the next publication may need again. `None` keeps them for
    /// this publication only.
    pub cache: Option<PathBuf>,
}

const TIMESTAMP: &str = "tuf/timestamp.json";

/// Most roots that are looked for beyond those that are known.
const MAX_NEW_ROOTS: u64 = 64;

/// Most attempts to write the pack while others write it.
const MAX_PACKS: u32 = 8;

/// Another publisher was faster, or a killed one has left files.
pub(super) struct Conflict {
    /// Names in `tuf/` of the metadata that was to be written. Some belong to others, and some to this attempt.
    pub(super) taken: Vec<String>,
}

pub(super) struct Repository<'k> {
    pub(super) publication: Publication<'k>,
    pub(super) catalog: Catalog,
    bucket: &'k Bucket,
    chunks: Option<&'k BucketChunks<'k>>,
    /// The timestamp on which the next commit builds.
    timestamp: Option<(Vec<u8>, Tag)>,
    /// `tuf/current.pack`, if it belongs to the timestamp.
    pack: Option<MetadataPack>,
    /// Targets that were read.
    targets: RefCell<HashMap<String, Vec<u8>>>,
    written: usize,
}

impl<'k> Repository<'k> {
    /// Reads the repository, or creates one in a bucket that has none. Names in `taken` are not used for metadata.
    pub(super) fn open(bucket: &'k Bucket, keys: &'k Keys, taken: HashSet<String>) -> Result<Self> {
        let mut found = Self::look(bucket, keys, taken)?;
        if found.is_new() {
            found.publication.check_not_expired()?;
            // This commit has no targets, so targets without a timestamp mean that the timestamp was lost.
            if found.commit()?.is_err() {
                return Self::look(bucket, keys, HashSet::new());
            }
        } else if found.pack.is_none() {
            found.refresh_pack()?;
        }
        Ok(found)
    }

    /// As [`Self::open`], but changes nothing.
    pub(super) fn look(bucket: &'k Bucket, keys: &'k Keys, taken: HashSet<String>) -> Result<Self> {
        let timestamp = bucket.read_with_tag(TIMESTAMP, limits::MAX_DOCUMENT_BYTES)?;
        let (storage, pack) = match &timestamp {
            None if bucket.has_any("targets")? => {
                let reason = format!("{} is missing; put it back from a copy", bucket.url(TIMESTAMP));
                return Err(Error::trust(TrustKind::Malformed, reason));
            }
            None => (MemoryStorage::default(), None),
            Some((bytes, _)) => {
                let pack = bucket.read(metadata_pack::PATH, metadata_pack::MAX_PACKED_BYTES)?;
                let pack = pack.and_then(|packed| MetadataPack::parse(&packed).ok());
                let pack = pack.filter(|pack| pack.get(TIMESTAMP) == Some(bytes));
                (download(bucket, keys, bytes, pack.as_ref())?, pack)
            }
        };
        let mut found = Self {
            publication: Publication::open_in(storage.with_taken(taken), keys)?,
            catalog: Catalog::empty(),
            bucket,
            chunks: None,
            timestamp,
            pack,
            targets: RefCell::default(),
            written: 0,
        };
        found.catalog = history::catalog_of(&found)?;
        Ok(found)
    }

    /// Lets the history read chunks.
    pub(super) fn with_chunks(self, chunks: &'k BucketChunks<'k>) -> Self {
        Self { chunks: Some(chunks), ..self }
    }

    /// Whether nothing has been published yet.
    pub(super) fn is_new(&self) -> bool {
        self.timestamp.is_none()
    }

    /// Signs the changes and writes them: everything under new names first, the timestamp last, and only if it is still
    /// the one that was read.
    pub(super) fn commit(&mut self) -> Result<Result<Committed, Conflict>> {
        let committed = self.publication.commit()?;
        let files = &self.publication.written()[self.written..];
        let (timestamp, files): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|(path, _)| path == TIMESTAMP);
        let (targets, metadata): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(path, _)| path.starts_with("targets/"));
        let (roots, metadata): (Vec<_>, Vec<_>) =
            metadata.into_iter().partition(|(path, _)| path.ends_with(".root.json"));
        self.written = self.publication.written().len();
        self.write_targets(&targets)?;
        let names = metadata.iter().map(|(path, _)| path.trim_start_matches("tuf/").to_owned());
        let conflict = Conflict { taken: names.collect() };
        // Readers look for new roots before they read the timestamp.
        for files in [metadata, roots] {
            for path in self.bucket.write_all(&files, &Condition::New)? {
                // What somebody else has signed is written again after a kill, and is the same then.
                let ours = files.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes);
                if self.bucket.read(&path, limits::MAX_DOCUMENT_BYTES)?.as_ref() != ours {
                    return Ok(Err(conflict));
                }
            }
        }
        for (path, bytes) in timestamp {
            let condition =
                self.timestamp.as_ref().map_or(Condition::New, |(_, tag)| Condition::Unchanged(tag.clone()));
            match self.bucket.write(&path, &bytes, &condition)? {
                Some(tag) => self.timestamp = Some((bytes, tag)),
                None => return Ok(Err(conflict)),
            }
        }
        self.refresh_pack()?;
        Ok(Ok(committed))
    }

    /// Sends the targets that were written to memory, and that nothing names yet.
    pub(super) fn send_targets(&mut self) -> Result<()> {
        let files = self.publication.written()[self.written..].to_vec();
        self.written = self.publication.written().len();
        self.write_targets(&files)
    }

    fn write_targets(&self, targets: &[(String, Vec<u8>)]) -> Result<()> {
        for path in self.bucket.write_all(targets, &Condition::New)? {
            // The name has the digest of the content, so what is there is damaged.
            let damaged = targets.iter().filter(|(target, _)| *target == path).cloned().collect::<Vec<_>>();
            self.bucket.write_all(&damaged, &Condition::Always)?;
        }
        Ok(())
    }

    /// Writes `tuf/current.pack` if its content would change and no later publisher has written another timestamp.
    pub(super) fn refresh_pack(&self) -> Result<()> {
        let Some((timestamp, _)) = &self.timestamp else { return Ok(()) };
        let read = |path: &str, max_bytes: u64| match self.publication.file(path, max_bytes)? {
            Some(bytes) => Ok(Some(bytes)),
            // Lists of bundles change under their name.
            None if !path.starts_with("bundles/") => match self.pack.as_ref().and_then(|pack| pack.get(path)) {
                Some(bytes) => Ok(Some(bytes.to_vec())),
                None => self.bucket.read(path, max_bytes),
            },
            None => self.bucket.read(path, max_bytes),
        };
        let packed = make_pack(self.publication.root_version(), &read)?;
        for _ in 0..MAX_PACKS {
            let there = self.bucket.read_with_tag(metadata_pack::PATH, metadata_pack::MAX_PACKED_BYTES)?;
            if there.as_ref().is_some_and(|(bytes, _)| *bytes == packed)
                || self.bucket.read(TIMESTAMP, limits::MAX_DOCUMENT_BYTES)?.as_ref() != Some(timestamp)
            {
                return Ok(());
            }
            let condition = there.map_or(Condition::New, |(_, tag)| Condition::Unchanged(tag));
            if self.bucket.write(metadata_pack::PATH, &packed, &condition)?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The current metadata, from the pack where that has it.
fn download(bucket: &Bucket, keys: &Keys, timestamp: &[u8], pack: Option<&MetadataPack>) -> Result<MemoryStorage> {
    let get = |path: &str, max_bytes: u64| match pack.and_then(|pack| pack.get(path)) {
        _ if path == TIMESTAMP => Ok(Some(timestamp.to_vec())),
        Some(bytes) => Ok(Some(bytes.to_vec())),
        None => bucket.read(path, max_bytes),
    };
    let has = |version: u64| Ok::<_, Error>(get(&root_path(version), limits::MAX_DOCUMENT_BYTES)?.is_some());
    // A root that was made since the last publication is only in the key folder.
    let mut newest = pack.and_then(MetadataPack::newest_root).unwrap_or_else(|| keys.root_version());
    while newest > 1 && !has(newest)? {
        newest -= 1;
    }
    let last = newest.saturating_add(MAX_NEW_ROOTS);
    while newest < last && has(newest + 1)? {
        newest += 1;
    }
    MemoryStorage::download(keys.root_version().min(newest)..=newest, &|path, max_bytes| {
        get(path, max_bytes)?.ok_or_else(|| missing(bucket, path))
    })
}

pub(super) fn missing(bucket: &Bucket, path: &str) -> Error {
    Error::transport(TransportKind::NotFound, bucket.url(path), "there is no such file")
}

/// The version of the newest root, for somebody who knows none.
pub(super) fn newest_root(bucket: &Bucket) -> Result<u64> {
    let pack = bucket.read(metadata_pack::PATH, metadata_pack::MAX_PACKED_BYTES)?;
    let mut newest = pack.and_then(|packed| MetadataPack::parse(&packed).ok()?.newest_root()).unwrap_or(0);
    let last = newest.saturating_add(MAX_NEW_ROOTS);
    while newest < last && bucket.read(&root_path(newest + 1), limits::MAX_DOCUMENT_BYTES)?.is_some() {
        newest += 1;
    }
    if newest == 0 { Err(Error::invalid("repository", format!("there is none in {bucket}"))) } else { Ok(newest) }
}

fn root_path(version: u64) -> String {
    format!("tuf/{version}.root.json")
}

impl History for Repository<'_> {
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(listed) = self.publication.listed(name)? else { return Ok(None) };
        let known = match self.publication.file(&listed.path, listed.length)? {
            Some(bytes) => Some(bytes),
            None => self.pack.as_ref().and_then(|pack| pack.get(&listed.path)).map(<[u8]>::to_vec),
        };
        let known = known.or_else(|| self.targets.borrow().get(&listed.path).cloned());
        let is_known = known.is_some();
        let bytes = match known {
            Some(bytes) => bytes,
            None => self.bucket.read(&listed.path, listed.length)?.unwrap_or_default(),
        };
        if bytes.len() as u64 != listed.length || Digest::of(&bytes).to_string() != listed.sha256 {
            let reason = format!("{} differs from what was signed", self.bucket.url(&listed.path));
            return Err(Error::trust(TrustKind::Mismatch, reason));
        }
        if !is_known {
            self.targets.borrow_mut().insert(listed.path, bytes.clone());
        }
        Ok(Some(bytes))
    }

    fn chunk(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>> {
        self.chunks.map_or(Ok(None), |chunks| chunks.get(wanted))
    }

    fn store(&self) -> String {
        self.bucket.url(crate::formats::release::DEFAULT_STORE)
    }
}
