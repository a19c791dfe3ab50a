//! Checks a version before anything of it is stored or sent: the preflight, and the paths that the release document
//! names.

use std::ops::{Deref, Range};
use std::path::Path;

use super::build::Gathered;
use super::history::{self, History, PreviousRelease};
use super::{Destination, Request};
use crate::error::{Error, Refused, Result};
use crate::event::{Event, Monitor};
use crate::formats::archive::{Layout, NodeKind};
use crate::formats::chunk::{Decompressor, DigestAlgorithm};
use crate::formats::release::{Catalog, Platform};
use crate::local::disk;
use crate::local::preflight::{self, Finding, Input, Previous, PreviousFile, Severity};
use crate::local::sources::WantedChunk;
use crate::path::RelPath;
use crate::text;

/// A request whose content was found good, and its platform.
pub(super) struct Job<'a> {
    request: &'a Request,
    pub(super) platform: Platform,
    pub(super) findings: Vec<Finding>,
}

impl Deref for Job<'_> {
    type Target = Request;

    fn deref(&self) -> &Request {
        self.request
    }
}

impl<'a> Job<'a> {
    /// Checks everything that does not depend on what was published before.
    ///
    /// # Errors
    /// [`Error::LintFailed`] if a finding prevents publishing, [`Error::NotThere`] for an entry or mutable file that is
    /// not in the tree, [`Error::Invalid`] for a code to allow that no finding has, or a platform that is not given and
    /// cannot be told.
    pub(super) fn check(request: &'a Request, gathered: &Gathered, monitor: &Monitor) -> Result<Self> {
        check_codes(request)?;
        let (root, layout) = (gathered.root(), gathered.layout());
        let own_files = own_files(request, gathered);
        let own = preflight::own_files(root, layout, &own_files)?;
        let found = check_paths(request, layout).and_then(|()| platform(request, root, layout));
        let platform = match found {
            Ok(platform) => platform,
            Err(error) => {
                // The publisher's own keys in the tree matter more.
                let found = [own, preflight::unsafe_paths(gathered.refused())].concat();
                refuse(request, &found, monitor)?;
                return Err(error);
            }
        };
        let mut job = Self { request, platform, findings: own };
        job.findings.extend(preflight::unsafe_paths(gathered.refused()));
        job.findings.extend(preflight::skipped(gathered.skipped()));
        job.findings.extend(preflight::texts(&job.texts()));
        let version = request.version.to_string();
        let own: Vec<&Path> = own_files.iter().map(|(_, path)| *path).collect();
        let found = preflight::check(&job.input(root, layout, &version), monitor)?;
        // One finding says of a whole folder of keys that it is there.
        let is_own = |finding: &Finding| is_secret(finding) && is_below(root, finding, &own);
        job.findings.extend(found.into_iter().filter(|finding| !is_own(finding)));
        refuse(request, &job.findings, monitor)?;
        Ok(job)
    }

    /// A job for content that was published before, and is not checked again.
    pub(super) fn unchecked(request: &'a Request, platform: Platform) -> Self {
        Self { request, platform, findings: Vec::new() }
    }

    /// Compares the version with what is published, unless it is itself published already.
    ///
    /// # Errors
    /// [`Error::LintFailed`] if a finding prevents publishing; those of `past`.
    pub(super) fn compare(
        &mut self,
        gathered: &Gathered,
        past: &dyn History,
        (catalog, before): (&Catalog, Option<&PreviousRelease>),
        monitor: &Monitor,
    ) -> Result<()> {
        let mut found = Vec::new();
        if let Some(newest) = history::newest_on_offer(catalog, self).filter(|_| !self.skip_update)
            && history::same(past, self)?.is_none()
        {
            found.extend(preflight::check_order(&self.version, &newest));
        }
        if let Some(before) = before {
            let files = files(before);
            let read = |path: &RelPath, range: Range<u64>| read(before, past, path, range);
            let version = self.version.to_string();
            let mut input = self.input(gathered.root(), gathered.layout(), &version);
            input.previous = Some(Previous { files: &files, read: Some(&read) });
            found.extend(preflight::compare(&input, monitor)?);
        }
        let is_new = !found.is_empty();
        self.findings.extend(found);
        if is_new { refuse(self.request, &self.findings, monitor) } else { Ok(()) }
    }

    /// The texts that are published besides the tree.
    fn texts(&self) -> Vec<(&str, &str)> {
        let arguments = self.request.entry.arguments.iter().map(|text| ("An argument of the entry", text.as_str()));
        arguments.chain([("The release notes", self.request.notes.as_str())]).collect()
    }

    fn input<'i>(&'i self, root: &'i Path, layout: &'i Layout, version: &'i str) -> Input<'i> {
        let (platform, entry) = (self.platform.as_str(), Some(&self.request.entry.path));
        Input { root, layout, platform, entry, version, previous: None }
    }
}

