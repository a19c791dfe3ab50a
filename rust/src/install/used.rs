//! How much room an install takes on the disk.

use std::collections::HashSet;
use std::fs;

use super::InstallRoot;
use crate::local::disk;

/// A game has fewer files; a loop of mounted folders has more.
const MAX_FILES: usize = 2_000_000;

/// The size of all files in the folder of an install, in bytes. Versions share unchanged files, which count once. What
/// cannot be read counts nothing; links are not followed.
pub fn used_bytes(root: &InstallRoot) -> u64 {
    let (mut bytes, mut seen, mut count) = (0_u64, HashSet::new(), 0);
    let mut rest = vec![root.directory().to_owned()];
    while let Some(folder) = rest.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            count += 1;
            if count > MAX_FILES {
                return bytes;
            }
            let path = entry.path();
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            if found.is_dir() {
                rest.push(path);
            } else if found.is_file() && is_first(&path, &found, &mut seen) {
                bytes = bytes.saturating_add(found.len());
            }
        }
    }
    bytes
}

/// Whether no other name of this file was seen.
fn is_first(path: &std::path::Path, found: &fs::Metadata, seen: &mut HashSet<(u64, u64)>) -> bool {
    disk::link_count(path, found) < 2 || disk::identity(path, found).is_none_or(|identity| seen.insert(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_once_however_many_names_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(used_bytes(&InstallRoot::at(&at("none")).unwrap()), 0);
        fs::create_dir_all(at("versions/1/data")).unwrap();
        fs::create_dir_all(at("versions/2")).unwrap();
        fs::write(at("versions/1/data/map"), vec![0; 5000]).unwrap();
        fs::write(at("versions/2/game"), vec![0; 70]).unwrap();
        fs::hard_link(at("versions/1/data/map"), at("versions/2/map")).unwrap();
        assert_eq!(used_bytes(&InstallRoot::at(folder.path()).unwrap()), 5070);
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("versions/1"), at("current")).unwrap();
        assert_eq!(used_bytes(&InstallRoot::at(folder.path()).unwrap()), 5070);
    }
}
