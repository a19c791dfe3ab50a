//! Killed, interrupted or locked out at any moment: the destination is the old or the new version.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Game;
use crate::support::run::{Run, extract, planned};
use crate::support::server::TestServer;
use crate::support::stores::{ids, read_index};
use crate::support::trees::{Same, Snapshot, assert_equal_trees, assert_same, copy, noise, snapshot};

const KILLS: u64 = 24;
const CONNECTIONS: u64 = 4;

fn slow(game: &Game, index: &Path, server: &TestServer) -> Command {
    let mut command = extract(&[server.url()], index, &game.destination);
    command.args(["--connections", &CONNECTIONS.to_string()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn is(tree: &Snapshot, version: &Snapshot) -> bool {
    tree.len() == version.len()
        && tree.iter().all(|(path, seen)| version.get(path).is_some_and(|other| seen.what == other.what))
}

/// Waits until the first chunk is requested.
fn wait_until_busy(server: &TestServer) {
    let until = Instant::now() + Duration::from_secs(20);
    while server.take_counts().is_empty() {
        assert!(Instant::now() < until, "it never asked for a chunk");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_at_random_points_of_an_update_it_is_old_or_new_and_goes_on() {
    let game = Game::installed();
    let (old, new) = (snapshot(&game.old), snapshot(&game.new));
    let missing = game.missing().len() as u64;
    let (mut killed, mut asked, mut switched) = (0, 0, false);
    let server = TestServer::slow(&game.bench.store(), Duration::from_millis(12));
    for round in 0..KILLS {
        let mut child = slow(&game, &game.new_index, &server).spawn().unwrap();
        let wait = u64::from_le_bytes(noise(round + 1, 8).try_into().unwrap()) % 130;
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        killed += u64::from(!status.success());
        asked += server.take_counts().values().sum::<u64>();
        let now = snapshot(&game.destination);
        assert!(is(&now, &new) || (!switched && is(&now, &old)), "round {round}, after {wait} ms");
        switched = is(&now, &new);
        if switched {
            // Go back to the first version, so that the remaining kills hit another update.
            asked = 0;
            game.extract(&game.old_index).done();
            assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
            switched = false;
        } else {
            // Only chunks that were in flight or not yet written at the kill are requested again.
            let most = missing + (round + 1) * (CONNECTIONS + 4);
            assert!(asked <= most, "round {round}: {asked} asked, {missing} missing");
        }
    }
    assert!(killed >= KILLS / 2, "{killed} of {KILLS} runs were killed: the others had ended");
    game.extract(&game.new_index).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn killed_at_random_points_of_an_install_it_is_nothing_or_new_and_goes_on() {
    let game = Game::new();
    let new = snapshot(&game.new);
    let all = ids(&read_index(&game.new_index)).len() as u64;
    let server = TestServer::slow(&game.bench.store(), Duration::from_millis(15));
    let (mut asked, mut rounds) = (0, 0);
    while !game.destination.exists() {
        rounds += 1;
        assert!(rounds < 60, "it does not come to an end");
        let mut child = slow(&game, &game.new_index, &server).spawn().unwrap();
        // Longer each time, so that the update also ends on a busy machine.
        let wait = 60 + u64::from_le_bytes(noise(rounds, 8).try_into().unwrap()) % (100 + 20 * rounds);
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        asked += server.take_counts().values().sum::<u64>();
    }
    assert!(rounds > 3, "{rounds}: too fast to be killed");
    assert!(is(&snapshot(&game.destination), &new));
    assert!(asked <= all + rounds * (CONNECTIONS + 4), "{asked} asked in {rounds} runs for {all}");
    game.extract(&game.new_index).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn file_is_resumed_where_it_is() {
    let bench = crate::support::stores::Bench::new();
    let bytes = noise(1, 800_000);
    let index = bench.publish_blob("v1.caibx", &bytes);
    let destination = bench.path("disk.img");
    let server = TestServer::slow(&bench.store(), Duration::from_millis(20));
    let mut command = extract(&[server.url()], &index, &destination);
    let mut child = command.args(["--connections", "2"]).stdout(Stdio::null()).spawn().unwrap();
    wait_until_busy(&server);
    std::thread::sleep(Duration::from_millis(400));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!destination.exists(), "a file that is not whole has not its name yet");
    server.take_counts();
    let run = Run::of(&mut extract(&[server.url()], &index, &destination));
    let resumed = planned(run.done(), "resumed_bytes");
    assert!(resumed > 20_000, "{resumed}");
    let all = ids(&read_index(&index)).len();
    assert!(server.take_counts().len() < all - 5);
    assert!(fs::read(&destination).unwrap() == bytes);
}

#[test]
fn interrupt_stops_it_with_130_and_the_next_run_goes_on() {
    let game = Game::installed();
    let server = TestServer::slow(&game.bench.store(), Duration::from_millis(40));
    let before = snapshot(&game.destination);
    let child = slow(&game, &game.new_index, &server).spawn().unwrap();
    wait_until_busy(&server);
    std::thread::sleep(Duration::from_millis(150));
    interrupt(&child);
    let started = Instant::now();
    let run = Run::from(child.wait_with_output().unwrap());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    run.failed("cancelled");
    assert!(run.stderr.contains("what is done so far is kept"), "{}", run.stderr);
    assert_same(&before, &snapshot(&game.destination), Same::Untouched);
    server.take_counts();
    Run::of(&mut extract(&[server.url()], &game.new_index, &game.destination)).done();
    assert!(server.take_counts().len() < game.missing().len());
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

#[test]
fn second_process_is_told_that_the_first_is_at_work() {
    let game = Game::installed();
    let server = TestServer::slow(&game.bench.store(), Duration::from_millis(40));
    let mut child = slow(&game, &game.new_index, &server).spawn().unwrap();
    wait_until_busy(&server);
    let message = game.extract(&game.new_index).failed("busy");
    assert!(message.contains(&child.id().to_string()) && message.contains("store extract"), "{message}");
    // A dry run needs no lock.
    Run::of(extract(&[game.bench.store()], &game.new_index, &game.destination).arg("--dry-run")).done();
    child.kill().unwrap();
    child.wait().unwrap();
    game.extract(&game.new_index).done();
    assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
}

#[test]
fn killed_right_after_the_switch_the_new_version_is_known() {
    let game = Game::installed();
    let place = game.bench.path("there/.GAME.vsekai");
    fs::copy(place.join("receipt"), game.bench.path("old receipt")).unwrap();
    let old_tree = game.bench.path("old tree");
    copy(&game.destination, &old_tree);
    game.extract(&game.new_index).done();
    // The state before the clean-up: the new receipt is not yet in place, and the old tree is still in staging.
    fs::rename(place.join("receipt"), place.join("receipt.new")).unwrap();
    fs::copy(game.bench.path("old receipt"), place.join("receipt")).unwrap();
    fs::create_dir(place.join("staging-0123abcd")).unwrap();
    fs::rename(old_tree, place.join("staging-0123abcd/tree")).unwrap();
    let run = game.extract(&game.new_index);
    assert_eq!(run.done()["up_to_date"], true);
    assert!(!place.join("receipt.new").exists());
    game.extract(&game.old_index).done();
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}

#[test]
fn killed_right_before_the_switch_the_old_version_is_known() {
    let game = Game::installed();
    let place = game.bench.path("there/.GAME.vsekai");
    let other = game.bench.path("there/OTHER");
    Run::of(&mut extract(&[game.bench.store()], &game.new_index, &other)).done();
    fs::copy(game.bench.path("there/.OTHER.vsekai/receipt"), place.join("receipt.new")).unwrap();
    let run = game.extract(&game.old_index);
    assert_eq!(run.done()["up_to_date"], true);
    assert!(!place.join("receipt.new").exists());
}

#[test]
fn killed_between_the_two_renames_of_a_system_without_exchange_the_old_version_comes_back() {
    let game = Game::installed();
    fs::rename(&game.destination, game.bench.path("there/.GAME.vsekai/old")).unwrap();
    let run = game.extract(&game.old_index);
    assert_eq!(run.done()["up_to_date"], true);
    assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
}
