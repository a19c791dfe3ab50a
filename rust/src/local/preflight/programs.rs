//! Rules about programs: are they in the tree, are they for this platform, and can they be started?

use std::collections::HashMap;

use super::binary::{Binary, Role, System, Target};
use super::{Entry, Findings, Input, Rule};
use crate::formats::archive::NodeKind;
use crate::path::RelPath;

/// Suffixes of programs, libraries and packs.
const PROGRAM_SUFFIXES: [&str; 9] =
    [".exe", ".dll", ".so", ".dylib", ".pck", ".x86_64", ".arm64", ".aarch64", ".x86_32"];

/// Collects facts about programs while the files are read.
pub(super) struct Programs<'a> {
    input: &'a Input<'a>,
    target: Target,
    previous_modes: HashMap<&'a RelPath, u32>,
    has_program: bool,
}

impl<'a> Programs<'a> {
    pub(super) fn new(input: &'a Input<'a>, target: Target) -> Self {
        let previous = input.previous.map(|previous| previous.files).unwrap_or_default();
        let previous_modes = previous.iter().map(|file| (&file.path, file.mode)).collect();
        Self { input, target, previous_modes, has_program: false }
    }

    /// `head` is the beginning of the file.
    pub(super) fn look_at(&mut self, file: &Entry<'_>, head: &[u8], findings: &mut Findings) {
        let path = file.path;
        let is_entry = self.input.entry == Some(path);
        if file.size == 0 {
            if is_entry || promises_program(path, file.is_executable()) {
                findings.add(Rule::ProgramEmpty, Some(path), format!("{path} is named like a program, but is empty."));
            }
            return;
        }
        let binary = Binary::of(head, path.file_name());
        if is_entry {
            self.look_at_entry(file, head, binary.as_ref(), findings);
            return;
        }
        let Some(binary) = binary else {
            self.compare_mode(file, findings);
            return;
        };
        if !self.target.runs(&binary) {
            let message = format!("{path} is {binary}, but the tree is for {}.", self.input.platform);
            findings.add(Rule::WrongPlatform, Some(path), message);
        } else if binary.role == Role::Program {
            self.has_program = true;
            if self.target.has_exec_bits() && !file.is_executable() {
                let message = format!("{path} is a program, but its mode {:04o} has no exec bit.", file.mode & 0o7777);
                findings.add(Rule::ProgramNotExecutable, Some(path), message);
            }
        }
    }

    fn look_at_entry(&mut self, file: &Entry<'_>, head: &[u8], binary: Option<&Binary>, findings: &mut Findings) {
        let path = file.path;
        let is_program = match binary {
            Some(binary) => self.target.runs(binary) && binary.role == Role::Program,
            None => is_script(self.target.system, path, head),
        };
        if is_program {
            self.has_program = true;
        } else {
            let what = binary.map_or("neither a program nor a script".to_owned(), ToString::to_string);
            let message = format!("The entry {path} is {what}, but the tree is for {}.", self.input.platform);
            findings.add(Rule::EntryNotProgram, Some(path), message);
        }
        if self.target.has_exec_bits() && !file.is_executable() {
            let message = format!("The entry {path} has mode {:04o}, without an exec bit.", file.mode & 0o7777);
            findings.add(Rule::EntryNotExecutable, Some(path), message);
        }
    }

    fn compare_mode(&self, file: &Entry<'_>, findings: &mut Findings) {
        let was_executable = self.previous_modes.get(file.path).is_some_and(|mode| mode & 0o111 != 0);
        if self.target.has_exec_bits() && was_executable && !file.is_executable() {
            let message = format!("{} was executable in the previous version, and is not in this one.", file.path);
            findings.add(Rule::ExecBitLost, Some(file.path), message);
        }
    }

    /// Adds the findings that depend on the whole tree.
    pub(super) fn finish(self, findings: &mut Findings) {
        if let Some(entry) = self.input.entry {
            let node = self.input.layout.nodes().iter().find(|node| node.path.as_ref() == Some(entry));
            match node.map(|node| &node.kind) {
                Some(NodeKind::File { .. }) => {}
                Some(_) => {
                    findings.add(Rule::EntryNotFile, Some(entry), format!("The entry {entry} is not a regular file."));
                }
                None => {
                    findings.add(Rule::EntryMissing, Some(entry), format!("The entry {entry} is not in the tree."));
                }
            }
        }
        if !self.has_program {
            let message = format!("There is no program for {} in the tree.", self.input.platform);
            findings.add(Rule::ProgramMissing, None, message);
        }
    }
}

fn is_script(system: System, path: &RelPath, head: &[u8]) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    match system {
        System::Windows => [".bat", ".cmd"].iter().any(|suffix| name.ends_with(suffix)),
        System::Linux | System::MacOs => head.starts_with(b"#!"),
    }
}

fn promises_program(path: &RelPath, is_executable: bool) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    // Some disks give every file an exec bit, so an extension, as in .gdignore or README.md, outweighs it.
    PROGRAM_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) || (is_executable && !name.contains('.'))
}
