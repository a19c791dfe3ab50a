use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::error::Error;
use crate::formats::index::FeatureFlags;
use crate::formats::release::Platform;
use crate::local::tree::{self, Recorded};
use crate::version::Version;

mod entries;
mod files;
mod names;
mod secrets;

use files::{Pack, elf, fat_mach, mach, managed_pe, pe};

const LIBRARY: bool = true;
const PROGRAM: bool = false;

/// A valid tree for linux-x86_64, until a test damages it.
struct Tree {
    folder: tempfile::TempDir,
    platform: &'static str,
    entry: Option<RelPath>,
    version: &'static str,
}

impl Tree {
    fn empty() -> Self {
        let entry = Some(RelPath::new("game.x86_64").unwrap());
        Self { folder: tempfile::tempdir().unwrap(), platform: "linux-x86_64", entry, version: "1.2.0" }
    }

    fn sound() -> Self {
        let tree = Self::empty();
        tree.write("game.x86_64", &elf(62, PROGRAM), 0o755);
        tree.write("game.pck", &Pack::default().bytes(1), 0o644);
        tree.write("lib/libdiscord.so", &elf(62, LIBRARY), 0o644);
        tree.write("data/System.dll", &managed_pe(), 0o644);
        tree.write("data/.gdignore", b"", 0o755);
        tree.write("README.md", b"Hello, no ghp_ tokens and no -----BEGIN PUBLIC KEY-----.", 0o644);
        tree
    }

    fn write(&self, path: &str, bytes: &[u8], mode: u32) {
        let at = self.folder.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, bytes).unwrap();
        disk::set_mode(&at, mode).unwrap();
        disk::set_mtime(&at, 1_000_000_000).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    fn layout(&self, recorded: Recorded) -> Layout {
        tree::layout(self.folder.path(), &recorded).unwrap()
    }

    fn lint_with(&self, layout: &Layout, previous: Option<Previous<'_>>) -> Result<Vec<Finding>> {
        let input = Input {
            root: self.folder.path(),
            layout,
            platform: self.platform,
            entry: self.entry.as_ref(),
            version: self.version,
            previous,
        };
        check(&input, &Monitor::default())
    }

    fn findings(&self) -> Vec<Finding> {
        self.lint_with(&self.layout(Recorded::Reproducible(FeatureFlags::TREE)), None).unwrap()
    }

    fn platform_on(&self, this: &Platform) -> Result<Platform> {
        platform_of(self.folder.path(), &self.layout(without_times()), self.entry.as_ref().unwrap(), this)
    }

    /// Codes and paths of the findings, as `code path`.
    fn found(&self) -> Vec<String> {
        brief(&self.findings())
    }

    /// The tree as listed in the file table of a version.
    fn published(&self) -> Vec<PreviousFile> {
        let layout = self.layout(Recorded::AsOnDisk(FeatureFlags::TREE));
        let files = layout.nodes().iter().filter_map(|node| Entry::of(node, self.folder.path()));
        let row = |file: Entry<'_>| PreviousFile {
            path: file.path.clone(),
            size: file.size,
            mode: file.mode & 0o7777,
            sha256: Sha256::digest(fs::read(&file.on_disk).unwrap()).into(),
            mtime_ns: file.mtime_ns,
        };
        files.map(row).collect()
    }

    fn found_after(&self, before: &Self, recorded: Recorded) -> Vec<String> {
        let files = before.published();
        let read = |path: &RelPath, range: Range<u64>| {
            let bytes = fs::read(path.below(before.folder.path())).unwrap();
            Ok(bytes[range.start as usize..range.end as usize].to_vec())
        };
        let previous = Previous { files: &files, read: Some(&read) };
        brief(&self.lint_with(&self.layout(recorded), Some(previous)).unwrap())
    }
}

fn brief(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|it| format!("{} {}", it.code, it.path.as_deref().unwrap_or("-"))).collect()
}

fn without_times() -> Recorded {
    Recorded::Reproducible(FeatureFlags::TREE)
}

fn with_times() -> Recorded {
    Recorded::AsOnDisk(FeatureFlags::TREE)
}

