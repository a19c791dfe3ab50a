//! Creates metadata packs of any files, even invalid ones, which the repository's own tools would refuse.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use vsekai_updater::formats::metadata_pack::{MAX_PACKED_BYTES, MetadataPack, PATH, PackQuery};

/// The files of a repository that a pack may contain, except large ones.
pub(crate) fn packable(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files_where(folder, &|name, length| length < MAX_PACKED_BYTES / 16 && PackQuery::at(name).is_some())
}

/// The files below a folder for whose relative path and length `is_wanted` is true; none if there is no folder.
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

/// Writes a pack of all files of the folder.
pub(crate) fn rebuild(folder: &Path) {
    put(folder, &packable(folder));
}

pub(crate) fn put(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    fs::create_dir_all(folder.join("tuf")).unwrap();
    fs::write(folder.join(PATH), MetadataPack::write(files).unwrap()).unwrap();
}

/// The content of a folder's pack.
pub(crate) fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let pack = MetadataPack::parse(&fs::read(folder.join(PATH)).unwrap()).unwrap();
    pack.paths().map(|path| (path.to_owned(), pack.get(path).unwrap().to_vec())).collect()
}

/// Removes the pack, which makes this a repository of single files.
pub(crate) fn remove(folder: &Path) {
    fs::remove_file(folder.join(PATH)).unwrap();
}
