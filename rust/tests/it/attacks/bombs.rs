//! Small files that unpack to, or require, more than there is room for.

use std::io::Write;
use std::process::Command;

use serde_json::json;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::archive::{Layout, NewContent, NewNode, NodeMetadata};
use vsekai_updater::formats::index::{FeatureFlags, Index};
use vsekai_updater::formats::release::FileTable;
use vsekai_updater::limits;
use vsekai_updater::path::RelPath;

use super::attacker::{Attacker, Documents};
use super::test_install::TestInstall;
use crate::support::run::{Run, vsekai};

/// zstd of `head`, then `part` repeated up to `bytes`.
fn packed(head: &str, part: &str, bytes: usize) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(head.as_bytes()).unwrap();
    let block = part.repeat((1 << 20) / part.len());
    for _ in 0..bytes / block.len() {
        encoder.write_all(block.as_bytes()).unwrap();
    }
    encoder.finish().unwrap()
}

/// An update in a process with 2 GiB of address space, which ends if it accepts the bomb.
fn attack(files: Vec<u8>) {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let change = |documents: &mut Documents| documents.files = files;
    Attacker::new(&hostile, &test.keys()).change_documents("stable", "2.0.0", change);
    let before = test.before();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 2097152 && exec \"$0\" \"$@\""]).arg(vsekai().get_program());
    command.args(["--json", "--threads", "1", "--update"]).arg(test.install()).arg("--repository").arg(&hostile);
    command.env("NO_PROXY", "*").env("XDG_CACHE_HOME", "/nonexistent");
    Run::of(&mut command).failed("file_table_malformed");
    test.assert_untouched(&before);
    test.assert_survived();
}

const HEAD: &str = r#"{"schema":1,"stream_bytes":9,"flags":0,"entries":["#;

#[test]
fn file_table_with_more_entries_than_memory() {
    attack(packed(HEAD, r#"{"kind":"directory","mode":16877},"#, 1 << 30));
}

#[test]
fn file_table_with_a_name_longer_than_memory() {
    attack(packed(&format!(r#"{HEAD}{{"path":""#), "a", 1 << 30));
    attack(packed(&format!(r#"{HEAD}{{"path":""#), r#"\""#, 1 << 30));
}

#[test]
fn file_table_with_depth_instead_of_length() {
    attack(packed(HEAD, "[", 1 << 20));
}

#[test]
fn index_of_more_than_any_disk_holds() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let attacker = Attacker::new(&hostile, &test.keys());
    let index = Index::parse(&attacker.documents("stable", "2.0.0").index).unwrap();
    let id = index.get(0).unwrap().id;
    let node = |path: Option<&str>, mode, content| NewNode {
        path: path.map(|path| RelPath::new(path).unwrap()),
        metadata: NodeMetadata::for_tree(mode),
        content,
    };
    let size = 1 << 50;
    let nodes =
        vec![node(None, 0o40_755, NewContent::Directory), node(Some("game"), 0o100_755, NewContent::File { size })];
    let layout = Layout::build(nodes).unwrap();
    let mut huge = Index::new(FeatureFlags::TREE, index.sizes());
    let mut left = layout.stream_bytes();
    while left > 0 && huge.len() < 100 {
        let size = left.min(limits::MAX_CHUNK_BYTES);
        if huge.push(id, size).is_err() {
            break;
        }
        left -= size;
    }
    let table = FileTable::new(layout, &|_| Some(Digest([0; 32]))).unwrap();
    attacker.change_documents("stable", "2.0.0", |documents| {
        documents.index = huge.to_bytes();
        documents.files = table.to_bytes().unwrap();
        documents.release["sizes"]["tree_bytes"] = json!(size);
    });
    test.attack(&hostile, "file_table_malformed");
}

/// 10^17 bytes from one chunk: it would be downloaded once, and written forever.
#[test]
fn tree_of_more_than_the_disk_holds_is_refused_before_anything_is_written() {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let attacker = Attacker::new(&hostile, &test.keys());
    let index = Index::parse(&attacker.documents("stable", "2.0.0").index).unwrap();
    let mut huge = Index::new(FeatureFlags::TREE, index.sizes());
    let max = index.sizes().max();
    let node = |path: Option<&str>, mode, content| NewNode {
        path: path.map(|path| RelPath::new(path).unwrap()),
        metadata: NodeMetadata::for_tree(mode),
        content,
    };
    let chunks = 400_000;
    let layout_of = |size| {
        let nodes =
            vec![node(None, 0o40_755, NewContent::Directory), node(Some("game"), 0o100_755, NewContent::File { size })];
        Layout::build(nodes).unwrap()
    };
    let extra = layout_of(0).stream_bytes();
    let layout = layout_of(chunks * max - extra);
    let id = index.get(0).unwrap().id;
    (0..chunks).for_each(|_| huge.push(id, max).unwrap());
    let table = FileTable::new(layout, &|_| Some(Digest([0; 32]))).unwrap();
    attacker.change_documents("stable", "2.0.0", |documents| {
        documents.index = huge.to_bytes();
        documents.files = table.to_bytes().unwrap();
    });
    test.attack_from(&[&hostile.display().to_string()], "disk_full");
    assert_eq!(test.launch(), "this is 1.0.0");
}