#[test]
fn sound_tree_has_no_findings() {
    let tree = Tree::sound();
    assert_eq!(tree.found(), [""; 0]);
    assert_eq!(tree.found_after(&Tree::sound(), with_times()), [""; 0]);
}

#[test]
fn sound_trees_of_every_platform_have_no_findings() {
    for (platform, path, bytes, mode) in [
        ("linux-aarch64", "game.arm64", elf(183, PROGRAM), 0o755),
        ("windows-x86_64", "game.exe", pe(0x8664, PROGRAM), 0o644),
        ("macos-universal", "Game.app/Contents/MacOS/Game", mach(0x0100_0007, 2), 0o755),
        ("macos-universal", "Game.app/Contents/MacOS/Game", mach(0x0100_000c, 2), 0o755),
        ("macos-universal", "Game.app/Contents/MacOS/Game", fat_mach(&[0x0100_0007, 0x0100_000c]), 0o755),
    ] {
        let entry = Some(RelPath::new(path).unwrap());
        let tree = Tree { platform, entry, ..Tree::empty() };
        tree.write(path, &bytes, mode);
        assert_eq!(tree.found(), [""; 0], "{platform} {path}");
    }
}

#[test]
fn empty_tree_is_one_finding() {
    let tree = Tree::empty();
    fs::create_dir(tree.folder.path().join("empty")).unwrap();
    assert_eq!(tree.found(), ["tree_empty -"]);
}

#[test]
fn version_that_is_not_canonical_is_found_with_a_proposal() {
    for (version, proposal) in [("alpha14", "0.1.0-alpha.14"), ("0.1.0-alpha14", "0.1.0-alpha.14"), ("1.2", "1.2.0")] {
        let findings = Tree { version, ..Tree::sound() }.findings();
        assert_eq!(brief(&findings), ["version_not_canonical -"]);
        assert!(findings[0].message.contains(&format!("write it as {proposal}")), "{}", findings[0].message);
    }
    assert_eq!(Tree { version: "nonsense", ..Tree::sound() }.found(), ["version_not_canonical -"]);
}

#[test]
fn binaries_of_another_platform_are_found() {
    let tree = Tree::sound();
    tree.write("game.exe", &pe(0x8664, PROGRAM), 0o644);
    tree.write("steam_api64.dll", &pe(0x8664, LIBRARY), 0o644);
    tree.write("libarm.so.1", &elf(183, LIBRARY), 0o644);
    tree.write("mac", &mach(0x0100_000c, 2), 0o755);
    tree.write("universal", &fat_mach(&[0x0100_0007, 0x0100_000c]), 0o755);
    // Not programs: a Java class, a truncated DOS stub, an object file.
    tree.write("A.class", &[&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52][..], &[0; 64]].concat(), 0o644);
    tree.write("cut", b"MZ but nothing else in this file at all", 0o644);
    let found = tree.found();
    let want = ["game.exe", "libarm.so.1", "mac", "steam_api64.dll", "universal"];
    assert_eq!(found, want.map(|path| format!("wrong_platform {path}")));
    let message = &tree.findings()[0].message;
    assert_eq!(message, "game.exe is a Windows program for x86-64, but the tree is for linux-x86_64.");
}

#[test]
fn tree_without_a_program_is_found() {
    let tree = Tree { entry: None, ..Tree::sound() };
    assert_eq!(tree.found(), [""; 0]);
    tree.remove("game.x86_64");
    assert_eq!(tree.found(), ["program_missing -"], "a library is not a program");
}

#[test]
fn programs_without_an_exec_bit_are_found_where_one_is_needed() {
    let tree = Tree::sound();
    tree.write("tools/server", &elf(62, PROGRAM), 0o666);
    tree.write("game.x86_64", &elf(62, PROGRAM), 0o666);
    assert_eq!(tree.found(), ["program_not_executable tools/server"], "an install marks the entry");
}

