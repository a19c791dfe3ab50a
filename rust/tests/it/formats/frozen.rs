//! The frozen files, and what is known about the versions in the frozen repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::{FileTable, Release};

/// The root folder of all frozen files.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// A file that release 0.1 wrote.
pub(crate) fn v01(name: &str) -> PathBuf {
    folder().join("v0.1").join(name)
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(v01(name)).unwrap()
}

/// The paths of all files below a folder, relative to it, sorted. Links count as files.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![folder.to_owned()];
    while let Some(next) = rest.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                rest.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A copy that a test may change.
pub(crate) struct Copy(TempDir);

impl Copy {
    /// A copy of these parts of what release 0.1 wrote.
    pub(crate) fn of(names: &[&str]) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        for name in names {
            let status = Command::new("cp").arg("-R").arg(v01(name)).arg(copy.path(name)).status().unwrap();
            assert!(status.success());
        }
        copy
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A version with its three documents.
pub(crate) struct Version {
    pub(crate) release_bytes: Vec<u8>,
    pub(crate) release: Release,
    pub(crate) index_bytes: Vec<u8>,
    pub(crate) index: Index,
    pub(crate) table_bytes: Vec<u8>,
    pub(crate) table: FileTable,
}

/// A version of the mode stable.
pub(crate) fn stable(version: &str) -> Version {
    version_of("stable", version)
}

/// Reads its documents from the frozen repository.
pub(crate) fn version_of(mode: &str, version: &str) -> Version {
    let folder = v01(&format!("repository/targets/{mode}/{version}/linux-x86_64"));
    let named = |ending: &str| {
        let paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut paths = paths.filter(|path| path.to_str().unwrap().ends_with(ending));
        fs::read(paths.next().unwrap()).unwrap()
    };
    let (release_bytes, index_bytes, table_bytes) = (named(".release.json"), named(".caidx"), named(".files.json.zst"));
    let release = Release::parse(&release_bytes, None).unwrap();
    let index = Index::parse(&index_bytes).unwrap();
    let table = FileTable::parse(&table_bytes, &index).unwrap();
    Version { release_bytes, release, index_bytes, index, table_bytes, table }
}

/// The versions of stable.
pub(crate) const STABLE: [&str; 3] = ["1.0.0", "1.1.0", "1.2.0"];

/// The SHA-256 of `data/new.pck`, which is different in each version.
pub(crate) const NEW_PCK: [&str; 3] = [
    "739bce5da163f960afd79bd08ea4bba45ccd372f70ba2d30c0b407537430cced",
    "936d4cce9ecf4d45e15637e2dec8da3b93b7c911a33a499d320a7943d86c606e",
    "5543152f602f2b986e1dd5b8f297034923982c91cc00a6326a60f109a0e861f0",
];

/// The versions of beta, which contain no program.
pub(crate) const BETA: [&str; 2] = ["2.0.0-beta.1", "2.0.0-beta.2+build.5"];
