//! The threads that unpack: a section is decompressed against its prefix, and each of its chunks is verified.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_channel::Receiver;
use rayon::prelude::*;

use super::part::Part;
use super::{Task, Work, clamp};
use crate::error::{Error, Format, Result};
use crate::event::{Event, Phase};
use crate::formats::bundle::{ChunkSource, Section, decompress, read_ranges};
use crate::formats::chunk::{Chunk, ChunkId, Compressor, DigestAlgorithm};
use crate::formats::index::{Index, IndexChunk};
use crate::local::offer::{BundleOffer, DeltaBase};
use crate::local::spool::Spool;

/// Memory for prefixes and contents of the sections being unpacked, in bytes. A larger section is unpacked alone.
const MAX_HELD_BYTES: u64 = 96 << 20;

/// zstd level for chunks that are written to the cache: that of casync and desync.
const CACHE_LEVEL: i32 = 3;

/// An intermediate version: its chunks are in the installed version or came out of the previous bundle.
struct InPlaces<'a> {
    old: &'a DeltaBase,
    spool: Option<&'a Spool>,
    digest: DigestAlgorithm,
}

impl ChunkSource for InPlaces<'_> {
    fn append(&self, chunk: IndexChunk, buffer: &mut Vec<u8>) -> Result<()> {
        if let Some(found) = self.old.seed.read(&chunk.id, Vec::new())? {
            buffer.extend_from_slice(found.as_unverified());
            return Ok(());
        }
        let kept = self.spool.map(|spool| spool.get(&chunk.id, self.digest, Vec::new())).transpose()?.flatten();
        let missing = || Error::ChunkMissing { id: chunk.id, origins: "the previous bundle".to_owned() };
        buffer.extend_from_slice(kept.ok_or_else(missing)?.as_bytes());
        Ok(())
    }
}

/// What happened to a chunk.
enum Given {
    Now,
    /// It is not wanted, or was already supplied.
    Before,
    /// Its bytes do not match its id.
    Never,
}

/// The chunks of a section with their bytes, as far as the bytes suffice.
fn cut<'b>(section: &Section, index: &Index, plain: &'b [u8]) -> Vec<(IndexChunk, &'b [u8])> {
    let mut rest = plain;
    let next = |position| {
        let chunk = index.get(position)?;
        let (bytes, behind) = rest.split_at_checked(clamp(chunk.size(), usize::MAX))?;
        rest = behind;
        Some((chunk, bytes))
    };
    section.positions().map_while(next).collect()
}

impl<'a> Work<'a> {
    pub(super) fn unpack_all(&self, task: Task<'a>, receiver: &Receiver<Part<'a>>) {
        let (mut prefix, mut plain) = (Vec::new(), Vec::new());
        for part in receiver {
            if self.is_over() {
                self.stop.store(true, Ordering::Relaxed);
                return;
            }
            let bytes = part.section.prefix_bytes() + part.section.plain_bytes;
            self.hold(bytes);
            let outcome = self.unpack(task, &part, &mut prefix, &mut plain);
            if bytes > MAX_HELD_BYTES / 2 {
                (prefix, plain) = (Vec::new(), Vec::new());
            }
            self.let_go(bytes);
            part.done();
            if let Err(error) = outcome {
                self.fail(error);
                return;
            }
        }
    }

    /// Returns only errors of the sink. A faulty section is reported as a warning, and its chunks stay wanted.
    fn unpack(&self, task: Task<'_>, part: &Part<'_>, prefix: &mut Vec<u8>, plain: &mut Vec<u8>) -> Result<()> {
        let section = part.section;
        let unpacked = self.read_prefix(task.offer, section, prefix);
        let unpacked = unpacked.and_then(|()| decompress(&part.bytes, prefix, section.plain_bytes, plain));
        if let Err(error) = unpacked {
            self.monitor.warn(&error);
            return Ok(());
        }
        let to = &task.offer.to;
        section.filter.undo(plain, &to.layout, &section.stream_ranges(&to.index));
        let (bad, untold) = (AtomicUsize::new(0), AtomicU64::new(part.told_bytes));
        let take = |(chunk, bytes): &(IndexChunk, &[u8])| -> Result<()> {
            let is_wanted = self.wanted.get(&chunk.id) == Some(&chunk.size()) && !self.is_given(&chunk.id);
            let is_built_on = task.step.keep.contains(&chunk.id);
            if !is_wanted && !is_built_on {
                return Ok(());
            }
            match self.give(chunk.id, bytes, is_wanted, is_built_on)? {
                Given::Now => {
                    let after = |untold: u64| Some(untold.saturating_sub(chunk.size()));
                    let before = untold.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).unwrap_or(0);
                    let bytes = chunk.size().saturating_sub(before);
                    self.monitor.emit(Event::Advanced { phase: Phase::Assemble, bytes });
                }
                Given::Before => {}
                Given::Never => _ = bad.fetch_add(1, Ordering::Relaxed),
            }
            Ok(())
        };
        // There may be only one section but several threads.
        self.pool.install(|| cut(section, &to.index, plain).par_iter().try_for_each(take))?;
        let bad = bad.into_inner();
        if bad > 0 {
            let reason = format!("{bad} chunks of a section do not match their ids");
            self.monitor.warn(&Error::malformed(Format::Bundle, 0, reason));
        }
        Ok(())
    }

    fn read_prefix(&self, offer: &BundleOffer, section: &Section, prefix: &mut Vec<u8>) -> Result<()> {
        prefix.clear();
        let Some(old) = &offer.old else { return Ok(()) };
        let between = InPlaces { old, spool: self.ends.spool, digest: self.ends.digest.current() };
        let source: &dyn ChunkSource = if old.between.is_none() { &*old.seed } else { &between };
        read_ranges(old.index(), source, &section.prefix, prefix)?;
        section.filter.apply(prefix, old.layout(), &section.prefix);
        Ok(())
    }

    fn is_given(&self, id: &ChunkId) -> bool {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn give(&self, id: ChunkId, bytes: &[u8], is_wanted: bool, is_built_on: bool) -> Result<Given> {
        let ends = &self.ends;
        let Ok(chunk) = ends.digest.verify(Chunk::new(id, bytes.to_vec()), id, self.monitor) else {
            return Ok(Given::Never);
        };
        if let (true, Some(spool)) = (is_built_on, ends.spool) {
            spool.put(&chunk)?;
        }
        // The same chunk may occur twice and reach two threads.
        if !is_wanted || !self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return Ok(Given::Before);
        }
        ends.sink.accept(&chunk)?;
        if ends.cached.write_cache.is_some() {
            ends.cached.remember(&Compressor::new(CACHE_LEVEL)?.compress(&chunk)?, self.monitor);
        }
        Ok(Given::Now)
    }

    fn hold(&self, bytes: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held > 0 && *held + bytes > MAX_HELD_BYTES {
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held += bytes;
    }

    fn let_go(&self, bytes: u64) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.freed.notify_all();
    }
}
