//! Trees that are valid, and as much work as their bytes allow.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use vsekai_updater::formats::archive::{Layout, NewContent, NewNode, NodeMetadata, Segment};
use vsekai_updater::formats::chunk::{Compressor, DigestAlgorithm, VerifiedChunk};
use vsekai_updater::net::api::batch;
use vsekai_updater::path::RelPath;

use super::bodies;
use crate::support::deployment::{TestDeployment, is_release, noise, text};

/// Publications that are committed at the same time. Only one of them can be the next version.
const AT_ONCE: usize = 4;

/// Prepares and signs publications that differ, of trees with many files and with a large one. The server is started
/// again then: it has not followed the trees, so each commit has to rebuild its own.
pub(super) fn prepare(test: &mut TestDeployment) -> Vec<String> {
    let (zeros, files) = if is_release() { (1 << 30, 10_000) } else { (32 << 20, 1000) };
    let tree = test.build(2);
    fs::File::create(tree.join("data/zeros")).unwrap().set_len(zeros).unwrap();
    for number in 0..files {
        let folder = tree.join(format!("data/{}", number % 100));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(number.to_string()), number.to_string()).unwrap();
    }
    let prepare = |number: usize| {
        fs::File::create(tree.join("data/news.pck")).unwrap().write_all(&noise(9, 400_000 + number)).unwrap();
        let name = format!("prepared-{number}.json");
        let version = format!("8.{number}.0");
        let call =
            test.publisher(&["publish", "build-2", "--mode", "stable", "--version", &version, "--entry", "game"]);
        call.args(["--platform", "linux-x86_64", "--server", test.url(), "--keys", "keys", "--prepare", &name]).done();
        test.publisher(&["sign", &name, "--yes", "--keys", "keys"]).done();
        name
    };
    let prepared = (0..AT_ONCE).map(prepare).collect();
    fs::remove_dir_all(&tree).unwrap();
    test.kill();
    test.start();
    prepared
}

/// Commits all of them at once, from these tokens in turn. One gets through; the others are too late then.
pub(super) fn commit(test: &TestDeployment, prepared: &[String], tokens: &[String]) {
    let commits = prepared.iter().zip(tokens.iter().cycle()).map(|(name, token)| {
        let mut call = test.publisher(&["publish", "--commit", name, "--server", test.url()]).0;
        call.env("VSEKAI_TOKEN", token).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let commits: Vec<_> = commits.collect();
    let outputs: Vec<_> = commits.into_iter().map(|it| it.wait_with_output().unwrap()).collect();
    let done = outputs.iter().filter(|output| output.status.success()).count();
    let said: Vec<_> = outputs.iter().map(text).collect();
    assert_eq!(done, 1, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("_stale")).count(), AT_ONCE - 1, "{said:?}");
    let log = fs::read_to_string(test.path("server.log")).unwrap();
    assert!(log.matches("rebuilding the tree").count() >= tokens.len(), "each token has had its turn: {log}");
}

/// Where the chunks of a tree belong that is a file of this many MiB of zeros, and its first chunk as a batch has it. The
/// others are bombs.
pub(super) fn of_zeros(mebibytes: usize) -> (Vec<Value>, Vec<u8>) {
    let node = |path: Option<&str>, mode, content| NewNode {
        path: path.map(|path| RelPath::new(path).unwrap()),
        metadata: NodeMetadata::for_tree(mode),
        content,
    };
    let size = (mebibytes as u64) << 20;
    let file = node(Some("game"), 0o100_755, NewContent::File { size });
    let layout = Layout::build(vec![node(None, 0o40_755, NewContent::Directory), file]).unwrap();
    let mut head = Vec::new();
    for segment in layout.segments(0..layout.stream_bytes()) {
        match segment {
            Segment::Header(bytes) => head.extend_from_slice(&bytes),
            Segment::Payload { .. } => break,
        }
    }
    let start = head.len() as u64;
    let first = VerifiedChunk::of(head, DigestAlgorithm::Sha512_256);
    let mut positions = vec![json!({"position": 0, "id": first.id().to_string()})];
    let bomb = bodies::bomb_id();
    positions.extend((0..mebibytes as u64).map(|at| json!({"position": start + (at << 20), "id": bomb})));
    let mut body = Vec::new();
    batch::append(&mut body, &Compressor::new(3).unwrap().compress(&first).unwrap()).unwrap();
    (positions, body)
}
