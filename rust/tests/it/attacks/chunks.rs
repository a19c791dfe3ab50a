//! Stores that return something other than the requested chunk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::test_install::TestInstall;

/// The files of all chunks that the honest repository lacks.
fn new_chunks(test: &TestInstall, hostile: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in fs::read_dir(hostile.join("store")).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(files) = fs::read_dir(&folder) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            let honest = test.honest().join(file.strip_prefix(hostile).unwrap());
            if file.extension().is_some_and(|ending| ending == "cacnk") && !honest.exists() {
                found.push(file);
            }
        }
    }
    assert!(found.len() > 1, "{found:?}");
    found.sort();
    found
}

/// An attack with a store in which every chunk of 2.0.0 was modified in this way.
fn attack(treat: impl Fn(&Path, &[PathBuf]), code: &str) {
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    let chunks = new_chunks(&test, &hostile);
    for chunk in &chunks {
        treat(chunk, &chunks);
    }
    test.attack(&hostile, code);
}

#[test]
fn store_gives_other_chunks_than_those_asked_for() {
    let bytes = zstd::encode_all(&vec![7; 70_000][..], 1).unwrap();
    attack(|chunk, _| fs::write(chunk, &bytes).unwrap(), "chunk_corrupt");
}

#[test]
fn store_gives_bytes_that_are_no_chunk() {
    attack(|chunk, _| fs::write(chunk, b"<html>").unwrap(), "chunk_corrupt");
    attack(|chunk, _| fs::write(chunk, b"").unwrap(), "chunk_corrupt");
}

#[test]
fn store_gives_a_chunk_that_unpacks_to_gigabytes() {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    let block = vec![0; 1 << 20];
    (0..2048).for_each(|_| std::io::Write::write_all(&mut encoder, &block).unwrap());
    let bomb = encoder.finish().unwrap();
    attack(|chunk, _| fs::write(chunk, &bomb).unwrap(), "chunk_corrupt");
}

#[test]
fn store_gives_a_chunk_file_that_is_far_too_large() {
    let grow = |chunk: &Path, _: &[PathBuf]| fs::File::create(chunk).unwrap().set_len(1 << 40).unwrap();
    let test = TestInstall::new();
    let hostile = test.stolen("hostile");
    test.publish(&hostile, &test.keys(), "stable", "2.0.0");
    for chunk in new_chunks(&test, &hostile) {
        grow(&chunk, &[]);
    }
    test.attack_as_it_is(&[&hostile.display().to_string()], "chunk_corrupt");
    test.assert_survived();
}

#[test]
fn store_has_lost_its_chunks() {
    attack(|chunk, _| fs::remove_file(chunk).unwrap(), "chunk_missing");
}

/// A folder on a USB stick: an entry need not be a regular file.
#[test]
fn store_in_a_folder_with_things_that_are_no_files() {
    let folder = |chunk: &Path| fs::create_dir(chunk).unwrap();
    let endless = |chunk: &Path| symlink("/dev/zero", chunk).unwrap();
    let pipe = |chunk: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(chunk).status().unwrap().success());
    };
    let kinds = [("folder", &folder as &dyn Fn(&Path)), ("endless", &endless), ("pipe", &pipe)];
    let test = TestInstall::new();
    for (name, make) in kinds {
        let hostile = test.stolen(name);
        test.publish(&hostile, &test.keys(), "stable", "2.0.0");
        for chunk in new_chunks(&test, &hostile) {
            fs::remove_file(&chunk).unwrap();
            make(&chunk);
        }
        test.attack_as_it_is(&[&hostile.display().to_string()], "chunk_corrupt");
    }
    test.assert_survived();
}
