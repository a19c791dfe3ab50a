//! Chunks whose content does not match their id: the bad source is skipped, and named.

use std::fs;
use std::path::{Path, PathBuf};

use vsekai_updater::formats::chunk::ChunkId;

use super::Game;
use crate::support::run::{Run, extract};
use crate::support::server::TestServer;
use crate::support::stores::{Bench, read_index};
use crate::support::trees::{Same, assert_equal_trees, assert_same, copy, noise, snapshot};

type Damage = (&'static str, fn(&[u8]) -> Vec<u8>);

const DAMAGES: [Damage; 9] = [
    ("a flipped byte", |good| {
        let mut bad = good.to_vec();
        let middle = bad.len() / 2;
        bad[middle] ^= 0x40;
        bad
    }),
    ("cut short", |good| good[..good.len() - 1].to_vec()),
    ("empty", |_| Vec::new()),
    ("other content", |_| zstd::bulk::compress(&noise(77, 4_000), 1).unwrap()),
    ("a bomb", |_| zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap()),
    ("a bomb that announces no size", |_| {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        std::io::Write::write_all(&mut encoder, &vec![0; 64 << 20]).unwrap();
        encoder.finish().unwrap()
    }),
    ("far too large a file", |_| noise(5, 3 << 20)),
    ("not compressed", |_| b"plain text, no magic number".to_vec()),
    ("bytes after the frame", |good| [good, b"and more"].concat()),
];

/// A second, damaged store, and its damaged chunks by the kind of damage.
fn damaged_copy(game: &Game) -> (PathBuf, Vec<(ChunkId, &'static str)>) {
    let store = game.bench.path("bad store");
    copy(&game.bench.store(), &store);
    let index = read_index(&game.new_index);
    let missing = game.missing();
    // From all parts of the stream, including the last chunk, which contains directory entries.
    let candidates: Vec<_> = index.iter().filter(|chunk| missing.contains(&chunk.id)).collect();
    let step = candidates.len() / DAMAGES.len();
    let mut done = Vec::new();
    for (at, (name, damage)) in DAMAGES.iter().enumerate() {
        let id = candidates[candidates.len() - 1 - at * step].id;
        let path = store.join(id.store_path());
        fs::write(&path, damage(&fs::read(&path).unwrap())).unwrap();
        done.push((id, *name));
    }
    (store, done)
}

fn assert_warned(run: &Run, damaged: &[(ChunkId, &str)], origin: &str) {
    let warnings = run.warnings("chunk_corrupt");
    for (id, how) in damaged {
        let named = warnings.iter().any(|text| text.contains(&id.to_string()) && text.contains(origin));
        assert!(named, "{how}: {id} in {warnings:#?}");
    }
}

#[test]
fn second_store_is_used_and_the_first_is_named() {
    let game = Game::installed();
    let (bad, damaged) = damaged_copy(&game);
    let run = Run::of(&mut extract(&[&bad, &game.bench.store()], &game.new_index, &game.destination));
    run.done();
    assert_warned(&run, &damaged, bad.to_str().unwrap());
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn second_server_is_used_and_the_first_is_named() {
    let game = Game::installed();
    let (bad, damaged) = damaged_copy(&game);
    let (bad, good) = (TestServer::start(&bad), TestServer::start(&game.bench.store()));
    let run = Run::of(&mut extract(&[bad.url(), good.url()], &game.new_index, &game.destination));
    run.done();
    // A body that is too large is a failed request, not a damaged chunk: no warning names it.
    let decoded: Vec<_> = damaged.into_iter().filter(|(_, how)| *how != "far too large a file").collect();
    assert_warned(&run, &decoded, &bad.url());
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn damage_in_the_only_store_is_an_error_that_names_it_and_the_old_version_stays() {
    for (how, damage) in DAMAGES {
        let game = Game::installed();
        let id = *game.missing().iter().max().unwrap();
        let path = game.bench.store().join(id.store_path());
        fs::write(&path, damage(&fs::read(&path).unwrap())).unwrap();
        let before = snapshot(&game.destination);
        let message = game.extract(&game.new_index).failed("chunk_corrupt");
        assert!(message.contains(&id.to_string()), "{how}: {message}");
        assert!(message.contains(game.bench.store().to_str().unwrap()), "{how}: {message}");
        assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    }
}

#[test]
fn damage_in_all_stores_names_each() {
    let game = Game::new();
    let id = read_index(&game.old_index).get(10).unwrap().id;
    let other = game.bench.path("other");
    copy(&game.bench.store(), &other);
    Bench::put_stored(&game.bench.store(), id, b"garbage".to_vec());
    Bench::put_stored(&other, id, b"rubbish".to_vec());
    let message = Run::of(&mut extract(&[&game.bench.store(), &other], &game.old_index, &game.destination))
        .failed("chunk_corrupt");
    for part in [&id.to_string(), game.bench.store().to_str().unwrap(), other.to_str().unwrap()] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    assert!(!game.destination.exists());
}

#[test]
fn chunk_that_no_store_has_is_named_with_all_stores() {
    let game = Game::installed();
    let id = *game.missing().iter().min().unwrap();
    fs::remove_file(game.bench.store().join(id.store_path())).unwrap();
    let other = game.bench.path("other");
    fs::create_dir(&other).unwrap();
    let before = snapshot(&game.destination);
    let run = Run::of(&mut extract(&[&game.bench.store(), &other], &game.new_index, &game.destination));
    let message = run.failed("chunk_missing");
    for part in [&id.to_string(), game.bench.store().to_str().unwrap(), other.to_str().unwrap()] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    // Once the store is repaired, the next run continues.
    game.bench.publish("again.caidx", &game.new);
    game.extract(&game.new_index).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn chunk_that_no_server_has_is_named_with_all_servers() {
    let game = Game::new();
    let id = read_index(&game.old_index).get(10).unwrap().id;
    fs::remove_file(game.bench.store().join(id.store_path())).unwrap();
    let servers = [0, 1].map(|_| TestServer::start(&game.bench.store()));
    let urls = [servers[0].url(), servers[1].url()];
    let message = Run::of(&mut extract(&urls, &game.old_index, &game.destination)).failed("chunk_missing");
    assert!(message.contains(&id.to_string()) && urls.iter().all(|url| message.contains(url)), "{message}");
}

#[test]
fn store_that_is_not_there_is_an_error() {
    let game = Game::new();
    Run::of(&mut extract(&[game.bench.path("no store")], &game.old_index, &game.destination)).failed("not_found");
    Run::of(&mut extract(&[Path::new("http://127.0.0.1:9")], &game.old_index, &game.destination)).failed("offline");
    assert!(!game.destination.exists());
}
