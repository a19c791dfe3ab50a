//! Reads the layout of the wanted archive before its content.
//!
//! A bare store has no file table. So the archive is read from its end: one directory table names all its children, so
//! each level of folders costs one round of requests, however wide it is. The chunks read here are kept for the
//! assembler, so none is downloaded twice.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use super::{IndexKind, Request};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::archive::{Layout, Walk};
use crate::formats::chunk::{ChunkId, VerifiedChunk};
use crate::limits;
use crate::local::acquire::{self, DigestChoice, Sink};
use crate::local::disk::{self, Durability};
use crate::local::plan::Summary;
use crate::local::receipt::Receipt;
use crate::local::sources::{Sources, Transfer, WantedChunk};
use crate::local::spool::Spool;
use crate::local::staging::Intent;

pub(super) struct Reader<'a> {
    pub(super) request: &'a Request,
    pub(super) sources: &'a Sources,
    pub(super) spool: &'a Spool,
    pub(super) digest: &'a DigestChoice,
    pub(super) monitor: &'a Monitor,
}

/// The cost of reading the layout. Its chunks are in the spool now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looked {
    pub(super) chunks: u64,
    pub(super) plain_bytes: u64,
    pub(super) transfer: Transfer,
}

impl Looked {
    /// A plan made after reading the layout counts only what remains; this adds the cost of reading it.
    pub(super) fn add_to(&self, summary: &mut Summary) {
        summary.fetch_chunks += self.chunks;
        summary.fetch_plain_bytes += self.plain_bytes;
        summary.requests += self.transfer.requests;
    }
}

struct ToSpool<'a>(&'a Spool);

impl Sink for ToSpool<'_> {
    fn accept(&self, chunk: &VerifiedChunk) -> Result<()> {
        self.0.put(chunk)
    }
}

impl Reader<'_> {
    /// The layout, with the cost of reading it.
    pub(super) fn read(&self, receipt: Option<&Receipt>, staging: &Path, intent: Intent) -> Result<(Layout, Looked)> {
        if self.request.content == IndexKind::Blob {
            return Ok((Layout::blob(self.request.index.stream_bytes()), Looked::default()));
        }
        if let Some(receipt) = receipt.filter(|receipt| receipt.index == self.request.index) {
            return Ok((receipt.layout.clone(), Looked::default()));
        }
        let saved = staging.join("layout");
        if let Some(layout) = load(&saved).filter(|it| it.stream_bytes() == self.request.index.stream_bytes()) {
            return Ok((layout, Looked::default()));
        }
        self.monitor.emit(Event::Started { phase: Phase::ReadLayout, total_bytes: 0 });
        let (layout, looked) = self.walk()?;
        self.monitor.emit(Event::Finished { phase: Phase::ReadLayout });
        if intent == Intent::Apply {
            disk::create_directory(staging)?;
            save(&saved, &layout)?;
        }
        Ok((layout, looked))
    }

    fn walk(&self) -> Result<(Layout, Looked)> {
        let mut walk = Walk::new(self.request.index.stream_bytes())?;
        let mut looked = Looked::default();
        while !walk.wants().is_empty() {
            self.fill_spool(walk.wants(), &mut looked)?;
            let mut last = None;
            walk.advance(&mut |range| self.read_range(range, &mut last).map(Some))?;
        }
        Ok((walk.finish()?, looked))
    }

    fn fill_spool(&self, ranges: &[Range<u64>], looked: &mut Looked) -> Result<()> {
        let index = &self.request.index;
        let mut seen: HashSet<ChunkId> = HashSet::new();
        let mut wanted = Vec::new();
        for chunk in ranges.iter().flat_map(|range| index.positions(range.clone())).filter_map(|at| index.get(at)) {
            if seen.insert(chunk.id) && !self.spool.has(&chunk.id) {
                wanted.push(WantedChunk { id: chunk.id, size: chunk.size() });
            }
        }
        for want in wanted.iter().filter(|want| !self.sources.seeds.iter().any(|seed| seed.has(&want.id))) {
            looked.chunks += 1;
            looked.plain_bytes += want.size;
        }
        let got = acquire::acquire(self.sources.into(), &wanted, self.digest, &ToSpool(self.spool), self.monitor)?;
        looked.transfer.requests += got.requests;
        looked.transfer.received_bytes += got.received_bytes;
        Ok(())
    }

    /// Bytes of the stream. `last` is the chunk read before, which neighbouring ranges usually share.
    fn read_range(&self, range: Range<u64>, last: &mut Option<VerifiedChunk>) -> Result<Vec<u8>> {
        let index = &self.request.index;
        let mut bytes = Vec::new();
        for chunk in index.positions(range.clone()).filter_map(|at| index.get(at)) {
            if last.as_ref().is_none_or(|last| last.id() != chunk.id) {
                *last = self.spool.get(&chunk.id, self.digest.current(), Vec::new())?;
            }
            let plain = last.as_ref().map(VerifiedChunk::as_bytes).filter(|plain| plain.len() as u64 == chunk.size());
            let Some(plain) = plain else {
                return Err(Error::ChunkMissing { id: chunk.id, origins: "the spool".into() });
            };
            let from = range.start.max(chunk.start) - chunk.start;
            let to = range.end.min(chunk.end) - chunk.start;
            // Both positions are within the chunk, whose bytes are in memory.
            bytes.extend_from_slice(&plain[usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0)]);
        }
        Ok(bytes)
    }
}

fn save(path: &Path, layout: &Layout) -> Result<()> {
    let plain = serde_json::to_vec(layout).map_err(|e| Error::unsupported(e.to_string()))?;
    let packed = zstd::bulk::compress(&plain, 1).map_err(Error::io("pack", path))?;
    // If a power cut damages it, it does not unpack, and the layout is read from the store again.
    disk::write_atomic(path, &packed, Durability::Kill)
}

/// The layout that an earlier run stored. If it is damaged in any way, it is read again.
fn load(path: &Path) -> Option<Layout> {
    let packed = disk::read_if_exists(path, limits::MAX_RECEIPT_BYTES).ok()??;
    let reader = zstd::stream::Decoder::new(packed.as_slice()).ok()?;
    serde_json::from_reader(std::io::Read::take(reader, limits::MAX_RECEIPT_BYTES * 4)).ok()
}