#[test]
fn entry_must_be_a_program_in_the_tree() {
    let with_entry = |path| Tree { entry: Some(RelPath::new(path).unwrap()), ..Tree::sound() };
    assert_eq!(with_entry("Game.x86_64").found(), ["entry_missing Game.x86_64"]);
    assert_eq!(with_entry("data").found(), ["entry_not_file data"]);
    assert_eq!(with_entry("lib/libdiscord.so").found()[0], "entry_not_program lib/libdiscord.so");
    assert_eq!(with_entry("README.md").found()[0], "entry_not_program README.md");
    let tree = with_entry("start.sh");
    tree.write("start.sh", b"#!/bin/sh\n", 0o755);
    assert_eq!(tree.found(), [""; 0], "a script can be started");
    tree.write("start.sh", b"#!/bin/sh\r\n", 0o755);
    assert_eq!(tree.found(), ["entry_not_program start.sh"], "no interpreter has a return in its name");
    let tree = with_entry("game.exe");
    tree.write("game.exe", &pe(0x8664, PROGRAM), 0o755);
    assert_eq!(tree.found(), ["entry_not_program game.exe"]);
}

#[test]
fn programs_of_no_bytes_are_found() {
    let tree = Tree::sound();
    tree.write("game.x86_64", b"", 0o755);
    tree.write("plugin.dll", b"", 0o644);
    tree.write("game.pck", b"", 0o644);
    tree.write("notes.txt", b"", 0o644);
    let want =
        ["entry_not_program game.x86_64", "program_missing -", "program_empty game.pck", "program_empty plugin.dll"];
    assert_eq!(tree.found(), want);
}

#[test]
fn exec_bit_that_got_lost_is_found() {
    let (before, tree) = (Tree::sound(), Tree::sound());
    before.write("start.sh", b"#!/bin/sh\n", 0o755);
    tree.write("start.sh", b"#!/bin/sh\n", 0o644);
    assert_eq!(tree.found_after(&before, without_times())[0], "exec_bit_lost start.sh");
}

#[test]
fn large_files_that_are_there_twice_are_found() {
    let tree = Tree::sound();
    let large = vec![7; MIN];
    let mut other = large.clone();
    other[MIN - 1] = 8;
    tree.write("a.bin", &large, 0o644);
    tree.write("b.bin", &other, 0o644);
    tree.write("c.bin", &large, 0o644);
    tree.write("d.small", &large[1..], 0o644);
    tree.write("e.small", &large[1..], 0o644);
    assert_eq!(tree.found(), ["duplicate_file c.bin"]);
}

const MIN: usize = 1 << 20;

#[test]
fn pack_with_the_same_files_in_other_bytes_is_found() {
    for format in 1..=4 {
        let (before, tree) = (Tree::sound(), Tree::sound());
        before.write("game.pck", &Pack { format, ..Pack::default() }.bytes(1), 0o644);
        tree.write("game.pck", &Pack { format, ..Pack::default() }.bytes(2), 0o644);
        assert_eq!(tree.found_after(&before, without_times()), ["pack_churn game.pck"], "format {format}");
    }
}

#[test]
fn pack_that_really_changed_is_no_churn() {
    let changed = [
        Pack { content: b"another content!", ..Pack::default() },
        Pack { engine: 5, ..Pack::default() },
        Pack { encrypted: true, ..Pack::default() },
        Pack { format: 9, ..Pack::default() },
    ];
    for pack in changed {
        let (before, tree) = (Tree::sound(), Tree::sound());
        tree.write("game.pck", &pack.bytes(2), 0o644);
        assert_eq!(tree.found_after(&before, without_times()), [""; 0], "{pack:?}");
    }
    let (before, tree) = (Tree::sound(), Tree::sound());
    for (tree, seed) in [(&before, 1), (&tree, 2)] {
        tree.write("game.pck", &Pack { encrypted: true, ..Pack::default() }.bytes(seed), 0o644);
    }
    assert_eq!(tree.found_after(&before, without_times()), [""; 0], "nobody can tell");
}

