//! File tables as received from a repository.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::FileTable;
use crate::digest::Digest;
use crate::error::Result;
use crate::formats::archive::{Layout, NewContent, NewNode, NodeMetadata};
use crate::formats::chunk::ChunkId;
use crate::formats::index::{ChunkSizes, FeatureFlags, Index};
use crate::path::{LinkTarget, RelPath};

fn node(path: Option<&str>, mode: u32, content: NewContent) -> NewNode {
    NewNode { path: path.map(|path| RelPath::new(path).unwrap()), metadata: NodeMetadata::for_tree(mode), content }
}

fn layout(files: &[(&str, u64)]) -> Layout {
    let link = LinkTarget::new(&RelPath::new("start").unwrap(), "bin/game").unwrap();
    let mut nodes = vec![
        node(None, 0o40_755, NewContent::Directory),
        node(Some("bin"), 0o40_755, NewContent::Directory),
        node(Some("start"), 0o120_777, NewContent::Symlink { target: link }),
    ];
    nodes.extend(files.iter().map(|(path, size)| node(Some(path), 0o100_644, NewContent::File { size: *size })));
    Layout::build(nodes).unwrap()
}

fn table_of(files: &[(&str, u64)]) -> FileTable {
    FileTable::new(layout(files), &|node| Some(Digest([u8::try_from(node).unwrap(); 32]))).unwrap()
}

fn table() -> FileTable {
    table_of(&[("bin/game", 70_000), ("bin/empty", 0), ("readme", 12)])
}

/// An index of a stream of this many bytes.
fn index(mut bytes: u64) -> Index {
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::default());
    while bytes > 0 {
        let size = bytes.min(64 << 10);
        index.push(ChunkId::from_bytes([7; 32]), size).unwrap();
        bytes -= size;
    }
    index
}

fn parse(table: &Value, stream_bytes: u64) -> Result<FileTable> {
    let packed = zstd::bulk::compress(table.to_string().as_bytes(), 1).unwrap();
    FileTable::parse(&packed, &index(stream_bytes))
}

fn plain() -> Value {
    serde_json::from_slice(&zstd::stream::decode_all(&*table().to_bytes().unwrap()).unwrap()).unwrap()
}

/// The position of an entry in the document.
fn at(document: &Value, path: &str) -> usize {
    document["entries"].as_array().unwrap().iter().position(|entry| entry["path"] == path).unwrap()
}

#[track_caller]
fn assert_refused(code: &str, change: impl FnOnce(&mut Value)) {
    let mut document = plain();
    change(&mut document);
    assert_eq!(parse(&document, table().layout().stream_bytes()).unwrap_err().code(), code);
}

#[test]
fn table_is_read_as_it_was_written() {
    let table = table();
    let read = FileTable::parse(&table.to_bytes().unwrap(), &index(table.layout().stream_bytes())).unwrap();
    assert_eq!(read, table);
    let game = RelPath::new("bin/game").unwrap();
    let found = read.find(&game).unwrap();
    assert_eq!(read.digest(found).unwrap().0, [u8::try_from(found).unwrap(); 32]);
    assert_eq!(read.files().count(), 3);
    assert!(read.find(&RelPath::new("bin").unwrap()).is_none(), "a folder is not a file");
}

#[test]
fn table_of_another_stream_is_refused() {
    let bytes = table().layout().stream_bytes();
    assert!(parse(&plain(), bytes).is_ok());
    for other in [bytes - 1, bytes + 1] {
        assert_eq!(parse(&plain(), other).unwrap_err().code(), "file_table_malformed");
    }
}

#[test]
fn table_that_counts_its_stream_wrong_is_refused() {
    assert_refused("file_table_malformed", |it| it["stream_bytes"] = json!(1));
}

#[test]
fn file_elsewhere_in_the_stream_is_refused() {
    assert_refused("file_table_malformed", |it| {
        let game = at(it, "bin/game");
        it["entries"][game]["start"] = json!(1);
    });
}

#[test]
fn file_without_a_digest_is_refused() {
    assert_refused("file_table_malformed", |it| {
        let game = at(it, "bin/game");
        drop(it["entries"][game].as_object_mut().unwrap().remove("sha256"));
    });
    for digest in ["", "00", "zz"] {
        assert_refused("file_table_malformed", |it| {
            let game = at(it, "bin/game");
            it["entries"][game]["sha256"] = digest.into();
        });
    }
}

