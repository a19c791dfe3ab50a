//! Checks a tree before it is published, for faults that occurred in real builds.
//!
//! | code | weight | finding |
//! |---|---|---|
//! | `tree_empty` | warning | no files: the build failed unnoticed |
//! | `version_not_canonical` | warning | the version is not `SemVer`, or would sort wrongly |
//! | `version_extreme` | blocking | a number so large that hardly any version can follow |
//! | `version_lower` | blocking | lower than the newest version of the mode: no player would be offered it |
//! | `entry_missing` | warning | the entry is not in the tree |
//! | `entry_not_file` | warning | the entry is a folder, a link or a device |
//! | `entry_not_program` | blocking | the entry is not a program, or is one for another platform |
//! | `wrong_platform` | warning | a program or library for another system or machine |
//! | `program_missing` | warning | no program for this platform |
//! | `program_not_executable` | warning | a program without exec bit, on a system that needs one |
//! | `program_empty` | warning | an empty program, library or pack |
//! | `exec_bit_lost` | warning | a file that was executable in the previous version, and is not in this one |
//! | `case_collision` | refused | two names that are the same on some disks: in case, or in Unicode form |
//! | `link_unsupported` | refused | a link, in a tree for Windows |
//! | `path_too_long` | refused | a path that leaves no room for the folder of an install |
//! | `special_file` | warning | a pipe, socket or device, which is left out |
//! | `duplicate_file` | warning | two large files with the same content |
//! | `pack_churn` | warning | a Godot pack whose bytes changed although its files did not |
//! | `time_churn` | warning | files of which only the recorded time changed |
//! | `secret` | refused | a private key, a token, a file of passwords, or the history of the sources |
//! | `unsafe_path` | refused | a name that some system cannot have, or a link that leaves the tree |
//! | `publisher_file` | refused | the publisher's own keys, repository, token or settings |
//! | `possible_secret` | blocking | a file that may be a key or password, and may be harmless |
//! | `litter` | warning | `.godot`, `.vsekai` and files of the desktop |
//!
//! The weight says what a finding does: a *warning* prevents publishing only if the publisher asked for that, a
//! *blocking* one unless the publisher allows its code, and a *refused* one always. What a platform cannot hold
//! (`case_collision`, `path_too_long`) is a warning for Linux, which can.
//!
//! Reads only, and changes nothing. It reads the first 4 KiB of most files and the whole of small ones; it reads large
//! files only if their size suggests that two are the same. At most [`MAX_FINDINGS_PER_CODE`] of a kind are listed
//! individually.

mod binary;
mod content;
mod der;
mod names;
mod own_files;
mod pck;
mod platform;
mod programs;
mod rules;
mod secrets;
mod tokens;
mod versions;

// The trees in these tests need exec bits, which Windows does not have.
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::local::disk;
use crate::local::tree::{Skipped, Unsafe};
use crate::path::RelPath;

use binary::{System, Target};
pub use own_files::own_files;
pub use platform::platform_of;
pub use rules::{Finding, MAX_FINDINGS_PER_CODE, Severity, codes, is_code};
use rules::{Findings, Rule};
pub use versions::check_order;

/// The tree to check, and what it is to be published as.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The tree's folder on disk.
    pub root: &'a Path,
    /// The tree as it would be published: modes and times come from here.
    pub layout: &'a Layout,
    /// `linux-x86_64`, `linux-aarch64`, `windows-x86_64` or `macos-universal`.
    pub platform: &'a str,
    /// The program that the launcher would start.
    pub entry: Option<&'a RelPath>,
    /// The version as the publisher wrote it.
    pub version: &'a str,
    /// The version published before it, for rules that compare.
    pub previous: Option<Previous<'a>>,
}

/// The version before the one that is checked.
#[derive(Clone, Copy)]
pub struct Previous<'a> {
    /// Its regular files, in any order: the rows of its file table.
    pub files: &'a [PreviousFile],
    /// Reads bytes of one of those files, from its chunks or from disk. Without it, packs are not compared.
    pub read: Option<ReadPrevious<'a>>,
}

/// Returns exactly the bytes of this range of a file; at most 32 MiB.
pub type ReadPrevious<'a> = &'a dyn Fn(&RelPath, Range<u64>) -> Result<Vec<u8>>;

impl std::fmt::Debug for Previous<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Previous({} files)", self.files.len())
    }
}

/// A regular file of the previous version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousFile {
    /// Its path in the tree.
    pub path: RelPath,
    /// Its length in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Its published modification time, in nanoseconds since 1970; 0 if it has none.
    pub mtime_ns: u64,
}

