//! A version as the builder reads it: its documents, and its chunks from the chunk store.
//!
//! The builder works on threads of its own, where reading a chunk blocks. It rests between chunks, and after each
//! section.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use vsekai_updater::digest::Digest;
use vsekai_updater::error::{Error as Failure, Result as Outcome};
use vsekai_updater::formats::bundle::ChunkSource;
use vsekai_updater::formats::chunk::{CompressedChunk, Decompressor, DigestAlgorithm};
use vsekai_updater::formats::index::{Index, IndexChunk};
use vsekai_updater::formats::release::{FileTable, Release};
use vsekai_updater::local::bundle_builder::Side;

use super::throttle::Throttle;
use crate::chunks::Chunks;
use crate::db::{Db, FileFilter, Page};
use crate::error::{Error, Result};
use crate::model::VersionIndex;

/// The documents of a version.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) index: Arc<Index>,
    table: Arc<FileTable>,
    mutable: HashSet<usize>,
}

impl Documents {
    pub(crate) fn of(index: Arc<Index>, table: Arc<FileTable>, release: &Release) -> Self {
        let mutable = release.mutable.iter().filter_map(|path| table.find(path)).collect();
        Self { index, table, mutable }
    }

    /// Reads the documents of a version from the database.
    pub(crate) async fn read(db: &dyn Db, of: &VersionIndex) -> Result<Self> {
        let filter =
            FileFilter { version_id: Some(of.version_id), platform: Some(of.platform.clone()), file_name: None };
        let files = db.files(&filter, &Page { after: None, limit: 10 }).await?;
        let mut found = Vec::new();
        for name in ["index.caidx", "files.json.zst", "release.json"] {
            let missing = Error::NotFound { what: "document of a version" };
            let Some(file) = files.iter().find(|file| file.file_name == name) else { return Err(missing) };
            found.push(db.repository_file(&file.file_uri).await?.ok_or(missing)?);
        }
        let digest = of.digest;
        let parse = tokio::task::spawn_blocking(move || {
            let [index, table, release] = &found[..] else { return Err(Error::NotFound { what: "document" }) };
            let release = Release::parse(release, None)?;
            let index = Index::parse(index)?;
            if Digest::of(&index.to_bytes()) != digest {
                let reason = "its index is not in the canonical form";
                return Err(Error::Invalid { what: "version", reason: reason.to_owned() });
            }
            let table = FileTable::parse(table, &index)?;
            Ok(Self::of(Arc::new(index), Arc::new(table), &release))
        });
        parse.await.map_err(Error::internal_by("reading a version"))?
    }

    /// Runs `work` on this version, with its chunks from `stored`.
    pub(super) fn with<R>(&self, stored: &Stored, work: impl FnOnce(Side<'_>) -> R) -> R {
        let is_mutable = |node| self.mutable.contains(&node);
        let chunks = StoredOf { stored, digest: self.index.digest() };
        work(Side { index: &self.index, table: &self.table, chunks: &chunks, is_mutable: &is_mutable })
    }
}

/// The chunk store, for threads that do not belong to the runtime.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) chunks: Arc<Chunks>,
    pub(super) runtime: Handle,
    pub(super) throttle: Arc<Throttle>,
    idle: Mutex<Vec<Decompressor>>,
}

impl Stored {
    pub(super) fn new(chunks: Arc<Chunks>, runtime: Handle, throttle: Arc<Throttle>) -> Self {
        Self { chunks, runtime, throttle, idle: Mutex::default() }
    }
}

struct StoredOf<'a> {
    stored: &'a Stored,
    digest: DigestAlgorithm,
}

impl ChunkSource for StoredOf<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Outcome<()> {
        let Stored { chunks, runtime, throttle, idle } = self.stored;
        throttle.rest();
        throttle.cancel.check()?;
        let missing = || Failure::ChunkMissing { id: chunk.id, origins: "the server's store".to_owned() };
        // Not through the cache: a whole version would evict what players need.
        let bytes = runtime.block_on(chunks.read(&chunk.id)).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            Failure::io("read", format!("chunk {}", chunk.id))(source)
        })?;
        let stored = CompressedChunk::new(chunk.id, bytes.ok_or_else(missing)?.into());
        let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decompressor = taken.map_or_else(Decompressor::new, Ok)?;
        let plain = decompressor.decompress(&stored, chunk.size(), Vec::new());
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(decompressor);
        let corrupt = |_| Failure::chunk_corrupt(chunk.id, "the server's store", "the content does not match the id");
        buffer.extend_from_slice(plain?.verify(self.digest).map_err(corrupt)?.as_bytes());
        Ok(())
    }
}
