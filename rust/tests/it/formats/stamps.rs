//! Stamps of files: those in receipts, and those of an install.
//!
//! They contain the device and inode of a folder and the times of files, which differ in a copy. A test therefore
//! writes those of its own copy into the frozen file, and changes nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use vsekai_updater::formats::index::Index;
use vsekai_updater::install::{InstallRoot, InstalledVersion};
use vsekai_updater::local::receipt::Receipt;

use super::frozen::{Copy, read, v01};
use super::player::run;

/// Gives the file the time and permissions of its stamp.
fn stamp(file: &Path, stamp: &Value) {
    fs::set_permissions(file, fs::Permissions::from_mode(stamp["mode"].as_u64().unwrap() as u32)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(stamp["mtime_ns"].as_u64().unwrap());
    fs::File::open(file).unwrap().set_modified(time).unwrap();
}

fn identity(folder: &Path) -> Value {
    let found = fs::symlink_metadata(folder).unwrap();
    json!([found.dev(), found.ino()])
}

#[test]
fn a_receipt_tells_what_was_touched() {
    let copy = Copy::of(&["repository"]);
    let (tree, receipt) = (copy.path("tree"), copy.path("receipt"));
    let store = copy.path("repository/store");
    let index = super::writers::index_path("1.1.0");
    run(&copy, &["store", "extract", "--store"], &[("", &store), ("", &index), ("", &tree)]).done();
    let plain = zstd::stream::decode_all(&read("documents/receipt")[..]).unwrap();
    let end = plain.iter().position(|byte| *byte == b'\n').unwrap();
    let mut header: Value = serde_json::from_slice(&plain[..end]).unwrap();
    fs::copy(v01("documents/receipt"), &receipt).unwrap();
    assert!(Receipt::read(&receipt, &tree).unwrap().is_none(), "it is of another tree");

    header["root"] = identity(&tree);
    header["unsynced_boot"] = Value::Null;
    stamp(&tree.join("data/world.pck"), &header["stamps"][6]);
    let patched = [&serde_json::to_vec(&header).unwrap(), &plain[end..]].concat();
    fs::write(&receipt, zstd::bulk::compress(&patched, 1).unwrap()).unwrap();
    let found = Receipt::read(&receipt, &tree).unwrap().unwrap();
    assert_eq!(found.index, Index::parse(&read("documents/receipt.caidx")).unwrap());
    assert_eq!((found.layout.nodes().len(), found.layout.stream_bytes()), (11, found.index.stream_bytes()));
    assert_eq!(found.layout.nodes()[6].path.as_ref().unwrap().as_str(), "data/world.pck");
    assert!(found.is_untouched(6, &tree));
    assert!(!found.is_untouched(2, &tree), "it has another time");
}

#[test]
fn stamps_of_an_install_tell_what_was_touched() {
    let copy = Copy::of(&["install"]);
    let root = InstallRoot::at(&copy.path("install")).unwrap();
    let folder = fs::read_link(copy.path("install/current")).unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let path = root.control("indexes").join(format!("{folder}.stamps"));
    let packed = fs::read(&path).unwrap();
    let mut stamps: Value = serde_json::from_slice(&zstd::stream::decode_all(&packed[..]).unwrap()).unwrap();
    let world = root.versions(&folder).join("data/world.pck");
    stamp(&world, &stamps["files"][6]);
    stamps["root"] = identity(&root.versions(&folder));
    fs::write(&path, zstd::bulk::compress(&serde_json::to_vec(&stamps).unwrap(), 1).unwrap()).unwrap();
    let kept = InstalledVersion::read(&root, &folder).unwrap();
    assert!(kept.is_untouched(6));
    assert!(!kept.is_untouched(2), "it has another time");
    assert!(!kept.is_mutable(6) && kept.is_mutable(10));
}
