//! Checks every way to make a layout against the others, and against damaged input.

#![expect(clippy::cast_possible_truncation, reason = "small archives")]

use std::ops::Range;

use proptest::prelude::*;

use super::*;

mod damage;

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;

#[expect(clippy::unnecessary_wraps, reason = "as nodes have it")]
fn path(text: &str) -> Option<RelPath> {
    Some(RelPath::new(text).unwrap())
}

fn root() -> NewNode {
    NewNode { path: None, metadata: NodeMetadata::for_tree(DIRECTORY), content: NewContent::Directory }
}

fn directory(at: &str) -> NewNode {
    NewNode { path: path(at), ..root() }
}

fn file(at: &str, size: u64) -> NewNode {
    let metadata = NodeMetadata::for_tree(FILE).with_mtime_ns(size);
    NewNode { path: path(at), metadata, content: NewContent::File { size } }
}

fn link(at: &str, target: &str) -> NewNode {
    let target = LinkTarget::new(&RelPath::new(at).unwrap(), target).unwrap();
    NewNode { path: path(at), metadata: NodeMetadata::for_tree(0o120_777), content: NewContent::Symlink { target } }
}

fn sample() -> Vec<NewNode> {
    let mut owned = file("b/full", 40);
    element::push(&mut owned.metadata.elements, &[21, 0xf453_131a_aeea_ccb3]);
    owned.metadata.elements.extend_from_slice(b"root\0");
    let pipe = NewNode { path: path("pipe"), metadata: NodeMetadata::for_tree(0o010_600), content: NewContent::Other };
    let disk = NewNode {
        path: path("disk"),
        metadata: NodeMetadata::for_tree(0o060_600),
        content: NewContent::Device { major: 8, minor: 1 },
    };
    vec![root(), directory("b"), owned, file("b/none", 0), directory("a"), link("b/link", "../a"), pipe, disk]
}

fn payload(node: usize, offset: u64) -> u8 {
    (node as u64 * 31 + offset * 7) as u8
}

/// The bytes of a range of an archive whose files contain [`payload`].
fn render(layout: &Layout, range: Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in layout.segments(range) {
        match segment {
            Segment::Header(bytes) => out.extend_from_slice(&bytes),
            Segment::Payload { node, offset, len } => out.extend((offset..offset + len).map(|at| payload(node, at))),
        }
    }
    out
}

fn walk(bytes: &[u8]) -> Result<Layout> {
    let mut walk = Walk::new(bytes.len() as u64)?;
    let mut rounds = 0;
    while !walk.wants().is_empty() {
        walk.advance(&mut |want| Ok(Some(bytes[want.start as usize..want.end as usize].to_vec())))?;
        rounds += 1;
        assert!(rounds < 10_000, "a walk that does not end");
    }
    walk.finish()
}

#[test]
fn what_a_forward_reader_passes_is_the_archive() {
    let layout = Layout::build(sample()).unwrap();
    let archive = render(&layout, 0..layout.stream_bytes());
    for piece_bytes in [1, 7, 64, archive.len()] {
        let (mut shown, mut headers, mut payloads) = (Vec::new(), 0, 0);
        let mut show = |passed: Passed<'_>| match passed {
            Passed::Header(bytes) => {
                headers += bytes.len();
                shown.extend_from_slice(bytes);
            }
            Passed::Payload { node, bytes } => {
                assert_eq!(layout.nodes()[node].path, path("b/full"), "the only file with content");
                payloads += bytes.len();
                shown.extend_from_slice(bytes);
            }
        };
        let mut forward = Forward::new();
        archive.chunks(piece_bytes).try_for_each(|piece| forward.feed_to(piece, &mut show)).unwrap();
        assert_eq!(forward.finish_to(&mut show).unwrap(), layout);
        assert_eq!((payloads, headers), (40, archive.len() - 40));
        assert_eq!(shown, archive, "in pieces of {piece_bytes}");
    }
}

#[test]
fn empty_tree_has_104_bytes() {
    let layout = Layout::build(vec![root()]).unwrap();
    assert_eq!(layout.stream_bytes(), 104);
    let bytes = render(&layout, 0..104);
    assert_eq!(walk(&bytes).unwrap(), layout);
    assert_eq!(read_forward(&bytes).unwrap(), layout);
}

