//! Replaces damaged chunks from other sources, nearest first.
//!
//! A chunk from another store is verified, then copied as stored, so it keeps its compression level.

use super::{Checker, Sound};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::chunk::{ChunkId, Compressor};
use crate::limits;
use crate::local::sources::{Remote, Sources, WantedChunk};
use crate::local::store::LocalStore;

/// zstd level for chunks that come uncompressed from a seed: that of casync and desync.
const LEVEL: i32 = 3;

/// Most bodies from a remote that wait for verification.
const QUEUE: usize = 4;

/// Replaces or removes each of `damaged`, which is in order; returns the replaced ones, in order.
///
/// # Errors
/// If the remote cannot be reached, or the run is cancelled: then no chunk was removed, and those that had been fetched
/// until then are replaced.
pub(super) fn repair(
    store: &LocalStore,
    damaged: &[ChunkId],
    sources: &Sources,
    checker: &Checker,
    monitor: &Monitor,
) -> Result<Vec<ChunkId>> {
    let mut repaired = Vec::new();
    let mut far = Vec::new();
    for id in damaged {
        monitor.cancel.check()?;
        match find_local(*id, sources, checker, monitor)? {
            Some(sound) => {
                store.put(&sound.stored)?;
                repaired.push(*id);
            }
            None => far.push(*id),
        }
    }
    if let Some(remote) = &sources.remote {
        repaired.extend(fetch(store, far, remote.as_ref(), checker, monitor)?);
    }
    repaired.sort_unstable();
    for id in damaged {
        if repaired.binary_search(id).is_err() {
            store.remove(id)?;
        }
    }
    Ok(repaired)
}

fn find_local(id: ChunkId, sources: &Sources, checker: &Checker, monitor: &Monitor) -> Result<Option<Sound>> {
    for seed in &sources.seeds {
        match seed.read(&id, Vec::new()) {
            Ok(Some(plain)) => {
                let digest = seed.index().digest();
                if let Ok(chunk) = plain.verify(digest).or_else(|plain| {
                    let plain = crate::formats::chunk::Chunk::new(id, plain);
                    plain.verify(digest.other())
                }) {
                    let stored = Compressor::new(LEVEL)?.compress(&chunk)?;
                    return Ok(Some(Sound { stored, plain_bytes: chunk.as_bytes().len() as u64 }));
                }
            }
            Ok(None) => {}
            Err(error) => monitor.warn(&error),
        }
    }
    for store in sources.stores.iter().chain(&sources.caches) {
        match checker.read(store, id) {
            Ok(Some(sound)) => return Ok(Some(sound)),
            Ok(None) => {}
            Err(error) => monitor.warn(&error),
        }
    }
    Ok(None)
}

/// Fetches those of `wanted` that the remote has. The remote stops at the first one that it lacks, so that one is
/// dropped and the rest requested again.
fn fetch(
    store: &LocalStore,
    mut wanted: Vec<ChunkId>,
    remote: &dyn Remote,
    checker: &Checker,
    monitor: &Monitor,
) -> Result<Vec<ChunkId>> {
    let mut repaired = Vec::new();
    while !wanted.is_empty() {
        monitor.cancel.check()?;
        let (got, outcome) = fetch_once(store, &wanted, remote, checker, monitor)?;
        wanted.retain(|id| !got.contains(id));
        repaired.extend(got);
        match outcome {
            Err(Error::ChunkMissing { id, .. } | Error::ChunkCorrupt { id, .. }) if wanted.contains(&id) => {
                wanted.retain(|other| *other != id);
            }
            // It is not known which of the rest the remote has, so none is removed.
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    Ok(repaired)
}

fn fetch_once(
    store: &LocalStore,
    wanted: &[ChunkId],
    remote: &dyn Remote,
    checker: &Checker,
    monitor: &Monitor,
) -> Result<(Vec<ChunkId>, Result<()>)> {
    // Without an index, the plain sizes are unknown.
    let wants: Vec<WantedChunk> =
        wanted.iter().map(|id| WantedChunk { id: *id, size: limits::MAX_CHUNK_BYTES }).collect();
    let (sender, deliveries) = crossbeam_channel::bounded(QUEUE);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| remote.fetch(&wants, sender, monitor).map(drop));
        let mut got = Vec::new();
        for delivery in deliveries {
            let outcome = checker.check(delivery.chunk, &delivery.origin);
            match outcome {
                Ok(sound) => {
                    got.push(sound.stored.id());
                    store.put(&sound.stored)?;
                    (delivery.verdict)(Ok(()));
                }
                Err(error) => {
                    monitor.warn(&error);
                    (delivery.verdict)(Err(error));
                }
            }
        }
        let stopped = || Err(Error::unsupported("a source that stops without an error"));
        Ok((got, fetching.join().unwrap_or_else(|_| stopped())))
    })
}
