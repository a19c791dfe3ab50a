//! The frozen files of servers.

use std::fs;
use std::path::{Path, PathBuf};

/// A file that a server of release 0.1 wrote.
pub(crate) fn v01(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v0.1/server").join(name)
}

/// The names of the files in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Unpacks a database to a file that a test may change.
pub(crate) fn unpack(name: &str, to: &Path) {
    let packed = fs::File::open(v01(name)).unwrap();
    fs::write(to, zstd::stream::decode_all(packed).unwrap()).unwrap();
}