#[test]
fn children_stand_in_byte_order_of_their_names() {
    let entries = ["b", "a.txt", "a", "B", "é", "a-"].map(directory);
    let mut entries: Vec<_> = entries.into_iter().chain([file("a/z", 1)]).collect();
    entries.insert(0, root());
    let layout = Layout::build(entries).unwrap();
    let paths: Vec<_> = layout.nodes().iter().skip(1).map(|node| node.path.as_ref().unwrap().as_str()).collect();
    assert_eq!(paths, ["B", "a", "a/z", "a-", "a.txt", "b", "é"]);
}

#[test]
fn all_ways_in_give_one_layout() {
    let layout = Layout::build(sample()).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    assert_eq!(bytes.len() as u64, layout.stream_bytes());
    assert_eq!(walk(&bytes).unwrap(), layout);
    assert_eq!(read_forward(&bytes).unwrap(), layout);
    let stored = serde_json::to_string(&layout).unwrap();
    assert_eq!(serde_json::from_str::<Layout>(&stored).unwrap(), layout);
}

#[test]
fn archive_may_be_one_file() {
    let layout = Layout::build(vec![NewNode { path: None, ..file("x", 5) }]).unwrap();
    let bytes = render(&layout, 0..85);
    assert_eq!(walk(&bytes).unwrap(), layout);
    assert_eq!(read_forward(&bytes).unwrap(), layout);
}

#[test]
fn blob_is_one_payload() {
    let layout = Layout::blob(1000);
    let middle: Vec<_> = layout.segments(10..2000).collect();
    assert_eq!(middle, [Segment::Payload { node: 0, offset: 10, len: 990 }]);
    assert_eq!(Layout::blob(0).segments(0..1).count(), 0);
    let stored = serde_json::to_string(&layout).unwrap();
    assert_eq!(stored, r#"{"blob":1000}"#);
    assert_eq!(serde_json::from_str::<Layout>(&stored).unwrap(), layout);
}

#[test]
fn order_of_an_archive_is_kept() {
    let entries = || [root(), file("b", 1), file("a", 1)].into_iter();
    let layout = build::in_order(3, entries(), &malformed).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    let walked = walk(&bytes).unwrap();
    assert_eq!(walked, layout);
    assert_ne!(walked, Layout::build(entries().collect()).unwrap());
    let stored = serde_json::to_string(&layout).unwrap();
    assert_eq!(serde_json::from_str::<Layout>(&stored).unwrap(), layout);
}

#[test]
fn large_directory_comes_in_slices() {
    let files = (0..20_000).map(|number| file(&format!("file-{number}"), number % 3));
    let layout = Layout::build([root()].into_iter().chain(files).collect()).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    let end = layout.stream_bytes();
    for start in [end - 300_000, end - 24, end - 480_040] {
        assert_eq!(render(&layout, start..end - 5), bytes[start as usize..(end - 5) as usize]);
    }
    assert_eq!(walk(&bytes).unwrap(), layout);
}

#[test]
fn walk_waits_for_bytes_that_are_not_there_yet() {
    let layout = Layout::build(sample()).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    let mut walk = Walk::new(bytes.len() as u64).unwrap();
    let mut asked = 0;
    while !walk.wants().is_empty() {
        let read = &mut |want: Range<u64>| {
            asked += 1;
            Ok((asked % 3 == 0).then(|| bytes[want.start as usize..want.end as usize].to_vec()))
        };
        walk.advance(read).unwrap();
    }
    assert_eq!(walk.finish().unwrap(), layout);
    assert!(Walk::new(10).unwrap().finish().is_err(), "not finished");
}

#[test]
fn walk_goes_on_after_a_failed_read() {
    let layout = Layout::build(sample()).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    let mut walk = Walk::new(bytes.len() as u64).unwrap();
    let wanted = walk.wants().to_vec();
    assert_eq!(walk.advance(&mut |_| Err(Error::Cancelled)).unwrap_err().code(), "cancelled");
    assert_eq!(walk.advance(&mut |_| Ok(Some(vec![0]))).unwrap_err().code(), "invalid_argument");
    assert_eq!(walk.wants(), wanted);
    while !walk.wants().is_empty() {
        walk.advance(&mut |want| Ok(Some(bytes[want.start as usize..want.end as usize].to_vec()))).unwrap();
    }
    assert_eq!(walk.finish().unwrap(), layout);
}

#[test]
fn many_attributes_do_not_mean_many_rounds() {
    let mut entry = file("a", 3);
    for number in 0..20_000 {
        let body = format!("user.{number:06}\0value");
        element::push(&mut entry.metadata.elements, &[16 + body.len() as u64, 0xb815_7091_f80b_c486]);
        entry.metadata.elements.extend_from_slice(body.as_bytes());
    }
    let layout = Layout::build(vec![root(), entry.clone()]).unwrap();
    let bytes = render(&layout, 0..layout.stream_bytes());
    let mut walk = Walk::new(bytes.len() as u64).unwrap();
    for _ in 0..20 {
        walk.advance(&mut |want| Ok(Some(bytes[want.start as usize..want.end as usize].to_vec()))).unwrap();
    }
    assert_eq!(walk.finish().unwrap(), layout);
    let mut forward = Forward::new();
    bytes.chunks(100).for_each(|piece| forward.feed(piece).unwrap());
    assert_eq!(forward.finish().unwrap(), layout);
    entry.metadata.elements.extend_from_within(..);
    assert!(Layout::build(vec![root(), entry]).is_err(), "more than a mebibyte");
}

#[test]
fn names_that_a_disk_folds_into_one_are_found() {
    let layout = Layout::build(vec![root(), directory("a"), file("a/É", 0), file("a/é", 0)]).unwrap();
    assert_eq!(layout.check_case_collisions().unwrap_err().code(), "unsafe_path");
    assert!(Layout::build(sample()).unwrap().check_case_collisions().is_ok());
}

#[test]
fn node_is_small() {
    assert!(size_of::<Node>() <= 160, "{}", size_of::<Node>());
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,2}", "[a-zA-Z0-9 ._-]{1,40}", "[あ-ん]{1,40}", Just("n".repeat(255)),]
        .prop_filter("a name that is refused", |name| crate::path::check_name(name).is_ok())
}

