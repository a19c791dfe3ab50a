//! Unusual stores.

use std::fs;

use crate::support::run::{Run, extract, planned};
use crate::support::stores::{Bench, read_index};
use crate::support::tools::{Maker, is_there, tool};
use crate::support::trees::{Same, assert_equal_trees, noise, write};

#[test]
fn chunks_of_1_4_and_16_mebibytes() {
    let maker = Maker::Desync(&[]);
    if !maker.is_there() {
        return;
    }
    let bench = Bench::in_memory();
    let (tree, store) = (bench.path("tree"), bench.store());
    write(&tree, "big", &noise(1, 30_000_000));
    write(&tree, "zeros", &vec![0; 34_000_000]);
    write(&tree, "a/small", b"small");
    let index = bench.path("large.caidx");
    fs::create_dir(&store).unwrap();
    let [s, i, t] = [&store, &index, &tree].map(|path| path.to_str().unwrap());
    tool("desync", &["tar", "-i", "-m", "1024:4096:16384", "-s", s, i, t]);
    assert_eq!(read_index(&index).sizes().max(), 16 << 20);
    let run = Run::of(&mut extract(&[&store], &index, &bench.path("GAME")));
    assert!(planned(run.done(), "index_chunks") < 40);
    assert_equal_trees(&bench.path("GAME"), &tree, Same::ModesAndTimes);
    write(&tree, "big", &[noise(1, 20_000_000), noise(2, 10_000_000)].concat());
    tool("desync", &["tar", "-i", "-m", "1024:4096:16384", "-s", s, i, t]);
    let run = Run::of(&mut extract(&[&store], &index, &bench.path("GAME")));
    assert!(planned(run.done(), "seed_bytes") > 10_000_000, "{}", run.done());
    assert_equal_trees(&bench.path("GAME"), &tree, Same::ModesAndTimes);
}

#[test]
fn index_whose_flag_names_the_wrong_digest_is_read_with_a_warning() {
    let maker = Maker::Casync(&["--digest=sha256"]);
    if !maker.is_there() {
        return;
    }
    let bench = Bench::in_memory();
    let (tree, destination) = (bench.path("tree"), bench.path("GAME"));
    for version in 0..2 {
        write(&tree, "file", &[noise(version, 400_000), noise(9, 600_000)].concat());
        write(&tree, &format!("added {version}"), b"small");
        let index = bench.path("lying.caidx");
        maker.make(&bench.store(), &index, &tree);
        let mut bytes = fs::read(&index).unwrap();
        assert_eq!(bytes[23] & 0x20, 0, "casync sets the flag as it should");
        bytes[23] |= 0x20;
        fs::write(&index, bytes).unwrap();
        let run = Run::of(&mut extract(&[bench.store()], &index, &destination));
        run.done();
        let warnings = run.warnings("invalid_argument");
        assert!(warnings.len() == 1 && warnings[0].contains("mislabelled"), "{warnings:?}");
        assert_equal_trees(&destination, &tree, Same::ModesAndTimes);
        assert!(version == 0 || planned(run.done(), "seed_bytes") > 300_000, "{}", run.done());
    }
}

#[test]
fn store_without_compression_is_an_error_that_names_it() {
    if !is_there("desync") {
        return;
    }
    let bench = Bench::in_memory();
    let (tree, store, index) = (bench.path("tree"), bench.store(), bench.path("plain.caidx"));
    write(&tree, "file", &noise(1, 300_000));
    fs::create_dir(&store).unwrap();
    let config = bench.path("config.json");
    let [s, i, t, c] = [&store, &index, &tree, &config].map(|path| path.to_str().unwrap());
    fs::write(&config, format!(r#"{{"store-options": {{"{s}": {{"uncompressed": true}}}}}}"#)).unwrap();
    tool("desync", &["--config", c, "tar", "-i", "-s", s, i, t]);
    let message = Run::of(&mut extract(&[&store], &index, &bench.path("GAME"))).failed("chunk_missing");
    assert!(message.contains(s), "{message}");
    assert!(!bench.path("GAME").exists());
}