#[test]
fn pack_in_a_program_is_compared_if_the_program_did_not_change() {
    let with = |program: &[u8], seed| {
        let tree = Tree::sound();
        tree.write("game.x86_64", &Pack::default().within(program, seed), 0o755);
        tree
    };
    let program = [elf(62, PROGRAM), vec![1; 3 << 20]].concat();
    let mut rebuilt = program.clone();
    *rebuilt.last_mut().unwrap() = 2;
    let before = with(&program, 1);
    assert_eq!(with(&program, 2).found_after(&before, without_times()), ["pack_churn game.x86_64"]);
    assert_eq!(with(&rebuilt, 2).found_after(&before, without_times()), [""; 0]);
    assert_eq!(with(&program, 1).found_after(&before, without_times()), [""; 0]);
}

#[test]
fn damaged_packs_are_read_without_harm() {
    let whole = Pack::default().bytes(1);
    for length in 0..whole.len() {
        let cut = &whole[..length];
        let read = |range: Range<u64>| Ok(cut[range.start as usize..range.end as usize].to_vec());
        pck::read(length as u64, &read).unwrap();
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let largest = Cell::new(0);
        let read = |range: Range<u64>| {
            largest.set(largest.get().max(range.end - range.start));
            Ok(bytes[range.start as usize..range.end as usize].to_vec())
        };
        pck::read(bytes.len() as u64, &read).unwrap();
        assert!(largest.get() <= 32 << 20);
    }
}

#[test]
fn files_of_which_only_the_time_changed_are_one_finding() {
    let (before, tree) = (Tree::sound(), Tree::sound());
    for path in ["README.md", "game.pck"] {
        disk::set_mtime(&tree.folder.path().join(path), 2_000_000_000).unwrap();
    }
    assert_eq!(tree.found_after(&before, with_times()), ["time_churn -"]);
    tree.write("README.md", b"Other text", 0o644);
    disk::set_mtime(&tree.folder.path().join("README.md"), 2_000_000_000).unwrap();
    tree.write("game.pck", &Pack::default().bytes(1), 0o644);
    assert_eq!(tree.found_after(&before, with_times()), [""; 0], "it changed, so its time may");
}

#[test]
fn long_lists_are_cut_with_a_count() {
    let tree = Tree::sound();
    for number in 0..40 {
        tree.write(&format!("{number:02}.dll"), &pe(0x8664, LIBRARY), 0o644);
    }
    let findings = tree.findings();
    assert_eq!(findings.len(), MAX_FINDINGS_PER_CODE + 1);
    let last = findings.last().unwrap();
    assert_eq!((last.code, last.message.as_str()), ("wrong_platform", "And 15 more of the same."));
}

#[test]
fn unknown_platform_is_refused() {
    let tree = Tree { platform: "amiga", ..Tree::sound() };
    let layout = tree.layout(without_times());
    assert!(matches!(tree.lint_with(&layout, None), Err(Error::Invalid { what: "platform", .. })));
}

#[test]
fn stops_when_asked_to() {
    let tree = Tree::sound();
    let layout = tree.layout(without_times());
    let monitor = Monitor::default();
    monitor.cancel.cancel();
    let root = tree.folder.path();
    let input =
        Input { root, layout: &layout, platform: tree.platform, entry: None, version: tree.version, previous: None };
    assert!(matches!(check(&input, &monitor), Err(Error::Cancelled)));
}

#[test]
fn documentation_lists_every_code_in_order() {
    let head = include_str!("../preflight.rs").lines().take_while(|line| line.starts_with("//!"));
    let listed: Vec<_> = head.clone().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect();
    let all = Rule::ALL;
    assert!(all.is_sorted());
    let codes: Vec<_> = all.iter().map(|rule| rule.code_and_hint().0).collect();
    assert_eq!(listed, codes);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    // What it says about a tree for Windows.
    let weights = head.filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").nth(1));
    let severity = |rule: &Rule| match rule.severity(System::Windows) {
        Severity::Warning => "warning",
        Severity::Blocking => "blocking",
        Severity::Refused => "refused",
    };
    assert_eq!(weights.collect::<Vec<_>>(), all.iter().map(severity).collect::<Vec<_>>());
}