prop_compose! {
    // Each node goes below one of the directories before it; duplicate names are dropped.
    fn tree()(picks in prop::collection::vec((any::<prop::sample::Index>(), name(), 0..6_u8, 0..3000_u64), 0..60))
        -> Vec<NewNode> {
        let mut entries = vec![root()];
        for (parent, name, kind, size) in picks {
            let places: Vec<_> =
                entries.iter().filter(|entry| entry.content == NewContent::Directory).map(|entry| entry.path.clone()).collect();
            let at = match &places[parent.index(places.len())] {
                None => name,
                Some(parent) => format!("{parent}/{name}"),
            };
            if RelPath::new(&at).is_err() || entries.iter().any(|entry| entry.path == path(&at)) {
                continue;
            }
            entries.push(match kind {
                0 | 1 => directory(&at),
                2 => link(&at, "x/../y"),
                3 => file(&at, 0),
                _ => file(&at, size),
            });
        }
        entries
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_read_back(
        entries in tree(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 2),
        piece in 1..2000_usize,
    ) {
        let layout = Layout::build(entries).unwrap();
        let len = layout.stream_bytes();
        let bytes = render(&layout, 0..len);
        prop_assert_eq!(bytes.len() as u64, len);
        prop_assert_eq!(&walk(&bytes).unwrap(), &layout);
        let mut forward = Forward::new();
        for part in bytes.chunks(piece) {
            forward.feed(part).unwrap();
        }
        prop_assert_eq!(&forward.finish().unwrap(), &layout);
        let stored = serde_json::to_string(&layout).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Layout>(&stored).unwrap(), &layout);
        let (a, b) = (cuts[0].index(bytes.len()), cuts[1].index(bytes.len()));
        let (a, b) = (a.min(b), a.max(b));
        prop_assert_eq!(render(&layout, a as u64..b as u64), &bytes[a..b]);
    }
}
