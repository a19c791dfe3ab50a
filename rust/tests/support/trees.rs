//! Trees on disk: created for a test, and compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use vsekai_updater::formats::chunk::{ChunkId, DigestAlgorithm};

/// Random bytes, the same for the same seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Writes a file and creates its parent folders.
pub(crate) fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub(crate) fn link(root: &Path, name: &str, target: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(target, path).unwrap();
}

pub(crate) fn chmod(root: &Path, name: &str, mode: u32) {
    fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Sets the modification time: seconds since 1970, plus a fraction of a second.
pub(crate) fn touch(root: &Path, name: &str, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
    fs::File::open(root.join(name)).unwrap().set_modified(time).unwrap();
}

/// A copy with permissions, times and links, made by the system's own tools.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// An entry of a tree, as far as it can be the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) what: What,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, i64),
    pub(crate) inode: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Directory,
    File { size: u64, digest: ChunkId },
    Link(PathBuf),
    Other,
}

pub(crate) type Snapshot = BTreeMap<PathBuf, Seen>;

/// All entries below `root`, including `root` itself (with an empty path).
pub(crate) fn snapshot(root: &Path) -> Snapshot {
    let mut seen = Snapshot::new();
    let mut rest = vec![PathBuf::new()];
    while let Some(path) = rest.pop() {
        let absolute = if path.as_os_str().is_empty() { root.to_owned() } else { root.join(&path) };
        let found = fs::symlink_metadata(&absolute).unwrap();
        let what = if found.is_dir() {
            rest.extend(fs::read_dir(&absolute).unwrap().map(|entry| path.join(entry.unwrap().file_name())));
            What::Directory
        } else if found.is_symlink() {
            What::Link(fs::read_link(&absolute).unwrap())
        } else if found.is_file() {
            let digest = DigestAlgorithm::Sha256.id_of(&fs::read(&absolute).unwrap());
            What::File { size: found.len(), digest }
        } else {
            What::Other
        };
        let (mode, mtime) = (found.mode() & 0o7777, (found.mtime(), found.mtime_nsec()));
        seen.insert(path, Seen { what, mode, mtime, inode: found.ino() });
    }
    seen
}

/// What must be the same in two trees, in addition to names, content and link targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// Permissions and times of files and folders.
    ModesAndTimes,
    /// Permissions of files and folders.
    Modes,
    /// Everything, inodes included: nothing was touched.
    Untouched,
}

/// Fails, with the first few differences, unless the trees are the same.
#[track_caller]
pub(crate) fn assert_same(left: &Snapshot, right: &Snapshot, same: Same) {
    let differs = |path: &&PathBuf| match (left.get(*path), right.get(*path)) {
        (Some(a), Some(b)) if same == Same::Untouched => a != b,
        (Some(a), Some(b)) => {
            let is_link = matches!(a.what, What::Link(_));
            let times = same == Same::ModesAndTimes && a.mtime != b.mtime;
            a.what != b.what || (!is_link && (a.mode != b.mode || times))
        }
        _ => true,
    };
    let paths: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let different: Vec<_> = paths.into_iter().filter(differs).collect();
    let told: Vec<_> = different.iter().take(5).map(|path| (path, left.get(*path), right.get(*path))).collect();
    assert!(different.is_empty(), "{} differences, such as {told:#?}", different.len());
}

/// [`assert_same`] for two trees on disk.
#[track_caller]
pub(crate) fn assert_equal_trees(left: &Path, right: &Path, same: Same) {
    assert_same(&snapshot(left), &snapshot(right), same);
}
