//! Trees and files that serve as seeds, and folders that are taken over.

use std::collections::HashSet;
use std::fs;

use super::Game;
use crate::support::run::{Run, extract, planned};
use crate::support::server::TestServer;
use crate::support::trees::{Same, assert_equal_trees, copy, snapshot, write};

#[test]
fn folder_that_another_tool_extracted_is_taken_over() {
    let game = Game::new();
    fs::create_dir(game.bench.path("there")).unwrap();
    copy(&game.old, &game.destination);
    let server = TestServer::start(&game.bench.store());
    let mut command = extract(&[server.url()], &game.new_index, &game.destination);
    command.arg("--seed").arg(&game.destination).arg("--seed-index").arg(&game.old_index);
    Run::of(&mut command).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
    let missing: HashSet<String> =
        game.missing().iter().map(vsekai_updater::formats::chunk::ChunkId::store_path).collect();
    assert_eq!(server.take_counts().into_keys().collect::<HashSet<_>>(), missing);
    // From now on, the folder is ours.
    let again = Run::of(&mut extract(&[server.url()], &game.new_index, &game.destination));
    assert_eq!(again.done()["up_to_date"], true);
}

#[test]
fn taking_over_loses_no_file_of_the_users() {
    for with_index in [true, false] {
        let game = Game::new();
        fs::create_dir(game.bench.path("there")).unwrap();
        copy(&game.old, &game.destination);
        write(&game.destination, "saves/1.sav", b"precious");
        write(&game.destination, "data/levels/mine.map", b"my own");
        let mut command = extract(&[game.bench.store()], &game.new_index, &game.destination);
        command.arg("--seed").arg(&game.destination);
        if with_index {
            command.arg("--seed-index").arg(&game.old_index);
        }
        Run::of(&mut command).done();
        assert_eq!(fs::read(game.destination.join("saves/1.sav")).unwrap(), b"precious", "{with_index}");
        assert_eq!(fs::read(game.destination.join("data/levels/mine.map")).unwrap(), b"my own", "{with_index}");
        let (found, wanted) = (snapshot(&game.destination), snapshot(&game.new));
        for (path, seen) in wanted {
            assert_eq!(found[&path].what, seen.what, "{path:?}");
        }
    }
}

#[test]
fn taking_over_an_unchanged_folder_asks_for_nothing() {
    let game = Game::new();
    fs::create_dir(game.bench.path("there")).unwrap();
    copy(&game.old, &game.destination);
    let server = TestServer::start(&game.bench.store());
    let mut command = extract(&[server.url()], &game.old_index, &game.destination);
    command.arg("--seed").arg(&game.destination).arg("--seed-index").arg(&game.old_index);
    Run::of(&mut command).done();
    assert!(server.take_counts().is_empty());
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn seed_without_an_index_is_cut_anew() {
    let game = Game::new();
    let server = TestServer::start(&game.bench.store());
    let before = snapshot(&game.old);
    let mut command = extract(&[server.url()], &game.new_index, &game.destination);
    let run = Run::of(command.arg("--seed").arg(&game.old));
    assert!(planned(run.done(), "seed_bytes") > 500_000);
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
    let missing: HashSet<String> =
        game.missing().iter().map(vsekai_updater::formats::chunk::ChunkId::store_path).collect();
    assert_eq!(server.take_counts().into_keys().collect::<HashSet<_>>(), missing);
    crate::support::trees::assert_same(&before, &snapshot(&game.old), Same::Untouched);
}

#[test]
fn seed_that_is_not_what_its_index_says_costs_fetches_only() {
    let game = Game::new();
    let seed = game.bench.path("seed");
    copy(&game.old, &seed);
    let mut bytes = fs::read(seed.join("data/pack.pck")).unwrap();
    bytes[100_000..200_000].fill(1);
    fs::write(seed.join("data/pack.pck"), bytes).unwrap();
    fs::write(seed.join("data/levels/00.map"), vec![9; 3_000]).unwrap();
    let mut command = extract(&[game.bench.store()], &game.new_index, &game.destination);
    Run::of(command.arg("--seed").arg(&seed).arg("--seed-index").arg(&game.old_index)).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn seed_alone_is_enough_when_it_has_everything() {
    let game = Game::new();
    let empty = game.bench.path("empty store");
    fs::create_dir(&empty).unwrap();
    let mut command = extract(&[empty], &game.old_index, &game.destination);
    let run = Run::of(command.arg("--seed").arg(&game.old).arg("--seed-index").arg(&game.old_index));
    assert_eq!(planned(run.done(), "fetch_chunks"), 0);
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn seed_that_is_not_there_is_an_error_and_changes_nothing() {
    let game = Game::new();
    let mut command = extract(&[game.bench.store()], &game.old_index, &game.destination);
    Run::of(command.arg("--seed").arg(game.bench.path("no such folder"))).failed("not_found");
    assert!(!game.destination.exists());
}

#[test]
fn cache_keeps_what_was_fetched_and_a_bad_chunk_in_it_is_replaced() {
    let game = Game::new();
    let server = TestServer::start(&game.bench.store());
    let cache = game.bench.path("cache");
    let to = |name: &str| {
        let mut command = extract(&[server.url()], &game.old_index, &game.bench.path(name));
        Run::of(command.arg("--cache").arg(&cache)).done();
        server.take_counts()
    };
    let first = to("A");
    assert!(to("B").is_empty(), "all comes from the cache");
    let bad = first.keys().max().unwrap();
    fs::write(cache.join(bad), b"garbage").unwrap();
    assert_eq!(to("C").into_keys().collect::<Vec<_>>(), [bad.as_str()]);
    assert_eq!(fs::read(cache.join(bad)).unwrap(), fs::read(game.bench.store().join(bad)).unwrap());
    assert_equal_trees(&game.bench.path("C"), &game.old, Same::ModesAndTimes);
}

#[test]
fn cache_that_cannot_be_written_to_stops_nothing_and_a_lying_index_empties_none() {
    let game = Game::new();
    let server = TestServer::start(&game.bench.store());
    let cache = game.bench.path("cache");
    fs::create_dir(&cache).unwrap();
    let to = |name: &str, index: &std::path::Path| {
        let mut command = extract(&[server.url()], index, &game.bench.path(name));
        Run::of(command.arg("--cache").arg(&cache))
    };
    // A file in the place of each folder of chunks.
    (0..=0xffff).for_each(|at| fs::write(cache.join(format!("{at:04x}")), b"").unwrap());
    let run = to("A", &game.old_index);
    run.done();
    assert_eq!(run.lines.iter().filter(|line| line["event"] == "warned").count(), 1, "{:?}", run.lines);
    fs::remove_dir_all(&cache).unwrap();
    fs::create_dir(&cache).unwrap();
    to("B", &game.old_index).done();
    let count = || walk(&cache).len();
    let before = count();
    // The last chunk is a byte shorter than it is.
    let mut index = fs::read(&game.old_index).unwrap();
    let at = index.len() - 40 - 40;
    let end = u64::from_le_bytes(index[at..at + 8].try_into().unwrap());
    index[at..at + 8].copy_from_slice(&(end - 1).to_le_bytes());
    let lying = game.bench.path("lying.caidx");
    fs::write(&lying, index).unwrap();
    assert_ne!(to("C", &lying).code, Some(0));
    assert_eq!(count(), before);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
}
