//! `.caibx`: a single file.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::support::run::{Run, extract};
use crate::support::server::TestServer;
use crate::support::stores::{Bench, ids, read_index};
use crate::support::trees::noise;

struct Blob {
    bench: Bench,
    old: Vec<u8>,
    new: Vec<u8>,
    old_index: PathBuf,
    new_index: PathBuf,
    destination: PathBuf,
}

impl Blob {
    fn new() -> Self {
        let bench = Bench::in_memory();
        let old = [noise(1, 300_000), vec![0; 200_000], noise(2, 100_000)].concat();
        let new = [&noise(3, 5_000), &old[..150_000], &noise(4, 20_000), &old[150_000..], b"end"].concat();
        let old_index = bench.publish_blob("v1.caibx", &old);
        let new_index = bench.publish_blob("v2.caibx", &new);
        let destination = bench.path("out/disk.img");
        Self { bench, old, new, old_index, new_index, destination }
    }

    fn missing(&self) -> HashSet<String> {
        let (old, new) = (read_index(&self.old_index), read_index(&self.new_index));
        ids(&new).difference(&ids(&old)).map(vsekai_updater::formats::chunk::ChunkId::store_path).collect()
    }
}

#[test]
fn file_is_extracted_updated_and_left_alone() {
    let blob = Blob::new();
    let server = TestServer::start(&blob.bench.store());
    let go = |index| Run::of(&mut extract(&[server.url()], index, &blob.destination));
    go(&blob.old_index).done();
    assert!(fs::read(&blob.destination).unwrap() == blob.old);
    server.take_counts();
    assert_eq!(go(&blob.old_index).done()["up_to_date"], true);
    assert!(server.take_counts().is_empty());
    go(&blob.new_index).done();
    assert!(fs::read(&blob.destination).unwrap() == blob.new);
    assert_eq!(server.take_counts().into_keys().collect::<HashSet<_>>(), blob.missing());
}

#[test]
fn file_seed_gives_what_it_has() {
    let blob = Blob::new();
    let server = TestServer::start(&blob.bench.store());
    let seed = blob.bench.path("v1.caibx.plain");
    for (name, with_index) in [("a", true), ("b", false)] {
        let destination = blob.bench.path(name);
        let mut command = extract(&[server.url()], &blob.new_index, &destination);
        command.arg("--seed").arg(&seed);
        if with_index {
            command.arg("--seed-index").arg(&blob.old_index);
        }
        Run::of(&mut command).done();
        assert!(fs::read(&destination).unwrap() == blob.new);
        assert_eq!(server.take_counts().into_keys().collect::<HashSet<_>>(), blob.missing(), "{with_index}");
    }
}

#[test]
fn file_that_is_not_ours_is_refused_unless_taken_over() {
    let blob = Blob::new();
    fs::create_dir(blob.bench.path("out")).unwrap();
    fs::write(&blob.destination, &blob.old).unwrap();
    Run::of(&mut extract(&[blob.bench.store()], &blob.new_index, &blob.destination)).failed("destination_not_ours");
    assert!(fs::read(&blob.destination).unwrap() == blob.old);
    let mut command = extract(&[blob.bench.store()], &blob.new_index, &blob.destination);
    Run::of(command.arg("--seed").arg(&blob.destination).arg("--seed-index").arg(&blob.old_index)).done();
    assert!(fs::read(&blob.destination).unwrap() == blob.new);
}

#[test]
fn folder_where_a_file_should_be_is_refused() {
    let blob = Blob::new();
    fs::create_dir_all(&blob.destination).unwrap();
    Run::of(&mut extract(&[blob.bench.store()], &blob.new_index, &blob.destination)).failed("invalid_argument");
}

#[test]
fn changed_file_is_repaired() {
    let blob = Blob::new();
    Run::of(&mut extract(&[blob.bench.store()], &blob.old_index, &blob.destination)).done();
    let mut bytes = blob.old.clone();
    bytes[250_000..350_000].fill(3);
    fs::write(&blob.destination, bytes).unwrap();
    Run::of(&mut extract(&[blob.bench.store()], &blob.old_index, &blob.destination)).done();
    assert!(fs::read(&blob.destination).unwrap() == blob.old);
}

#[test]
fn file_of_no_bytes_and_file_of_zeros_are_files() {
    let bench = Bench::in_memory();
    for (name, bytes) in [("none.caibx", vec![]), ("zeros.caibx", vec![0; 1_000_000]), ("one.caibx", vec![1])] {
        let index = bench.publish_blob(name, &bytes);
        let destination = bench.path(&format!("{name}.out"));
        Run::of(&mut extract(&[bench.store()], &index, &destination)).done();
        assert!(fs::read(&destination).unwrap() == bytes, "{name}");
        let again = Run::of(&mut extract(&[bench.store()], &index, &destination));
        assert_eq!(again.done()["up_to_date"], true, "{name}");
    }
}
