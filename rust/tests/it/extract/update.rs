//! Install, update and repair: the destination becomes the version, without unnecessary work.

use std::collections::HashSet;
use std::fs;

use super::Game;
use crate::support::run::{Run, extract, planned};
use crate::support::server::TestServer;
use crate::support::stores::{ids, read_index};
use crate::support::trees::{Same, assert_equal_trees, assert_same, chmod, snapshot};

#[test]
fn installed_tree_equals_the_published_one() {
    let game = Game::new();
    let done = game.extract(&game.old_index);
    assert_eq!(done.done()["up_to_date"], false);
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn same_version_again_asks_for_nothing_and_touches_nothing() {
    let game = Game::new();
    let server = TestServer::start(&game.bench.store());
    let again = || Run::of(&mut extract(&[server.url()], &game.old_index, &game.destination));
    let first = again();
    let asked = server.take_counts();
    assert_eq!(first.done()["transfer"]["requests"], asked.values().sum::<u64>());
    assert!(asked.values().all(|count| *count == 1), "{asked:?}");
    let before = snapshot(game.bench.root());
    let second = again();
    assert_eq!(second.done()["up_to_date"], true);
    assert_eq!(second.done()["written_bytes"], 0);
    assert!(server.take_counts().is_empty());
    let mut after = snapshot(game.bench.root());
    // Taking the lock writes its file.
    let lock = std::path::Path::new("there/.GAME.vsekai/lock");
    after.insert(lock.to_owned(), before[lock].clone());
    assert_same(&before, &after, Same::Untouched);
}

#[test]
fn update_equals_a_fresh_install_and_asks_for_each_missing_chunk_once() {
    let game = Game::new();
    let server = TestServer::start(&game.bench.store());
    Run::of(&mut extract(&[server.url()], &game.old_index, &game.destination)).done();
    server.take_counts();
    let run = Run::of(&mut extract(&[server.url()], &game.new_index, &game.destination));
    let asked = server.take_counts();
    let missing: HashSet<String> =
        game.missing().iter().map(vsekai_updater::formats::chunk::ChunkId::store_path).collect();
    assert!(asked.values().all(|count| *count == 1), "{asked:?}");
    assert_eq!(asked.keys().cloned().collect::<HashSet<_>>(), missing);
    assert!(missing.len() < ids(&read_index(&game.new_index)).len() / 2);
    assert_eq!(run.done()["transfer"]["requests"], missing.len() as u64);
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn unchanged_and_moved_files_are_taken_over_without_writing_them() {
    let game = Game::installed();
    let before = snapshot(&game.destination);
    let run = game.extract(&game.new_index);
    let after = snapshot(&game.destination);
    let inode = |tree: &crate::support::trees::Snapshot, name: &str| tree[std::path::Path::new(name)].inode;
    assert_eq!(inode(&after, "data/sounds.pck"), inode(&before, "data/sounds.pck"));
    assert_eq!(inode(&after, "assets/main.pck"), inode(&before, "data/pack.pck"));
    assert_ne!(inode(&after, "bin/game"), inode(&before, "bin/game"));
    assert!(planned(run.done(), "kept_bytes") >= 500_000);
    assert!(run.done()["written_bytes"].as_u64().unwrap() < 450_000, "{}", run.done());
}

#[test]
fn a_way_back_is_an_update_like_any_other() {
    let game = Game::installed();
    game.extract(&game.new_index).done();
    let run = game.extract(&game.old_index);
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
    assert!(planned(run.done(), "kept_bytes") > 400_000);
}

#[test]
fn changed_files_are_repaired() {
    let game = Game::installed();
    let pack = game.destination.join("data/pack.pck");
    let mut bytes = fs::read(&pack).unwrap();
    bytes[200_000] ^= 1;
    fs::write(&pack, bytes).unwrap();
    fs::write(game.destination.join("empty"), b"not any more").unwrap();
    fs::OpenOptions::new().write(true).open(game.destination.join("bin/game")).unwrap().set_len(1000).unwrap();
    let server = TestServer::start(&game.bench.store());
    let run = Run::of(&mut extract(&[server.url()], &game.old_index, &game.destination));
    assert_eq!(run.done()["up_to_date"], false);
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
    let asked = server.take_counts().len();
    let all = ids(&read_index(&game.old_index)).len();
    assert!(0 < asked && asked < all / 2, "{asked} of {all}: what is whole comes from the disk");
}

#[test]
fn change_that_keeps_size_and_time_is_left_alone_by_design_but_a_lost_mode_is_not() {
    let game = Game::installed();
    chmod(&game.destination, "bin/game", 0o644);
    game.extract(&game.old_index).done();
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn what_was_deleted_comes_back() {
    let game = Game::installed();
    fs::remove_file(game.destination.join("data/levels/05.map")).unwrap();
    fs::remove_file(game.destination.join("start")).unwrap();
    fs::remove_dir(game.destination.join("nothing")).unwrap();
    fs::remove_dir_all(game.destination.join("gone")).unwrap();
    game.extract(&game.old_index).done();
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn destination_that_was_removed_is_installed_anew() {
    let game = Game::installed();
    fs::remove_dir_all(&game.destination).unwrap();
    game.extract(&game.new_index).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn lost_or_broken_receipt_costs_a_refusal_and_nothing_else() {
    let game = Game::installed();
    let receipt = game.bench.path("there/.GAME.vsekai/receipt");
    fs::write(&receipt, b"garbage").unwrap();
    let before = snapshot(&game.destination);
    game.extract(&game.new_index).failed("destination_not_ours");
    assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    let mut adopt = extract(&[game.bench.store()], &game.new_index, &game.destination);
    adopt.arg("--seed").arg(&game.destination).arg("--seed-index").arg(&game.old_index);
    Run::of(&mut adopt).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn dry_run_changes_nothing_and_tells_what_apply_then_does() {
    let game = Game::new();
    for index in [&game.old_index, &game.new_index, &game.new_index] {
        let before = snapshot(game.bench.root());
        let server = TestServer::start(&game.bench.store());
        let run = Run::of(extract(&[server.url()], index, &game.destination).arg("--dry-run"));
        assert_eq!(run.done()["dry_run"], true);
        assert_same(&before, &snapshot(game.bench.root()), Same::Untouched);
        server.take_counts();
        let applied = Run::of(&mut extract(&[server.url()], index, &game.destination));
        assert_eq!(run.done()["plan"], applied.done()["plan"]);
        assert_eq!(run.done()["up_to_date"], applied.done()["up_to_date"]);
        if applied.done()["up_to_date"] == false {
            let written = planned(applied.done(), "write_bytes");
            let actual = applied.done()["written_bytes"].as_u64().unwrap();
            // A file with only new permissions is copied, which the plan counts as kept.
            assert!(written <= actual && actual <= written + 3_000, "{written} planned, {actual} written");
        }
    }
}

#[test]
fn older_folders_beside_the_destination_are_left_alone() {
    let game = Game::installed();
    let other = game.bench.path("there/OTHER");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("file"), b"mine").unwrap();
    game.extract(&game.new_index).done();
    let names: HashSet<_> =
        fs::read_dir(game.bench.path("there")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["GAME", ".GAME.vsekai", "OTHER"].map(std::ffi::OsString::from).into());
    let rest: HashSet<_> =
        fs::read_dir(game.bench.path("there/.GAME.vsekai")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(rest, ["receipt", "lock"].map(std::ffi::OsString::from).into());
}