#[test]
fn entry_with_the_fields_of_another_kind_is_refused() {
    for (path, field, value) in [
        ("bin/game", "kind", json!("symlink")),
        ("bin/game", "kind", json!("device")),
        ("bin/game", "target", json!("x")),
        ("start", "size", json!(1)),
        ("start", "kind", json!("file")),
        ("bin", "size", json!(0)),
    ] {
        assert_refused("file_table_malformed", |it| {
            let entry = at(it, path);
            it["entries"][entry][field] = value;
        });
    }
}

#[test]
fn path_twice_is_refused() {
    assert_refused("file_table_malformed", |it| {
        let game = at(it, "bin/game");
        it["entries"][game]["path"] = "bin/empty".into();
    });
}

#[test]
fn paths_and_links_that_leave_the_tree_are_refused() {
    for path in ["../game", "/game", "bin/../game", "bin//game", ""] {
        assert_refused("file_table_malformed", |it| {
            let game = at(it, "bin/game");
            it["entries"][game]["path"] = path.into();
        });
    }
    assert_refused("unsafe_path", |it| {
        let link = at(it, "start");
        it["entries"][link]["target"] = "../../etc/passwd".into();
    });
}

#[test]
fn table_without_a_root_is_refused() {
    assert_refused("file_table_malformed", |it| drop(it["entries"].as_array_mut().unwrap().remove(0)));
    assert_refused("file_table_malformed", |it| it["entries"] = json!([]));
}

#[test]
fn table_of_the_future_asks_for_a_newer_program() {
    assert_refused("launcher_too_old", |it| it["schema"] = 2.into());
}

#[test]
fn what_is_no_table_is_refused() {
    for bytes in [&b""[..], b"{}", &zstd::bulk::compress(b"{}", 1).unwrap(), &[0; 64]] {
        assert_eq!(FileTable::parse(bytes, &index(100)).unwrap_err().code(), "file_table_malformed");
    }
    let mut cut = table().to_bytes().unwrap();
    cut.truncate(cut.len() / 2);
    assert!(FileTable::parse(&cut, &index(table().layout().stream_bytes())).is_err());
}

#[test]
fn table_that_unpacks_to_more_than_its_stream_can_hold_is_refused() {
    let mut document = plain();
    let entry = document["entries"][0].clone();
    document["entries"].as_array_mut().unwrap().extend(vec![entry; 100_000]);
    let error = parse(&document, table().layout().stream_bytes()).unwrap_err();
    assert!(error.message_with_causes().contains("more entries than its stream"), "{error:?}");
}

#[test]
fn file_that_nobody_has_digested_makes_no_table() {
    assert_eq!(FileTable::new(layout(&[("a", 1)]), &|_| None).unwrap_err().code(), "file_table_malformed");
}

#[test]
fn blob_makes_no_table() {
    let digest = |_| Some(Digest([0; 32]));
    assert_eq!(FileTable::new(Layout::blob(10), &digest).unwrap_err().code(), "unsupported");
}

proptest! {
    #[test]
    fn tables_are_read_as_they_were_written(files in prop::collection::btree_map("bin/[b-m]{1,12}", 0_u64..200_000, 0..20)) {
        let files: Vec<_> = files.iter().map(|(path, size)| (path.as_str(), *size)).collect();
        let table = table_of(&files);
        let read = FileTable::parse(&table.to_bytes().unwrap(), &index(table.layout().stream_bytes())).unwrap();
        prop_assert_eq!(read, table);
    }

    #[test]
    fn damaged_tables_are_refused_or_read_and_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let table = table();
        let mut plain = zstd::stream::decode_all(&*table.to_bytes().unwrap()).unwrap();
        let at = at.index(plain.len());
        plain[at] = byte;
        let packed = zstd::bulk::compress(&plain, 1).unwrap();
        if let Ok(read) = FileTable::parse(&packed, &index(table.layout().stream_bytes())) {
            prop_assert_eq!(read.layout().stream_bytes(), table.layout().stream_bytes());
        }
    }
}
