//! The rules by code: how much each weighs, and how to fix what it finds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::binary::System;
use crate::path::RelPath;

/// Most findings listed for one code; one more finding says how many were left out.
pub const MAX_FINDINGS_PER_CODE: usize = 25;

/// Codes of rules that exist no more. Scripts may still allow them.
const RETIRED: [&str; 1] = ["entry_not_executable"];

/// A problem that the publisher should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable code for scripts; see the table of the module.
    pub code: &'static str,
    /// What the finding does to a publication.
    pub severity: Severity,
    /// The file or folder concerned, if there is one.
    pub path: Option<String>,
    /// The problem, as a sentence.
    pub message: String,
    /// How to fix it.
    pub hint: &'static str,
}

/// What a finding does to a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Prevents it only if the publisher asked for that.
    Warning,
    /// Prevents it unless the publisher allows the code.
    Blocking,
    /// Prevents it always.
    Refused,
}

/// The codes of all findings, in the order of the module's table.
pub fn codes() -> Vec<&'static str> {
    Rule::ALL.iter().map(|rule| rule.code_and_hint().0).collect()
}

/// Whether a finding has this code, or had it in an earlier version.
pub fn is_code(code: &str) -> bool {
    codes().contains(&code) || RETIRED.contains(&code)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    TreeEmpty,
    VersionNotCanonical,
    VersionExtreme,
    VersionLower,
    EntryMissing,
    EntryNotFile,
    EntryNotProgram,
    WrongPlatform,
    ProgramMissing,
    ProgramNotExecutable,
    ProgramEmpty,
    ExecBitLost,
    CaseCollision,
    LinkUnsupported,
    PathTooLong,
    SpecialFile,
    DuplicateFile,
    PackChurn,
    TimeChurn,
    Secret,
    UnsafePath,
    PublisherFile,
    PossibleSecret,
    Litter,
}

impl Rule {
    pub(super) const ALL: [Self; 24] = [
        Self::TreeEmpty,
        Self::VersionNotCanonical,
        Self::VersionExtreme,
        Self::VersionLower,
        Self::EntryMissing,
        Self::EntryNotFile,
        Self::EntryNotProgram,
        Self::WrongPlatform,
        Self::ProgramMissing,
        Self::ProgramNotExecutable,
        Self::ProgramEmpty,
        Self::ExecBitLost,
        Self::CaseCollision,
        Self::LinkUnsupported,
        Self::PathTooLong,
        Self::SpecialFile,
        Self::DuplicateFile,
        Self::PackChurn,
        Self::TimeChurn,
        Self::Secret,
        Self::UnsafePath,
        Self::PublisherFile,
        Self::PossibleSecret,
        Self::Litter,
    ];

    /// What a finding does to a publication for this system.
    pub(super) fn severity(self, system: System) -> Severity {
        match self {
            Self::Secret | Self::UnsafePath | Self::PublisherFile => Severity::Refused,
            Self::CaseCollision | Self::PathTooLong | Self::LinkUnsupported if system != System::Linux => {
                Severity::Refused
            }
            Self::VersionExtreme | Self::VersionLower | Self::EntryNotProgram | Self::PossibleSecret => {
                Severity::Blocking
            }
            _ => Severity::Warning,
        }
    }

    pub(super) fn code_and_hint(self) -> (&'static str, &'static str) {
        match self {
            Self::TreeEmpty => ("tree_empty", "Check the build log: the export may have failed."),
            Self::VersionNotCanonical => ("version_not_canonical", "Use that form: updaters compare versions by it."),
            Self::VersionExtreme => ("version_extreme", "Use a smaller number: a version cannot be taken back."),
            Self::VersionLower => ("version_lower", "Use a higher version, or recall those that are too high."),
            Self::EntryMissing => {
                ("entry_missing", "Give --entry the program's path in the tree, with / between names.")
            }
            Self::EntryNotFile => ("entry_not_file", "Give --entry the program itself, not a folder or link."),
            Self::EntryNotProgram => ("entry_not_program", "Check the platform, and that --entry names the program."),
            Self::WrongPlatform => ("wrong_platform", "Leave it out, or publish this tree for the other platform."),
            Self::ProgramMissing => ("program_missing", "Check the platform, and that the export produced a program."),
            Self::ProgramNotExecutable => ("program_not_executable", "Run chmod +x on it before publishing."),
            Self::ProgramEmpty => ("program_empty", "Check the build log: the disk may have been full."),
            Self::ExecBitLost => ("exec_bit_lost", "If it should still be executable, run chmod +x on it."),
            Self::CaseCollision => ("case_collision", "Rename one of them."),
            Self::LinkUnsupported => ("link_unsupported", "Replace the link with a copy of what it points to."),
            Self::PathTooLong => ("path_too_long", "Shorten the names, or use fewer folders."),
            Self::SpecialFile => ("special_file", "Nothing needs to be done unless the game needs it."),
            Self::DuplicateFile => ("duplicate_file", "Leave one out: players download it once, but store it twice."),
            Self::PackChurn => {
                ("pack_churn", "Replace it with the previous version's file, so that players need not download it.")
            }
            Self::TimeChurn => {
                ("time_churn", "Publish without times: they change the index, and players do not need them.")
            }
            Self::Secret => ("secret", "Leave it out, and if it was ever published, replace the key or password."),
            Self::UnsafePath => (
                "unsafe_path",
                "Rename it; replace a link by one that is relative and stays in the tree, or by a copy.",
            ),
            Self::PublisherFile => ("publisher_file", "Move it out of the tree: every player gets all of the tree."),
            Self::PossibleSecret => ("possible_secret", "Leave it out if it is a key or password."),
            Self::Litter => ("litter", "Leave it out."),
        }
    }
}

/// Findings by rule.
#[derive(Debug)]
pub(super) struct Findings {
    system: System,
    found: BTreeMap<Rule, (Vec<Finding>, usize)>,
}

impl Findings {
    /// No findings yet, in a tree for this system.
    pub(super) fn of(system: System) -> Self {
        Self { system, found: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, rule: Rule, path: Option<&RelPath>, message: String) {
        let (listed, unlisted) = self.found.entry(rule).or_default();
        if listed.len() == MAX_FINDINGS_PER_CODE {
            *unlisted += 1;
            return;
        }
        let (code, hint) = rule.code_and_hint();
        let severity = rule.severity(self.system);
        listed.push(Finding { code, severity, path: path.map(ToString::to_string), message, hint });
    }

    pub(super) fn finish(self) -> Vec<Finding> {
        let mut all = Vec::new();
        for (rule, (mut listed, unlisted)) in self.found {
            listed.sort_by(|a, b| a.path.cmp(&b.path));
            all.append(&mut listed);
            if unlisted > 0 {
                let (code, hint) = rule.code_and_hint();
                let message = format!("And {unlisted} more of the same.");
                all.push(Finding { code, severity: rule.severity(self.system), path: None, message, hint });
            }
        }
        all
    }
}
