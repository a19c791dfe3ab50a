//! Runs the publisher's checks on builds that V-Sekai has published.
//!
//! `VSEKAI_TEST_DATA` names a folder with `.caidx` files and their `store/`. Without it, nothing is tested.

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::archive::NodeKind;
use vsekai_updater::formats::index::{FeatureFlags, Index};
use vsekai_updater::local::disk;
use vsekai_updater::local::extract::{self, IndexKind, Request};
use vsekai_updater::local::preflight::{self, Finding, Input, Previous, PreviousFile};
use vsekai_updater::local::sources::Sources;
use vsekai_updater::local::staging::Intent;
use vsekai_updater::local::store::LocalStore;
use vsekai_updater::local::tree::{self, Recorded};
use vsekai_updater::path::RelPath;

/// Prints to stderr even if the test passes.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// The folder of published builds; `None`, with a printed line, if there is none.
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("VSEKAI_TEST_DATA").map(PathBuf::from);
    if data.is_none() {
        say("SKIPPED: VSEKAI_TEST_DATA is not set, no published build is checked");
    }
    data
}

fn extract(data: &Path, index: &str, destination: &Path) {
    let request = Request {
        index: Index::parse(&fs::read(data.join(index)).unwrap()).unwrap(),
        content: IndexKind::Tree,
        destination: destination.to_owned(),
        seeds: Vec::new(),
        protected: Vec::new(),
        scratch: std::env::temp_dir(),
        sync: false,
    };
    let sources = Sources { stores: vec![LocalStore::open(&data.join("store")).unwrap()], ..Sources::default() };
    let monitor = Monitor::default();
    extract::prepare(request, sources, Intent::Apply, &monitor).unwrap().apply(&monitor).unwrap();
}

fn check(root: &Path, platform: &str, entry: &str, version: &str, previous: Option<Previous<'_>>) -> Vec<Finding> {
    let layout = tree::layout(root, &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
    let entry = RelPath::new(entry).unwrap();
    let input = Input { root, layout: &layout, platform, entry: Some(&entry), version, previous };
    let findings = preflight::check(&input, &Monitor::default()).unwrap();
    for finding in &findings {
        say(&format!("  {}: {} {}", finding.code, finding.message, finding.hint));
    }
    findings
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

fn file_table(root: &Path) -> Vec<PreviousFile> {
    let layout = tree::layout(root, &Recorded::AsOnDisk(FeatureFlags::TREE)).unwrap();
    let files = layout.nodes().iter().filter(|node| matches!(node.kind, NodeKind::File { .. }));
    let row = |node: &vsekai_updater::formats::archive::Node| {
        let path = node.path.clone().unwrap();
        let sha256 = Sha256::digest(fs::read(path.below(root)).unwrap()).into();
        let (mode, mtime_ns) = (node.metadata.mode & 0o7777, node.metadata.mtime_ns);
        PreviousFile { path, size: node.payload_bytes(), mode, sha256, mtime_ns }
    };
    files.map(row).collect()
}

#[test]
fn published_linux_builds_cannot_be_started() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (index, entry, version, wanted) in [
        ("linux_2023-04-08.caidx", "vsekai_game_linux", "0.1.0-alpha.1", &[][..]),
        ("linux_2023-04-10.caidx", "v_sekai_linuxbsd", "0.1.0-alpha2", &["version_not_canonical"]),
    ] {
        let root = folder.path().join(index);
        extract(&data, index, &root);
        say(&format!("{index}:"));
        assert_eq!(codes(&check(&root, "linux-x86_64", entry, version, None)), wanted);
        say(&format!("{index} as if it were for Windows:"));
        let findings = check(&root, "windows-x86_64", "game.exe", "1.0.0", None);
        assert_eq!(codes(&findings), ["entry_missing", "wrong_platform", "program_missing"]);
        assert_eq!(findings[1].path.as_deref(), Some(entry));
    }
}

#[test]
fn real_pack_exported_again_is_churn() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    for root in [&old, &new] {
        extract(&data, "linux_2023-04-10.caidx", root);
        disk::set_mode(&root.join("v_sekai_linuxbsd"), 0o755).unwrap();
    }
    let table = file_table(&old);
    let read = |path: &RelPath, range: Range<u64>| {
        let path = path.below(&old);
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        disk::read_exact_at(&disk::open(&path)?, &path, range.start, &mut bytes)?;
        Ok(bytes)
    };
    let previous = Some(Previous { files: &table, read: Some(&read) });
    let check = || check(&new, "linux-x86_64", "v_sekai_linuxbsd", "0.1.0-alpha.2", previous);
    assert!(check().is_empty(), "nothing changed");
    // Its last bytes are padding after the last file, which Godot fills differently with each export.
    let pack = new.join("v_sekai_linuxbsd.pck");
    let mtime_ns = disk::mtime_ns(&fs::metadata(&pack).unwrap());
    let mut bytes = fs::read(&pack).unwrap();
    *bytes.last_mut().unwrap() ^= 0xff;
    fs::write(&pack, bytes).unwrap();
    disk::set_mtime(&pack, mtime_ns).unwrap();
    assert_eq!(codes(&check()), ["pack_churn"]);
}
