//! Packs of whatever is in a folder, however wrong: the repository's own tools would refuse.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vsekai_updater::pack::{MAX_PACKED_BYTES, PATH, Pack, Wanted};

/// The files of a repository that a pack may have, but for large ones.
pub(crate) fn packable(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        let is_small = entry.metadata().unwrap().len() < MAX_PACKED_BYTES / 16;
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if is_small && Wanted::at(&name).is_some() {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// Puts a pack of all that is there into the folder.
pub(crate) fn rebuild(folder: &Path) {
    put(folder, &packable(folder));
}

pub(crate) fn put(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    fs::create_dir_all(folder.join("tuf")).unwrap();
    fs::write(folder.join(PATH), Pack::write(files).unwrap()).unwrap();
}

/// What is in the pack of a folder.
pub(crate) fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let pack = Pack::parse(&fs::read(folder.join(PATH)).unwrap()).unwrap();
    pack.paths().map(|path| (path.to_owned(), pack.get(path).unwrap().to_vec())).collect()
}

/// From now on it is a plain old repository.
pub(crate) fn remove(folder: &Path) {
    fs::remove_file(folder.join(PATH)).unwrap();
}
