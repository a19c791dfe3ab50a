//! A version as the builder reads it: its documents, and its chunks from where they are kept.
//!
//! The builder works on threads of its own, and asks for a chunk as for a file. That is also where it takes its rests:
//! between two chunks, and after each section.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use vsekai_updater::digest::Digest;
use vsekai_updater::error::{Error as Failure, Result as Outcome};
use vsekai_updater::event::{Cancel, Event, Observer};
use vsekai_updater::formats::bundle::ChunkSource;
use vsekai_updater::formats::chunk::{CompressedChunk, Decompressor, DigestAlgorithm};
use vsekai_updater::formats::index::{Index, IndexChunk};
use vsekai_updater::formats::release::{FileTable, Release};
use vsekai_updater::local::bundle_builder::Side;

use crate::chunks::Chunks;
use crate::db::{Db, FileFilter, Page};
use crate::error::{Error, Result};
use crate::model::VersionIndex;

/// A rest is taken once it would be so long: shorter ones cost more than they give.
const LEAST_REST: Duration = Duration::from_millis(20);

/// How long a rest may go on after the end was asked for.
const REST_STEP: Duration = Duration::from_millis(50);

/// A version's documents.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) index: Index,
    table: FileTable,
    mutable: HashSet<usize>,
}

impl Documents {
    /// Reads what is stored of a version.
    pub(super) async fn read(db: &dyn Db, of: &VersionIndex) -> Result<Self> {
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
                let reason = "its index is not written as any other of that content";
                return Err(Error::Invalid { what: "version", reason: reason.to_owned() });
            }
            let table = FileTable::parse(table, &index)?;
            let mutable = release.mutable.iter().filter_map(|path| table.find(path)).collect();
            Ok(Self { index, table, mutable })
        });
        parse.await.map_err(|error| Error::Internal { context: format!("reading a version: {error}") })?
    }

    /// The version, for who can read its chunks.
    pub(super) fn with<R>(&self, stored: &Stored, work: impl FnOnce(Side<'_>) -> R) -> R {
        let is_mutable = |node| self.mutable.contains(&node);
        let chunks = StoredOf { stored, digest: self.index.digest() };
        work(Side { index: &self.index, table: &self.table, chunks: &chunks, is_mutable: &is_mutable })
    }
}

/// The chunks of all versions, read from threads that are none of the runtime's.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) chunks: Arc<Chunks>,
    pub(super) runtime: Handle,
    pub(super) pace: Arc<Pace>,
    idle: Mutex<Vec<Decompressor>>,
}

impl Stored {
    pub(super) fn new(chunks: Arc<Chunks>, runtime: Handle, pace: Arc<Pace>) -> Self {
        Self { chunks, runtime, pace, idle: Mutex::default() }
    }
}

struct StoredOf<'a> {
    stored: &'a Stored,
    digest: DigestAlgorithm,
}

impl ChunkSource for StoredOf<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Outcome<()> {
        let Stored { chunks, runtime, pace, idle } = self.stored;
        pace.rest();
        pace.cancel.check()?;
        let missing = || Failure::ChunkMissing { id: chunk.id, origins: "the server's store".to_owned() };
        // Past the cache: a whole version would push out of it what players ask for.
        let bytes = runtime.block_on(chunks.read(&chunk.id)).map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            Failure::io("read", format!("chunk {}", chunk.id))(source)
        })?;
        let stored = CompressedChunk::new(chunk.id, bytes.ok_or_else(missing)?.into());
        let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decompressor = taken.map_or_else(Decompressor::new, Ok)?;
        let plain = decompressor.decompress(&stored, chunk.size(), Vec::new());
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(decompressor);
        let corrupt = |_| Failure::ChunkCorrupt {
            id: chunk.id,
            origin: "the server's store".to_owned(),
            reason: "the content does not match the id".to_owned(),
        };
        buffer.extend_from_slice(plain?.verify(self.digest).map_err(corrupt)?.as_bytes());
        Ok(())
    }
}

/// Keeps each thread of a build to its share of a processor: it rests after it has worked, as long as that takes.
#[derive(Debug)]
pub(super) struct Pace {
    /// Of a hundred parts of the time, how many are for work.
    percent: u32,
    pub(super) cancel: Cancel,
    /// In milliseconds, all threads together.
    rested_ms: AtomicU64,
}

impl Pace {
    pub(super) fn new(percent: u32, cancel: Cancel) -> Self {
        Self { percent: percent.clamp(1, 100), cancel, rested_ms: AtomicU64::new(0) }
    }

    /// Rests for the work of this thread since its last rest. Time that it has waited counts as work.
    pub(super) fn rest(&self) {
        thread_local! {
            static SINCE: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
        }
        let now = Instant::now();
        let since = SINCE.get().unwrap_or(now);
        let mut rest = now.duration_since(since) * (100 - self.percent) / self.percent;
        if rest < LEAST_REST {
            SINCE.set(Some(since));
            return;
        }
        self.rested_ms.fetch_add(u64::try_from(rest.as_millis()).unwrap_or_default(), Ordering::Relaxed);
        while !rest.is_zero() && !self.cancel.is_cancelled() {
            let step = rest.min(REST_STEP);
            std::thread::sleep(step);
            rest -= step;
        }
        SINCE.set(Some(Instant::now()));
    }

    /// How long all threads together have rested.
    pub(super) fn rested(&self) -> Duration {
        Duration::from_millis(self.rested_ms.load(Ordering::Relaxed))
    }
}

impl Observer for Pace {
    /// After each section. Nobody waits for this observer: only its own build does.
    fn on_event(&self, event: Event) {
        if matches!(event, Event::Advanced { .. }) {
            self.rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works for about so long.
    fn work(pace: &Pace, time: Duration) -> Duration {
        let (begin, mut worked) = (Instant::now(), Duration::ZERO);
        while worked < time {
            let piece = Instant::now();
            while piece.elapsed() < Duration::from_millis(2) {}
            worked += piece.elapsed();
            pace.rest();
        }
        begin.elapsed()
    }

    #[test]
    fn share_of_the_time_is_kept() {
        let pace = Pace::new(25, Cancel::default());
        let all = work(&pace, Duration::from_millis(200));
        // 800 ms; a machine that is busy with other things makes it longer, never shorter than the rests.
        assert!(all >= Duration::from_millis(600), "{all:?}");
        assert!(pace.rested() >= Duration::from_millis(400), "{:?}", pace.rested());
    }

    #[test]
    fn whole_share_never_rests_and_an_end_cuts_a_rest_short() {
        let pace = Pace::new(100, Cancel::default());
        work(&pace, Duration::from_millis(60));
        assert_eq!(pace.rested(), Duration::ZERO);
        let pace = Arc::new(Pace::new(1, Cancel::default()));
        let ending = Arc::clone(&pace);
        let begin = Instant::now();
        let worker = std::thread::spawn(move || work(&ending, Duration::from_millis(100)));
        std::thread::sleep(Duration::from_millis(150));
        pace.cancel.cancel();
        worker.join().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
}
