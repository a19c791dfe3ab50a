//! Checks a tree before it is published, for faults that occurred in real builds.
//!
//! | code | finding |
//! |---|---|
//! | `tree_empty` | no files: the build failed unnoticed |
//! | `version_not_canonical` | the version is not `SemVer`, or would sort wrongly |
//! | `entry_missing` | the entry is not in the tree |
//! | `entry_not_file` | the entry is a folder, a link or a device |
//! | `entry_not_program` | the entry is not a program, or is one for another platform |
//! | `entry_not_executable` | the entry has no exec bit, on a system that needs one |
//! | `wrong_platform` | a program or library for another system or machine |
//! | `program_missing` | no program for this platform |
//! | `program_not_executable` | a program without exec bit, on a system that needs one |
//! | `program_empty` | an empty program, library or pack |
//! | `exec_bit_lost` | a file that was executable in the previous version, and is not in this one |
//! | `case_collision` | two names that are the same on some disks |
//! | `duplicate_file` | two large files with the same content |
//! | `pack_churn` | a Godot pack whose bytes changed although its files did not |
//! | `time_churn` | files of which only the recorded time changed |
//! | `secret` | a file that contains or is named like a key or password |
//! | `litter` | `.git`, `.godot` and files of the desktop |
//!
//! Reads only, and changes nothing. It reads the first 4 KiB of most files and the whole of small ones; it reads large
//! files only if their size suggests that two are the same. Findings are advice: the caller decides whether one
//! prevents publishing. At most [`MAX_FINDINGS_PER_CODE`] of a kind are listed individually.

mod binary;
mod content;
mod pck;
mod programs;
mod secrets;

// The trees in these tests need exec bits, which Windows does not have.
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::archive::{Layout, Node, NodeKind};
use crate::local::disk;
use crate::path::RelPath;
use crate::version::Version;

/// Most findings listed for one code; one more finding says how many were left out.
pub const MAX_FINDINGS_PER_CODE: usize = 25;

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

/// A problem that the publisher should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable code for scripts; see the table of this module.
    pub code: &'static str,
    /// The file or folder concerned, if there is one.
    pub path: Option<String>,
    /// The problem, as a sentence.
    pub message: String,
    /// How to fix it.
    pub hint: &'static str,
}

/// Checks a tree. Findings are in the order of the table's codes, then by path.
///
/// # Errors
/// `Invalid` for an unknown platform, `Io` for a file that cannot be read or differs from the layout, `Cancelled`, and
/// the errors of [`Previous::read`].
pub fn check(input: &Input<'_>, monitor: &Monitor) -> Result<Vec<Finding>> {
    let target = binary::Target::parse(input.platform)?;
    let mut findings = Findings::default();
    check_version(input.version, &mut findings);
    let files: Vec<_> = input.layout.nodes().iter().filter_map(|node| Entry::of(node, input.root)).collect();
    if files.is_empty() {
        findings.add(Rule::TreeEmpty, None, "The tree has no files.".into());
        return Ok(findings.finish());
    }
    check_names(input.layout, &mut findings);
    let mut programs = programs::Programs::new(input, target);
    for file in &files {
        monitor.cancel.check()?;
        let head = file.head()?;
        programs.look_at(file, &head, &mut findings);
        if file.size <= secrets::MAX_SEARCHED_BYTES {
            check_text(file, &head, &mut findings);
        }
    }
    programs.finish(&mut findings);
    content::check(input, &files, monitor, &mut findings)?;
    Ok(findings.finish())
}

fn check_version(version: &str, findings: &mut Findings) {
    let message = match Version::parse(version) {
        Err(error) => format!("{error}."),
        Ok(parsed) if !parsed.is_canonical() => match Version::canonical_of(version) {
            Some(canonical) => format!("{version} would not sort by its number; write it as {canonical}."),
            None => return,
        },
        Ok(_) => return,
    };
    findings.add(Rule::VersionNotCanonical, None, message);
}

