//! Packs of whatever is in a folder, however wrong: the repository's own tools would refuse.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vsekai_updater::formats::metadata_pack::{MAX_PACKED_BYTES, MetadataPack, PATH, PackQuery};

/// The files of a repository that a pack may have, but for large ones.
pub(crate) fn packable(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files_where(folder, &|name, length| length < MAX_PACKED_BYTES / 16 && PackQuery::at(name).is_some())
}

/// The files below a folder that `is_wanted` by relative path and length; none if there is no folder.
pub(crate) fn files_where(folder: &Path, is_wanted: &dyn Fn(&str, u64) -> bool) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, "", is_wanted, &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, is_wanted: &dyn Fn(&str, u64) -> bool, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), is_wanted, files);
        } else if is_wanted(&name, entry.metadata().unwrap().len()) {
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
    fs::write(folder.join(PATH), MetadataPack::write(files).unwrap()).unwrap();
}

/// What is in the pack of a folder.
pub(crate) fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let pack = MetadataPack::parse(&fs::read(folder.join(PATH)).unwrap()).unwrap();
    pack.paths().map(|path| (path.to_owned(), pack.get(path).unwrap().to_vec())).collect()
}

/// From now on it is a plain old repository.
pub(crate) fn remove(folder: &Path) {
    fs::remove_file(folder.join(PATH)).unwrap();
}
