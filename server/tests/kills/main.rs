//! The server is killed during publications, commits, clean-up, starts and signing. Afterwards every version whose
//! publication was acknowledged is whole, and the client's next attempt succeeds.

#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
#![cfg(unix)]

#[allow(dead_code, reason = "the other program uses the rest")]
#[path = "../support/client.rs"]
mod client;
#[allow(dead_code, reason = "the other program uses the rest")]
#[path = "../support/mod.rs"]
mod support;

mod clean_up;

use std::process::{Command, Stdio};
use std::time::Duration;

use support::deployment::{TestDeployment, text};

/// When the server is killed after the start of a publication, in milliseconds. A publication takes a few hundred, so
/// every part of it is hit: chunks, documents, the rebuilding of the tree, signing, the transaction.
const MOMENTS: [u64; 24] =
    [5, 20, 35, 50, 65, 80, 95, 110, 125, 140, 155, 170, 185, 200, 220, 240, 260, 280, 300, 330, 360, 400, 450, 500];

/// All of them, or every third with `VSEKAI_FAULTS=some`.
fn sampled(moments: &[u64]) -> Vec<u64> {
    let step = if std::env::var("VSEKAI_FAULTS").is_ok_and(|text| text == "some") { 3 } else { 1 };
    moments.iter().step_by(step).copied().collect()
}

#[test]
fn killed_server_has_all_of_a_version_or_nothing_and_the_publisher_goes_on() {
    let mut test = TestDeployment::new(&["clean_grace_h=0", "superseded_h=0"]);
    let mut answered = Vec::new();
    let moments = sampled(&MOMENTS);
    for (number, moment) in (1_u32..).zip(moments.clone()) {
        let version = format!("1.{number}.0");
        let mut publishing = test.publish("stable", &version, number).0;
        let mut publishing = publishing.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        test.kill();
        let was_answered = publishing.wait().unwrap().success();
        test.start();
        if was_answered {
            answered.push(number);
            let again = test.publish("stable", &version, number).done();
            assert_eq!(again["was_there"], true, "{version} was answered for and is gone");
        } else {
            test.publish("stable", &version, number).done();
        }
        test.update("game").done();
        test.assert_has("game", number);
    }
    assert!(answered.len() < moments.len(), "no kill met a publication");
    let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
    eprintln!("{} kills; {} came after the answer", moments.len(), answered.len());
}

#[test]
fn killed_start_and_killed_clean_up_leave_what_was_there() {
    let mut test = TestDeployment::new(&["clean_grace_h=0", "superseded_h=0"]);
    test.publish("stable", "1.0.0", 1).done();
    for moment in sampled(&[1, 4, 8, 12, 16, 20, 30, 40, 60, 80]) {
        test.kill();
        let mut starting = test.server_command(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        starting.kill().unwrap();
        starting.wait().unwrap();
        let mut cleaning = test.server_command(&["gc"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        cleaning.kill().unwrap();
        cleaning.wait().unwrap();
        test.start();
    }
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn killed_first_start_can_be_begun_again() {
    for moment in sampled(&[1, 3, 6, 10, 15, 20, 30, 45, 60, 90]) {
        let folder = tempfile::tempdir().unwrap();
        let serve = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai-server"));
            command.current_dir(folder.path()).env_clear().args(["serve", "--listen", "127.0.0.1:0"]);
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            command
        };
        let mut first = serve().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        first.kill().unwrap();
        first.wait().unwrap();
        let check = Command::new(env!("CARGO_BIN_EXE_vsekai-server"))
            .current_dir(folder.path())
            .env_clear()
            .arg("migrate")
            .output()
            .unwrap();
        assert!(check.status.success(), "killed after {moment} ms: {}", text(&check));
    }
}

/// The number of chunks in a folder.
fn chunks_in(folder: &std::path::Path) -> usize {
    let read = |path: &std::path::Path| std::fs::read_dir(path).into_iter().flatten().map(Result::unwrap);
    let files = read(folder).flat_map(|prefix| read(&prefix.path()).collect::<Vec<_>>());
    files.filter(|file| file.file_name().to_string_lossy().ends_with(".cacnk")).count()
}

/// Starts to move the chunks, and kills that once it is so.
fn kill_move(test: &TestDeployment, to: &[&str], is_time: impl Fn(&str) -> bool) {
    use std::io::BufRead as _;
    let mut moving = test.server_command(&[&["move", "--to"], to].concat()).spawn().unwrap();
    let (said, lines) = std::sync::mpsc::channel();
    let stderr = std::io::BufReader::new(moving.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(said.send(line))));
    let (began, mut log) = (std::time::Instant::now(), String::new());
    while !is_time(&log) {
        if moving.try_wait().unwrap().is_some() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{log}");
        log.extend(lines.try_iter());
        std::thread::sleep(Duration::from_millis(1));
    }
    moving.kill().unwrap();
    moving.wait().unwrap();
}

/// A move waits for seconds until all servers have noticed it, so the nightly run does this.
#[test]
#[ignore = "takes minutes; the nightly run does it"]
fn killed_move_goes_on_when_it_is_repeated_and_loses_nothing() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    let folder = test.path("moved");
    let place = format!("file://{}", folder.display());
    let whole = |test: &TestDeployment| {
        let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
        assert!(verify.status.success(), "{}", text(&verify));
    };
    // While chunks are copied: the server goes on with the old place, and takes new versions.
    for (number, count) in (3_u32..).zip([1, 4, 9]) {
        kill_move(&test, &[&place], |_| chunks_in(&folder) >= count);
        let version = format!("1.{number}.0");
        test.publish("stable", &version, number).done();
        test.update("game").done();
        test.assert_has("game", number);
        whole(&test);
    }
    // After the switch, before what arrived meanwhile is copied; and after that.
    kill_move(&test, &[&place], |log| log.contains("switching"));
    std::thread::sleep(Duration::from_millis(500));
    kill_move(&test, &[&place], |log| log.contains("meanwhile"));
    let moved = test.server_command(&["move", "--to", &place]).output().unwrap();
    assert!(moved.status.success(), "{}", text(&moved));
    test.update("player of the old place").done();
    test.kill();
    test.settings.push(format!("chunks={place}"));
    test.start();
    whole(&test);
    // While the old place is emptied.
    for wait in [0, 2, 10] {
        let began = std::cell::Cell::new(None);
        kill_move(&test, &[&place, "--finish"], |log| {
            if began.get().is_none() && log.contains("meanwhile") {
                began.set(Some(std::time::Instant::now()));
            }
            began.get().is_some_and(|at| at.elapsed() >= Duration::from_millis(wait))
        });
        whole(&test);
    }
    let finished = test.server_command(&["move", "--to", &place, "--finish"]).output().unwrap();
    assert!(finished.status.success(), "{}", text(&finished));
    whole(&test);
    test.publish("stable", "1.9.0", 9).done();
    // And back, killed soon and late.
    for (number, wait) in (10_u32..).zip([20, 200, 900]) {
        let began = std::time::Instant::now();
        kill_move(&test, &["database"], |_| began.elapsed() > Duration::from_millis(wait));
        if number == 10 {
            test.update("game").done();
            test.assert_has("game", 9);
        }
    }
    let moved = test.server_command(&["move", "--to", "database"]).output().unwrap();
    assert!(moved.status.success(), "{}", text(&moved));
    test.kill();
    test.settings.pop();
    std::fs::remove_dir_all(&folder).unwrap();
    test.start();
    whole(&test);
    test.update("new").args(["--version", "1.0.0"]).done();
    test.assert_has("new", 1);
    test.update("game").done();
    test.assert_has("game", 9);
}
