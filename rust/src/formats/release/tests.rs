//! Tests of parsing, of checks and of decisions.

mod choice;
mod documents;
mod table;

use jiff::Timestamp;

use super::{Chunking, Entry, ModeName, Offer, Platform, Release, Sizes, TargetRef, target_name};
use crate::formats::chunker::Algorithm;
use crate::path::RelPath;
use crate::version::Version;

fn mode(name: &str) -> ModeName {
    ModeName::new(name).unwrap()
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn linux() -> Platform {
    Platform::new("linux-x86_64").unwrap()
}

/// An offer to everybody on Linux.
fn offer(text: &str, sequence: u64) -> Offer {
    Offer {
        version: version(text),
        sequence,
        platforms: [linux()].into(),
        skip_update: false,
        recalled: false,
        rollout: 100,
    }
}

fn release() -> Release {
    let (mode, version, platform) = (mode("stable"), version("1.2.0-beta.3+b7"), linux());
    let target = |file: &str, digit: &str| TargetRef {
        path: target_name(&mode, &version, &platform, file),
        length: 1_000,
        sha256: digit.repeat(64),
        document_sha256: None,
    };
    let targets = (target("index.caidx", "a"), target("files.json.zst", "0"));
    let entry = Entry { path: RelPath::new("bin/game").unwrap(), arguments: vec!["--vr".to_owned()] };
    let chunking =
        Chunking { algorithm: Algorithm::Casync, sizes_bytes: [16 << 10, 64 << 10, 256 << 10], forced_cuts: true };
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    Release::new(mode.clone(), version.clone(), platform.clone(), 7, at, targets, entry, chunking, Sizes::default())
}

#[test]
fn platforms_are_known_by_other_names() {
    for (name, meant) in [
        ("linux-x64", Some("linux-x86_64")),
        ("linux-arm64", Some("linux-aarch64")),
        ("win64", Some("windows-x86_64")),
        ("Darwin-arm64", Some("macos-universal")),
        ("Linux-x86_64", Some("linux-x86_64")),
        ("linux-x86_64", None),
        ("haiku", None),
    ] {
        assert_eq!(Platform::meant(name), meant, "{name}");
    }
}
