//! Rules about programs: are they in the tree, are they for this platform, and can they be started?

use std::collections::HashSet;

use super::binary::{Binary, Role, System, Target, is_managed_program};
use super::{Entry, Findings, Input, Previous, Rule};
use crate::error::Result;
use crate::formats::archive::NodeKind;
use crate::path::RelPath;

/// Suffixes of programs, libraries and packs.
const PROGRAM_SUFFIXES: [&str; 9] =
    [".exe", ".dll", ".so", ".dylib", ".pck", ".x86_64", ".arm64", ".aarch64", ".x86_32"];

/// Collects facts about programs while the files are read.
pub(super) struct Programs<'a> {
    input: &'a Input<'a>,
    target: Target,
    has_program: bool,
}

impl<'a> Programs<'a> {
    pub(super) fn new(input: &'a Input<'a>, target: Target) -> Self {
        Self { input, target, has_program: false }
    }

    /// `head` is the beginning of the file.
    pub(super) fn look_at(&mut self, file: &Entry<'_>, head: &[u8], findings: &mut Findings) {
        let path = file.path;
        let is_entry = self.input.entry == Some(path);
        if file.size == 0 {
            if is_entry {
                findings.add(Rule::EntryNotProgram, Some(path), format!("The entry {path} is empty."));
            } else if promises_program(path, file.is_executable()) {
                findings.add(Rule::ProgramEmpty, Some(path), format!("{path} is named like a program, but is empty."));
            }
            return;
        }
        let binary = Binary::of(head, path.file_name());
        if is_entry {
            self.look_at_entry(path, head, binary.as_ref(), findings);
            return;
        }
        let Some(binary) = binary else { return };
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

    fn look_at_entry(&mut self, path: &RelPath, head: &[u8], binary: Option<&Binary>, findings: &mut Findings) {
        let system = self.target.system;
        let fault = match binary {
            Some(binary) if self.target.runs(binary) && binary.starts => None,
            Some(binary) => Some(format!("{binary}, but the tree is for {}", self.input.platform)),
            None if system == System::Windows && is_managed_program(head) => None,
            None => fault_of_script(system, path, head),
        };
        match fault {
            None => self.has_program = true,
            Some(fault) => {
                findings.add(Rule::EntryNotProgram, Some(path), format!("The entry {path} is {fault}."));
            }
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

/// Why a file that is no program cannot be started as a script; `None` if it can.
fn fault_of_script(system: System, path: &RelPath, head: &[u8]) -> Option<String> {
    let name = path.file_name().to_ascii_lowercase();
    if system == System::Windows {
        let is_script = [".bat", ".cmd"].iter().any(|suffix| name.ends_with(suffix));
        return (!is_script).then(|| "no program of Windows, and not named like a script (.bat, .cmd)".to_owned());
    }
    if !head.starts_with(b"#!") {
        return Some("neither a program nor a script that begins with #!".to_owned());
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let fault = || "a script whose first line ends as on Windows, so its interpreter is not found".to_owned();
    line.ends_with(b"\r").then(fault)
}

/// Files that were executable in the previous version and are not any more. Programs have a rule of their own.
pub(super) fn compare_modes(
    input: &Input<'_>,
    target: Target,
    previous: Previous<'_>,
    files: &[Entry<'_>],
    findings: &mut Findings,
) -> Result<()> {
    if !target.has_exec_bits() {
        return Ok(());
    }
    let were = previous.files.iter().filter(|file| file.mode & 0o111 != 0).map(|file| &file.path);
    let were: HashSet<&RelPath> = were.collect();
    // An install makes the entry executable, whatever its mode.
    let lost = files.iter().filter(|file| !file.is_executable() && were.contains(file.path));
    for file in lost.filter(|file| input.entry != Some(file.path)) {
        if Binary::of(&file.beginning()?, file.path.file_name()).is_none() {
            let message = format!("{} was executable in the previous version, and is not in this one.", file.path);
            findings.add(Rule::ExecBitLost, Some(file.path), message);
        }
    }
    Ok(())
}

fn promises_program(path: &RelPath, is_executable: bool) -> bool {
    let name = path.file_name().to_ascii_lowercase();
    // Some disks give every file an exec bit, so an extension, as in .gdignore or README.md, outweighs it.
    PROGRAM_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) || (is_executable && !name.contains('.'))
}
