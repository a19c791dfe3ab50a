//! Which entries are programs, and of which platform.

use super::*;

#[test]
fn entries_of_every_kind_that_a_system_starts_are_programs() {
    let mut static_program = elf(62, LIBRARY);
    static_program[24] = 1;
    let mut managed = managed_pe();
    managed[0x80 + 4 + 18..0x80 + 4 + 20].copy_from_slice(&0x22u16.to_le_bytes());
    for (platform, path, bytes) in [
        ("linux-x86_64", "game.x86_64", static_program),
        ("linux-x86_64", "run.py", b"#!/usr/bin/env python3\n".to_vec()),
        ("windows-x86_64", "game.exe", pe(0x14c, PROGRAM)),
        ("windows-x86_64", "game.exe", managed),
        ("windows-x86_64", "start.bat", b"@echo off\r\n".to_vec()),
        ("macos-universal", "Game.app/Contents/MacOS/run", b"#!/bin/sh\n".to_vec()),
    ] {
        let tree = Tree { platform, entry: Some(RelPath::new(path).unwrap()), ..Tree::empty() };
        tree.write(path, &bytes, 0o644);
        assert_eq!(tree.found(), [""; 0], "{platform} {path}");
    }
}

#[test]
fn entries_that_a_system_does_not_start_are_none() {
    for (platform, path, bytes) in [
        ("linux-x86_64", "game.sh", b"echo no interpreter\n".to_vec()),
        ("linux-x86_64", "game", elf(183, PROGRAM)),
        ("linux-x86_64", "game", elf(62, LIBRARY)),
        ("linux-x86_64", "game", mach(0x0100_0007, 2)),
        ("linux-aarch64", "game", elf(62, PROGRAM)),
        ("windows-x86_64", "game", elf(62, PROGRAM)),
        ("windows-x86_64", "game.exe", pe(0xaa64, PROGRAM)),
        ("windows-x86_64", "game.dll", pe(0x8664, LIBRARY)),
        ("windows-x86_64", "start.sh", b"#!/bin/sh\n".to_vec()),
        ("windows-x86_64", "game.exe", b"MZ, and nothing else".to_vec()),
        ("macos-universal", "game.zip", b"PK\x03\x04".to_vec()),
        ("macos-universal", "game", mach(0x0100_000c, 6)),
    ] {
        let tree = Tree { platform, entry: Some(RelPath::new(path).unwrap()), ..Tree::empty() };
        tree.write(path, &bytes, 0o755);
        let findings = tree.findings();
        assert_eq!(findings[0].code, "entry_not_program", "{platform} {path} {findings:?}");
        assert_eq!(findings[0].severity, Severity::Blocking);
    }
}

#[test]
fn platform_is_that_of_the_entry() {
    let this = Platform::new("linux-aarch64").unwrap();
    let mut managed = managed_pe();
    managed[0x80 + 4 + 18..0x80 + 4 + 20].copy_from_slice(&0x22u16.to_le_bytes());
    for (path, bytes, want) in [
        ("game", elf(62, PROGRAM), "linux-x86_64"),
        ("game", elf(183, PROGRAM), "linux-aarch64"),
        ("game.exe", pe(0x8664, PROGRAM), "windows-x86_64"),
        ("game.exe", pe(0x14c, PROGRAM), "windows-x86_64"),
        ("game.exe", managed, "windows-x86_64"),
        ("start.CMD", b"@echo off\r\n".to_vec(), "windows-x86_64"),
        ("Game.app/Contents/MacOS/Game", mach(0x0100_000c, 2), "macos-universal"),
        ("Game.app/Contents/MacOS/Game", fat_mach(&[0x0100_0007, 0x0100_000c]), "macos-universal"),
        ("start.sh", b"#!/bin/sh\n".to_vec(), "linux-aarch64"),
    ] {
        let tree = Tree { entry: Some(RelPath::new(path).unwrap()), ..Tree::empty() };
        tree.write(path, &bytes, 0o644);
        assert_eq!(tree.platform_on(&this).unwrap().as_str(), want, "{path}");
    }
}

#[test]
fn platform_that_cannot_be_told_is_asked_for() {
    let linux = Platform::new("linux-x86_64").unwrap();
    let script = b"#!/bin/sh\n".to_vec();
    for (path, bytes, beside, this) in [
        ("game.zip", b"PK\x03\x04".to_vec(), None, "linux-x86_64"),
        ("game.pck", b"GDPC".to_vec(), None, "linux-x86_64"),
        ("game", Vec::new(), None, "linux-x86_64"),
        ("game", elf(243, PROGRAM), None, "linux-x86_64"),
        ("game.exe", pe(0xaa64, PROGRAM), None, "linux-x86_64"),
        ("start.sh", script.clone(), Some(pe(0x8664, PROGRAM)), "linux-x86_64"),
        ("start.sh", script.clone(), Some(elf(183, LIBRARY)), "linux-x86_64"),
        ("start.sh", script.clone(), None, "windows-x86_64"),
        ("start.sh", script.clone(), None, "freebsd-x86_64"),
        ("Game.app/Contents/MacOS/run", script.clone(), None, "linux-x86_64"),
    ] {
        let tree = Tree { entry: Some(RelPath::new(path).unwrap()), ..Tree::empty() };
        tree.write(path, &bytes, 0o755);
        if let Some(beside) = beside {
            tree.write("lib/engine", &beside, 0o755);
        }
        let error = tree.platform_on(&Platform::new(this).unwrap()).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.code(), "invalid_argument");
        assert!(said.contains("--platform") && said.contains("windows-x86_64"), "{said}");
    }
    // One library for this machine is enough: helpers for others may lie beside it.
    let tree = Tree { entry: Some(RelPath::new("start.sh").unwrap()), ..Tree::empty() };
    tree.write("start.sh", &script, 0o755);
    tree.write("a/other.dll", &pe(0x8664, LIBRARY), 0o644);
    tree.write("b/game", &elf(62, PROGRAM), 0o755);
    assert_eq!(tree.platform_on(&linux).unwrap(), linux);
}
