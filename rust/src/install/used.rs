//! How much room an install takes on the disk.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use super::{InstallRoot, InstallState, InstalledVersion, running};
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

/// What removing all versions but the current one would free, in bytes: the files that have no name elsewhere, such as in
/// the current version. 0 if there is no version to go back to.
pub fn removable_bytes(root: &InstallRoot) -> u64 {
    let Ok(Some(state)) = InstallState::load(root) else { return 0 };
    let stays = |folder: &String| state.current.as_ref().is_some_and(|current| current.folder == *folder);
    let folders: Vec<_> = root.folders().unwrap_or_default().into_iter().filter(|folder| !stays(folder)).collect();
    if state.previous.is_none() {
        return 0;
    }
    let goes = |folder: &&String| !running::is_running(root, folder);
    let mut rest = Vec::new();
    for folder in folders.iter().filter(goes) {
        rest.push(root.versions(folder));
        rest.extend(InstalledVersion::document_paths(root, folder));
    }
    bytes_without_other_names(rest)
}

fn bytes_without_other_names(mut rest: Vec<PathBuf>) -> u64 {
    let (mut bytes, mut count) = (0_u64, 0);
    let mut names: HashMap<(u64, u64), u64> = HashMap::new();
    while let Some(path) = rest.pop() {
        count += 1;
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if count > MAX_FILES {
            return bytes;
        }
        if found.is_dir() {
            rest.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if found.is_file() {
            let links = disk::link_count(&path, &found);
            let seen = match disk::identity(&path, &found).filter(|_| links > 1) {
                Some(identity) => names.entry(identity).and_modify(|seen| *seen += 1).or_insert(1),
                None => &mut links.clone(),
            };
            if *seen == links {
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
    #[test]
    fn files_with_a_name_elsewhere_are_not_freed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("kept")).unwrap();
        fs::create_dir_all(at("old/data")).unwrap();
        fs::create_dir_all(at("ahead")).unwrap();
        fs::write(at("kept/map"), vec![0; 5000]).unwrap();
        fs::hard_link(at("kept/map"), at("old/data/map")).unwrap();
        fs::write(at("old/data/own"), vec![0; 70]).unwrap();
        fs::write(at("old/twice"), vec![0; 800]).unwrap();
        fs::hard_link(at("old/twice"), at("ahead/twice")).unwrap();
        assert_eq!(bytes_without_other_names(vec![at("old"), at("none")]), 70);
        assert_eq!(bytes_without_other_names(vec![at("old"), at("ahead")]), 870);
    }
}