fn check_codes(request: &Request) -> Result<()> {
    let unknown = request.allowed.iter().find(|code| !preflight::is_code(code));
    unknown.map_or(Ok(()), |code| {
        let codes = preflight::codes();
        let meant = text::closest(code, &codes).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
        let reason = format!("no finding has the code {code:?}{meant}; there are {}", codes.join(", "));
        Err(Error::invalid("code to allow", reason))
    })
}

/// The publisher's own files, each as the subject of a sentence.
fn own_files<'a>(request: &'a Request, gathered: &Gathered) -> Vec<(&'a str, &'a Path)> {
    // The tree of an index lies in a folder of ours.
    if gathered.is_imported() {
        return Vec::new();
    }
    let mut own: Vec<(&str, &Path)> = vec![("The key folder", request.keys.path())];
    if let Destination::Folder(folder) = &request.repository {
        own.push(("The repository", folder));
    }
    own.extend(request.private.iter().map(|(what, path)| (what.as_str(), path.as_path())));
    own
}

fn check_paths(request: &Request, layout: &Layout) -> Result<()> {
    let is_file = |path: &RelPath| {
        let node = layout.nodes().iter().find(|node| node.path.as_ref() == Some(path));
        node.is_some_and(|node| matches!(node.kind, NodeKind::File { .. }))
    };
    let named = request.mutable.iter().map(|path| ("mutable file", path));
    for (what, path) in std::iter::once(("entry", &request.entry.path)).chain(named) {
        if !is_file(path) {
            let files = layout.nodes().iter().filter(|node| matches!(node.kind, NodeKind::File { .. }));
            let files: Vec<String> = files.filter_map(|node| Some(node.path.as_ref()?.to_string())).collect();
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let meant = text::closest(&path.to_string(), &files).map(|meant| format!("; did you mean {meant}?"));
            let meant = meant.unwrap_or_default();
            return Err(Error::not_there(format!("The {what} {path} is not a file of the build{meant}")));
        }
    }
    Ok(())
}

fn platform(request: &Request, root: &Path, layout: &Layout) -> Result<Platform> {
    match &request.platform {
        Some(platform) => Ok(platform.clone()),
        None => preflight::platform_of(root, layout, &request.entry.path, &Platform::current()),
    }
}

/// Fails if one of the findings prevents publishing, and then reports all of them.
fn refuse(request: &Request, findings: &[Finding], monitor: &Monitor) -> Result<()> {
    let prevents = |finding: &&Finding| {
        let is_allowed = || request.allowed.iter().any(|code| code == finding.code);
        match finding.severity {
            _ if is_meant(request, finding) => false,
            Severity::Refused => true,
            Severity::Blocking => !is_allowed(),
            Severity::Warning => request.strict && !is_allowed(),
        }
    };
    let mut codes: Vec<&str> = findings.iter().filter(prevents).map(|finding| finding.code).collect();
    if codes.is_empty() {
        return Ok(());
    }
    let count = codes.len() as u64;
    for finding in findings {
        let Finding { code, severity, path, message, hint } = finding.clone();
        let can_be_allowed = severity != Severity::Refused;
        monitor.emit(Event::Found { code, prevents: prevents(&finding), can_be_allowed, path, message, hint });
    }
    codes.dedup();
    let refused = findings.iter().filter(prevents).map(refused).collect();
    Err(Error::LintFailed { findings: count, codes: codes.join(", "), refused })
}

fn refused(finding: &Finding) -> Refused {
    let is_secret = is_secret(finding) && finding.path.is_some();
    let can_be_allowed = finding.severity != Severity::Refused || is_secret;
    Refused { code: finding.code, path: finding.path.clone(), hint: finding.hint, can_be_allowed }
}

fn is_secret(finding: &Finding) -> bool {
    matches!(finding.code, "secret" | "possible_secret")
}

/// Whether a finding is about one of these files, or something in one of these folders.
fn is_below(root: &Path, finding: &Finding, folders: &[&Path]) -> bool {
    let Some(path) = finding.path.as_ref().and_then(|path| disk::canonicalize(&root.join(path)).ok()) else {
        return false;
    };
    folders.iter().filter_map(|folder| disk::canonicalize(folder).ok()).any(|folder| path.starts_with(folder))
}

/// Whether this is a secret, or what looks like one, that the publisher has named.
fn is_meant(request: &Request, finding: &Finding) -> bool {
    let named = |path: &String| request.allowed_secrets.iter().any(|allowed| allowed.to_string() == *path);
    is_secret(finding) && finding.path.as_ref().is_some_and(named)
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
    let missing = || Error::invalid("file", format!("{path} is not in the previous version"));
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
        let corrupt = |_| Error::chunk_corrupt(chunk.id, past.store(), "the content does not match the id");
        let plain = plain.verify(digest).map_err(corrupt)?;
        let from = wanted.start.max(chunk.start) - chunk.start;
        let to = wanted.end.min(chunk.end) - chunk.start;
        let place = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        bytes.extend_from_slice(plain.as_bytes().get(place).unwrap_or_default());
    }
    Ok(bytes)
}
