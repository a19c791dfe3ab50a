//! Compares our archives with those that casync and desync write for the same tree, byte for byte.
//!
//! Each test needs its program on `PATH`, and prints a line if it is missing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use vsekai_updater::formats::archive::{Layout, NewContent, NewNode, NodeMetadata, Segment, Walk, read_forward};
use vsekai_updater::path::{LinkTarget, RelPath};

// The options that make casync record exactly what desync records.
const TREE: [&str; 8] = [
    "--with=32bit-uids",
    "--with=nsec-time",
    "--with=permissions",
    "--with=symlinks",
    "--with=device-nodes",
    "--with=fifos",
    "--with=sockets",
    "--with=xattrs",
];

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--help").output().is_ok();
    if !found {
        let skipped = format!("SKIPPED: {program} is not on PATH, our archives are not compared with its\n");
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    found
}

fn make_tree(root: &Path, longest_name: usize) {
    let write = |name: &str, content: &[u8], mode: u32| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("none", b"", 0o644);
    write("run me", b"#!/bin/sh\n", 0o755);
    write("a/b/c/d/e/f/g/h/deep", &vec![7; 300_000], 0o600);
    write("ゲーム/données.txt", "é".as_bytes(), 0o444);
    write(&format!("long/{}", "n".repeat(longest_name)), b"long", 0o644);
    for number in 0..150 {
        write(&format!("many/file-{number}"), number.to_string().as_bytes(), 0o644);
    }
    // Names for which byte order differs from the order of whole paths.
    write("order/x/y", b"1", 0o644);
    write("order/x-y", b"2", 0o644);
    write("order/x.y", b"3", 0o644);
    fs::create_dir(root.join("empty")).unwrap();
    symlink("../none", root.join("a/link")).unwrap();
    symlink("b/c", root.join("a/into")).unwrap();
}

fn list(root: &Path) -> Vec<NewNode> {
    let mut nodes = vec![node(root, None)];
    let mut at = 0;
    while let Some(next) = nodes.get(at) {
        if next.content == NewContent::Directory {
            let parent = next.path.clone();
            let folder = parent.as_ref().map_or_else(|| root.to_path_buf(), |path| path.below(root));
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let path = parent.as_ref().map_or_else(|| RelPath::new(&name), |parent| parent.child(&name)).unwrap();
                nodes.push(node(root, Some(path)));
            }
        }
        at += 1;
    }
    nodes
}

fn node(root: &Path, path: Option<RelPath>) -> NewNode {
    let on_disk = path.as_ref().map_or_else(|| root.to_path_buf(), |path| path.below(root));
    let found = fs::symlink_metadata(&on_disk).unwrap();
    let mtime = u64::try_from(found.mtime()).unwrap() * 1_000_000_000 + u64::try_from(found.mtime_nsec()).unwrap();
    let mut metadata = NodeMetadata::for_tree(found.mode()).with_mtime_ns(mtime);
    (metadata.uid, metadata.gid) = (found.uid().into(), found.gid().into());
    let content = if found.is_dir() {
        NewContent::Directory
    } else if found.is_symlink() {
        let target = fs::read_link(&on_disk).unwrap();
        NewContent::Symlink { target: LinkTarget::new(path.as_ref().unwrap(), target.to_str().unwrap()).unwrap() }
    } else if found.file_type().is_fifo() {
        NewContent::Other
    } else {
        NewContent::File { size: found.len() }
    };
    NewNode { path, metadata, content }
}

fn render(layout: &Layout, root: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in layout.segments(0..layout.stream_bytes()) {
        match segment {
            Segment::Header(bytes) => out.extend_from_slice(&bytes),
            Segment::Payload { node, offset, len } => {
                let content = fs::read(layout.nodes()[node].path.as_ref().unwrap().below(root)).unwrap();
                assert_eq!((offset, len), (0, content.len() as u64));
                out.extend(content);
            }
        }
    }
    out
}

fn walk(archive: &[u8]) -> Layout {
    let mut walk = Walk::new(archive.len() as u64).unwrap();
    while !walk.wants().is_empty() {
        let read = |at: u64| usize::try_from(at).unwrap();
        walk.advance(&mut |want| Ok(Some(archive[read(want.start)..read(want.end)].to_vec()))).unwrap();
    }
    walk.finish().unwrap()
}

fn run(program: &mut Command) {
    let done = program.output().unwrap();
    assert!(done.status.success(), "{program:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Reads the archive in both ways and renders it again. Returns its layout.
fn check(archive: &Path, tree: &Path) -> Layout {
    let bytes = fs::read(archive).unwrap();
    let layout = walk(&bytes);
    assert!(read_forward(&bytes).unwrap() == layout);
    assert!(render(&layout, tree) == bytes, "{} is not rendered as it was", archive.display());
    layout
}

#[test]
fn casync_archives_render_back_and_ours_are_the_same() {
    if !is_there("casync") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (tree, archive) = (folder.path().join("tree"), folder.path().join("x.catar"));
    make_tree(&tree, 255);
    run(Command::new("mkfifo").arg(tree.join("pipe")));
    for flags in [&[][..], &["--without=all"], &["--with=fat"], &["--with=best"], &["--without=user-names"], &TREE] {
        run(Command::new("casync").arg("make").args(flags).arg(&archive).arg(&tree));
        let theirs = check(&archive, &tree);
        if flags == TREE {
            assert!(Layout::build(list(&tree)).unwrap() == theirs);
        }
    }
}

/// `a` has an owner, an attribute, ACLs and capabilities; `d` has an owner, an attribute and default ACLs.
#[test]
fn casync_metadata_is_kept_as_it_is() {
    let bytes = include_bytes!("../fixtures/casync-metadata.catar");
    let layout = walk(bytes);
    assert_eq!(read_forward(bytes).unwrap(), layout);
    let elements: Vec<_> = layout.nodes().iter().map(|node| node.metadata.elements.len()).collect();
    assert_eq!(elements, [0, 214, 504, 0, 0]);
    let mut at = 0;
    for segment in layout.segments(0..layout.stream_bytes()) {
        let size = usize::try_from(segment.size()).unwrap();
        if let Segment::Header(header) = segment {
            assert_eq!(header, &bytes[at..at + size]);
        }
        at += size;
    }
    assert_eq!(at, bytes.len());
    let stored = serde_json::to_string(&layout).unwrap();
    assert_eq!(serde_json::from_str::<Layout>(&stored).unwrap(), layout);
}

#[test]
fn casync_reads_our_archive() {
    if !is_there("casync") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (tree, archive) = (folder.path().join("tree"), folder.path().join("x.catar"));
    // casync extracts to longer temporary names first.
    make_tree(&tree, 200);
    let layout = Layout::build(list(&tree)).unwrap();
    fs::write(&archive, render(&layout, &tree)).unwrap();
    let out = folder.path().join("out");
    run(Command::new("casync").arg("extract").args(["--seed-output=no"]).arg(&archive).arg(&out));
    assert!(Layout::build(list(&out)).unwrap() == layout);
}

#[test]
fn desync_archives_render_back_and_ours_are_the_same() {
    if !is_there("desync") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (tree, archive) = (folder.path().join("tree"), folder.path().join("x.catar"));
    make_tree(&tree, 255);
    run(Command::new("desync").arg("tar").arg(&archive).arg(&tree));
    let theirs = check(&archive, &tree);
    assert!(Layout::build(list(&tree)).unwrap() == theirs);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(&archive, render(&theirs, &tree)).unwrap();
    run(Command::new("desync").arg("untar").arg("--no-same-owner").arg(&archive).arg(&out));
}
