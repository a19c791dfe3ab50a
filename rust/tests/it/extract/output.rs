//! The output of the command: what is printed, and where.

use std::process::Stdio;

use super::Game;
use crate::support::run::{Run, vsekai};
use crate::support::trees::{Same, assert_equal_trees};

#[test]
fn reader_that_went_away_is_no_failure() {
    for json in [true, false] {
        let game = Game::new();
        let mut command = vsekai();
        if json {
            command.arg("--json");
        }
        command
            .args(["store", "extract", "--store"])
            .arg(game.bench.store())
            .arg(&game.old_index)
            .arg(&game.destination);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !stderr.contains("panicked"), "{:?} {stderr}", output.status);
        assert_equal_trees(&game.destination, &game.old, Same::ModesAndTimes);
    }
}

#[test]
fn every_line_of_json_is_one_and_the_last_says_how_it_ended() {
    let game = Game::new();
    let run = game.extract(&game.old_index);
    assert_eq!(run.done()["command"], "store extract");
    assert!(run.lines.len() > 3 && run.lines.iter().all(|line| line["event"].is_string()), "{:?}", run.lines);
    assert_eq!(run.lines.iter().filter(|line| line["event"] == "done").count(), 1);
    assert_eq!(run.stderr, "");
    std::fs::remove_dir_all(game.bench.store()).unwrap();
    let run = game.extract(&game.new_index);
    run.failed("not_found");
    assert_eq!(run.lines.iter().filter(|line| line["event"] == "error").count(), 1);
}

#[test]
fn without_json_data_is_a_sentence_on_stdout_and_quiet_is_quiet() {
    let game = Game::new();
    let go = |flags: &[&str], index| {
        let mut command = vsekai();
        command.args(flags).args(["store", "extract", "--store"]).arg(game.bench.store()).arg(index);
        let output = command.arg(&game.destination).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, err) = go(&[], &game.old_index);
    assert!(code == Some(0) && out.contains(" written, ") && err.is_empty(), "{out} {err}");
    let (code, out, err) = go(&[], &game.old_index);
    assert!(code == Some(0) && out.ends_with("is up to date.\n") && err.is_empty(), "{out} {err}");
    assert_eq!(go(&["--quiet"], &game.new_index), (Some(0), String::new(), String::new()));
    std::fs::write(&game.new_index, b"broken").unwrap();
    let (code, out, err) = go(&["--quiet"], &game.new_index);
    assert!(code == Some(1) && out.is_empty() && err.starts_with("error: Malformed index"), "{out} {err}");
    assert!(err.contains("\nhint: "), "{err}");
}

#[test]
fn one_thread_and_many_do_the_same() {
    for threads in ["1", "7"] {
        let game = Game::new();
        for index in [&game.old_index, &game.new_index] {
            let mut command = crate::support::run::extract(&[game.bench.store()], index, &game.destination);
            Run::of(command.args(["--threads", threads])).done();
        }
        assert_equal_trees(&game.destination, &game.new, Same::ModesAndTimes);
    }
}