/// Checks a tree. Findings are in the order of the table's codes, then by path.
///
/// # Errors
/// `Invalid` for an unknown platform, `Io` for a file that cannot be read or differs from the layout, `Cancelled`, and
/// the errors of [`Previous::read`].
pub fn check(input: &Input<'_>, monitor: &Monitor) -> Result<Vec<Finding>> {
    let target = Target::parse(input.platform)?;
    let mut findings = Findings::of(target.system);
    versions::check(input.version, &mut findings);
    let files = files_of(input);
    if files.is_empty() {
        findings.add(Rule::TreeEmpty, None, "The tree has no files.".into());
        return Ok(findings.finish());
    }
    names::check(input.layout, target.system, &mut findings);
    let mut programs = programs::Programs::new(input, target);
    for file in &files {
        monitor.cancel.check()?;
        let text = file.text()?;
        programs.look_at(file, &text, &mut findings);
        secrets::look_at(file, &text, &mut findings);
    }
    programs.finish(&mut findings);
    content::duplicates(&files, monitor, &mut findings)?;
    compare_with(input, target, &files, monitor, &mut findings)?;
    Ok(findings.finish())
}

/// Only those checks of [`check`] that compare the tree with the previous version.
///
/// # Errors
/// As [`check`].
pub fn compare(input: &Input<'_>, monitor: &Monitor) -> Result<Vec<Finding>> {
    let target = Target::parse(input.platform)?;
    let mut findings = Findings::of(target.system);
    compare_with(input, target, &files_of(input), monitor, &mut findings)?;
    Ok(findings.finish())
}

fn compare_with(
    input: &Input<'_>,
    target: Target,
    files: &[Entry<'_>],
    monitor: &Monitor,
    findings: &mut Findings,
) -> Result<()> {
    let Some(previous) = input.previous else { return Ok(()) };
    programs::compare_modes(input, target, previous, files, findings)?;
    content::compare(previous, files, monitor, findings)
}

fn files_of<'a>(input: &Input<'a>) -> Vec<Entry<'a>> {
    input.layout.nodes().iter().filter_map(|node| Entry::of(node, input.root)).collect()
}

/// One finding for each of these texts, which are published with the tree, that has a key or token. Each comes with its
/// name, as the subject of a sentence.
pub fn texts(published: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Findings::of(System::Linux);
    for (what, text) in published {
        if let Some(found) = tokens::find(text.as_bytes()) {
            let rule = if found.is_certain { Rule::Secret } else { Rule::PossibleSecret };
            findings.add(rule, None, format!("{what}: {} in line {}.", found.what, found.line(text.as_bytes())));
        }
    }
    findings.finish()
}

/// One finding for each name and link that no tree may have.
pub fn unsafe_paths(entries: &[Unsafe]) -> Vec<Finding> {
    let mut findings = Findings::of(System::Linux);
    for Unsafe { name, reason } in entries {
        findings.add(Rule::UnsafePath, None, format!("{name:?} is refused: {reason}."));
    }
    findings.finish()
}

/// One finding for each entry that is not published because archives cannot hold it.
pub fn skipped(entries: &[Skipped]) -> Vec<Finding> {
    let mut findings = Findings::of(System::Linux);
    for entry in entries {
        findings.add(
            Rule::SpecialFile,
            Some(&entry.path),
            format!("{} is {} and is left out.", entry.path, entry.what),
        );
    }
    findings.finish()
}

/// A regular file of the tree.
#[derive(Debug)]
struct Entry<'a> {
    path: &'a RelPath,
    mode: u32,
    size: u64,
    mtime_ns: u64,
    on_disk: PathBuf,
}

impl<'a> Entry<'a> {
    fn of(node: &'a Node, root: &Path) -> Option<Self> {
        let (Some(path), NodeKind::File { .. }) = (&node.path, &node.kind) else { return None };
        let (mode, mtime_ns) = (node.metadata.mode, node.metadata.mtime_ns);
        Some(Self { path, mode, size: node.payload_bytes(), mtime_ns, on_disk: path.below(root) })
    }

    fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }

    fn open(&self) -> Result<File> {
        disk::open(&self.on_disk)
    }

    fn read(&self, file: &File, range: Range<u64>) -> Result<Vec<u8>> {
        // Callers ask for no more than their own caps.
        let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
        disk::read_exact_at(file, &self.on_disk, range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// What the formats of programs are recognized by.
    fn beginning(&self) -> Result<Vec<u8>> {
        self.read(&self.open()?, 0..self.size.min(binary::HEAD_BYTES as u64))
    }

    /// What the rules about content look at: the whole of a small file, the beginning of a larger one.
    fn text(&self) -> Result<Vec<u8>> {
        let file = self.open()?;
        if self.size <= secrets::MAX_SMALL_BYTES {
            return self.read(&file, 0..self.size);
        }
        let head = self.read(&file, 0..binary::HEAD_BYTES as u64)?;
        if secrets::is_text(&head) { self.read(&file, 0..self.size.min(secrets::MAX_TEXT_BYTES)) } else { Ok(head) }
    }
}