fn check_names(layout: &Layout, findings: &mut Findings) {
    let mut seen: HashMap<String, &RelPath> = HashMap::new();
    for path in layout.nodes().iter().filter_map(|node| node.path.as_ref()) {
        if let Some((rule, what)) = secrets::by_name(path) {
            findings.add(rule, Some(path), format!("{path} is {what}."));
        }
        match seen.insert(path.folded(), path) {
            None => {}
            Some(other) => {
                let message = format!("{path} and {other} are the same name on Windows and macOS.");
                findings.add(Rule::CaseCollision, Some(path), message);
            }
        }
    }
}

fn check_text(file: &Entry<'_>, text: &[u8], findings: &mut Findings) {
    if let Some((line, what)) = secrets::in_text(text) {
        findings.add(Rule::Secret, Some(file.path), format!("{} has {what} in line {line}.", file.path));
    }
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

    /// The whole of a small file, or the beginning of a large one.
    fn head(&self) -> Result<Vec<u8>> {
        let is_small = self.size <= secrets::MAX_SEARCHED_BYTES;
        let length = if is_small { self.size } else { binary::HEAD_BYTES as u64 };
        self.read(&self.open()?, 0..length)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    TreeEmpty,
    VersionNotCanonical,
    EntryMissing,
    EntryNotFile,
    EntryNotProgram,
    EntryNotExecutable,
    WrongPlatform,
    ProgramMissing,
    ProgramNotExecutable,
    ProgramEmpty,
    ExecBitLost,
    CaseCollision,
    DuplicateFile,
    PackChurn,
    TimeChurn,
    Secret,
    Litter,
}

impl Rule {
    fn code_and_hint(self) -> (&'static str, &'static str) {
        match self {
            Self::TreeEmpty => ("tree_empty", "Check the build log: the export may have failed."),
            Self::VersionNotCanonical => ("version_not_canonical", "Use that form: updaters compare versions by it."),
            Self::EntryMissing => {
                ("entry_missing", "Give --entry the program's path in the tree, with / between names.")
            }
            Self::EntryNotFile => ("entry_not_file", "Give --entry the program itself, not a folder or link."),
            Self::EntryNotProgram => ("entry_not_program", "Check the platform, and that --entry names the program."),
            Self::EntryNotExecutable => ("entry_not_executable", "Run chmod +x on it before publishing."),
            Self::WrongPlatform => ("wrong_platform", "Leave it out, or publish this tree for the other platform."),
            Self::ProgramMissing => ("program_missing", "Check the platform, and that the export produced a program."),
            Self::ProgramNotExecutable => ("program_not_executable", "Run chmod +x on it before publishing."),
            Self::ProgramEmpty => ("program_empty", "Check the build log: the disk may have been full."),
            Self::ExecBitLost => ("exec_bit_lost", "If it should still be executable, run chmod +x on it."),
            Self::CaseCollision => ("case_collision", "Rename one of them."),
            Self::DuplicateFile => ("duplicate_file", "Leave one out: players download it once, but store it twice."),
            Self::PackChurn => {
                ("pack_churn", "Replace it with the previous version's file, so that players need not download it.")
            }
            Self::TimeChurn => {
                ("time_churn", "Publish without times: they change the index, and players do not need them.")
            }
            Self::Secret => ("secret", "Leave it out, and if it was ever published, replace the key or password."),
            Self::Litter => ("litter", "Leave it out."),
        }
    }
}

#[derive(Debug, Default)]
struct Findings(BTreeMap<Rule, (Vec<Finding>, usize)>);

impl Findings {
    fn add(&mut self, rule: Rule, path: Option<&RelPath>, message: String) {
        let (listed, unlisted) = self.0.entry(rule).or_default();
        if listed.len() == MAX_FINDINGS_PER_CODE {
            *unlisted += 1;
            return;
        }
        let (code, hint) = rule.code_and_hint();
        listed.push(Finding { code, path: path.map(ToString::to_string), message, hint });
    }

    fn finish(self) -> Vec<Finding> {
        let mut all = Vec::new();
        for (rule, (mut listed, unlisted)) in self.0 {
            listed.sort_by(|a, b| a.path.cmp(&b.path));
            all.append(&mut listed);
            if unlisted > 0 {
                let (code, hint) = rule.code_and_hint();
                all.push(Finding { code, path: None, message: format!("And {unlisted} more of the same."), hint });
            }
        }
        all
    }
}
