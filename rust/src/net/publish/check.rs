//! Checks a version before it is published: the preflight, and the paths that the release document names.

use std::ops::Range;

use super::Request;
use super::build::Built;
use super::history::{History, PreviousRelease};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::archive::NodeKind;
use crate::formats::chunk::{Decompressor, DigestAlgorithm};
use crate::local::preflight::{self, Finding, Input, Previous, PreviousFile};
use crate::local::sources::WantedChunk;
use crate::path::RelPath;

pub(super) fn check(
    request: &Request,
    built: &Built,
    before: Option<&PreviousRelease>,
    past: &dyn History,
    monitor: &Monitor,
) -> Result<Vec<Finding>> {
    let files = before.map(files).unwrap_or_default();
    let read = |path: &RelPath, range: Range<u64>| match before {
        Some(before) => read(before, past, path, range),
        None => Ok(Vec::new()),
    };
    let version = request.version.to_string();
    let input = Input {
        root: built.root(),
        layout: built.table.layout(),
        platform: request.platform.as_str(),
        entry: Some(&request.entry.path),
        version: &version,
        previous: before.map(|_| Previous { files: &files, read: Some(&read) }),
    };
    let findings = preflight::check(&input, monitor)?;
    if built.table.find(&request.entry.path).is_none() {
        let reason = format!("{} is not a file of the build", request.entry.path);
        return Err(Error::Invalid { what: "entry", reason });
    }
    for path in &request.mutable {
        if built.table.find(path).is_none() {
            return Err(Error::Invalid { what: "mutable", reason: format!("{path} is not a file of the build") });
        }
    }
    if request.strict && !findings.is_empty() {
        for finding in &findings {
            monitor.warn(&Error::Invalid { what: finding.code, reason: finding.message.clone() });
        }
        return Err(Error::LintFailed { findings: findings.len() as u64 });
    }
    Ok(findings)
}

fn files(before: &PreviousRelease) -> Vec<PreviousFile> {
    let file = |(node, path, size, digest): (usize, &RelPath, u64, crate::digest::Digest)| {
        let metadata = &before.table.layout().nodes()[node].metadata;
        let (mode, mtime_ns) = (metadata.mode & 0o7777, metadata.mtime_ns);
        PreviousFile { path: path.clone(), size, mode, sha256: digest.0, mtime_ns }
    };
    before.table.files().map(file).collect()
}

/// Reads a range of a file of the previous version from its chunks.
fn read(before: &PreviousRelease, past: &dyn History, path: &RelPath, range: Range<u64>) -> Result<Vec<u8>> {
    let missing = || Error::Invalid { what: "file", reason: format!("{path} is not in the previous version") };
    let node = before.table.find(path).ok_or_else(missing)?;
    let NodeKind::File { payload } = &before.table.layout().nodes()[node].kind else { return Err(missing()) };
    let wanted = (payload.start + range.start)..(payload.start + range.end).min(payload.end);
    let mut decompressor = Decompressor::new()?;
    let mut bytes = Vec::new();
    for chunk in before.index.positions(wanted.clone()).filter_map(|at| before.index.get(at)) {
        let want = WantedChunk { id: chunk.id, size: chunk.size() };
        let gone = || Error::ChunkMissing { id: chunk.id, origins: past.store() };
        let stored = past.chunk(&want)?.ok_or_else(gone)?;
        let plain = decompressor.decompress(&stored, want.size, Vec::new())?;
        let digest: DigestAlgorithm = before.index.digest();
        let corrupt = |_| Error::ChunkCorrupt {
            id: chunk.id,
            origin: past.store(),
            reason: "the content does not match the id".to_owned(),
        };
        let plain = plain.verify(digest).map_err(corrupt)?;
        let from = wanted.start.max(chunk.start) - chunk.start;
        let to = wanted.end.min(chunk.end) - chunk.start;
        let place = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        bytes.extend_from_slice(plain.as_bytes().get(place).unwrap_or_default());
    }
    Ok(bytes)
}
