//! A start that a person or the system ends says nothing about the version: it does not count.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::json;

use super::shop::{Launched, Shop, wait_until};
use crate::support::trees::write;

/// What the game does when it is asked to end.
const PLAIN: &str = "#!/bin/sh\necho $$ >\"$GAME_PID\"\nexec sleep 60\n";
const FAILS: &str =
    "#!/bin/sh\ntrap 'exit 1' INT TERM HUP QUIT\necho $$ >\"$GAME_PID\"\nwhile :; do sleep 0.05; done\n";
const GIVES_THE_CODE_OF_ITS_PROGRAM: &str =
    "#!/bin/sh\ntrap : INT TERM HUP QUIT\nsh -c 'echo $$ >\"$GAME_PID\"; exec sleep 60'\nexit $?\n";

/// Version 1.0.0 works; 2.0.0, which is on trial, is this script.
fn on_trial(game: &str) -> Shop {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| write(tree, "game", game.as_bytes()));
    shop.update(&[]).done();
    shop
}

fn attempts(shop: &Shop) -> i64 {
    shop.status()["trial"]["attempts"].as_i64().unwrap()
}

/// Who gets the signal.
#[derive(Debug, Clone, Copy, PartialEq)]
enum To {
    Group,
    Game,
    Vsekai,
    /// `timeout` and the end of a session send it to the program first, then to all.
    VsekaiThenGroup,
}

/// Starts the game, sends the signal when it runs, and returns the exit code.
fn stopped(mut command: Command, pid_file: &Path, signal: Signal, to: To) -> Option<i32> {
    let _ = std::fs::remove_file(pid_file);
    command.env("GAME_PID", pid_file).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    let mut vsekai = command.spawn().unwrap();
    let read = || std::fs::read_to_string(pid_file).unwrap_or_default();
    wait_until("the game runs", || read().ends_with('\n'));
    let pid = |number: i32| Pid::from_raw(number).unwrap();
    let (ours, game) = (pid(vsekai.id().try_into().unwrap()), pid(read().trim().parse().unwrap()));
    match to {
        To::Group => kill_process_group(ours, signal).unwrap(),
        To::Game => kill_process(game, signal).unwrap(),
        To::Vsekai => kill_process(ours, signal).unwrap(),
        To::VsekaiThenGroup => {
            kill_process(ours, signal).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            kill_process_group(ours, signal).unwrap();
        }
    }
    ended(&mut vsekai)
}

fn ended(child: &mut Child) -> Option<i32> {
    child.wait().unwrap().code()
}

fn code(signal: Signal) -> Option<i32> {
    Some(128 + signal.as_raw())
}

#[test]
fn stopped_start_is_no_failed_start_whoever_gets_the_signal() {
    let shop = on_trial(PLAIN);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        for to in [To::Group, To::Game, To::Vsekai, To::VsekaiThenGroup] {
            let got = stopped(shop.launching(&[]), &shop.path("pid"), signal, to);
            assert_eq!((got, attempts(&shop)), (code(signal), 0), "{signal:?} {to:?}");
        }
    }
    assert_eq!((shop.version().as_str(), &shop.status()["bad"]), ("2.0.0", &json!([])));
}

#[test]
fn game_that_reports_a_failure_when_it_is_stopped_has_not_failed() {
    let shop = on_trial(FAILS);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        for to in [To::Group, To::Vsekai, To::VsekaiThenGroup] {
            let got = stopped(shop.launching(&[]), &shop.path("pid"), signal, to);
            assert_eq!((got, attempts(&shop)), (code(signal), 0), "{signal:?} {to:?}");
        }
    }
}

#[test]
fn script_that_reports_the_signal_of_its_program_has_not_failed() {
    let shop = on_trial(GIVES_THE_CODE_OF_ITS_PROGRAM);
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let got = stopped(shop.launching(&[]), &shop.path("pid"), signal, To::Game);
        assert_eq!((got, attempts(&shop)), (code(signal), 0), "{signal:?}");
    }
}

#[test]
fn game_that_is_killed_has_not_failed() {
    let shop = on_trial(PLAIN);
    for _ in 0..3 {
        stopped(shop.launching(&[]), &shop.path("pid"), Signal::KILL, To::Game);
    }
    assert_eq!((attempts(&shop), shop.version().as_str()), (0, "2.0.0"));
}

#[test]
fn reader_of_the_output_that_goes_away_is_no_failed_start() {
    let shop = on_trial("#!/bin/sh\nwhile :; do echo much || exit 1; done\n");
    for _ in 0..3 {
        let mut vsekai = shop.launching(&[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(vsekai.stdout.take());
        vsekai.wait().unwrap();
    }
    assert_eq!((attempts(&shop), shop.version().as_str()), (0, "2.0.0"));
}

#[test]
fn start_whose_watcher_is_killed_says_nothing() {
    let shop = on_trial(PLAIN);
    for _ in 0..4 {
        // The game may continue, or be killed too.
        for also_game in [false, true] {
            let got = stopped(shop.launching(&[]), &shop.path("pid"), Signal::KILL, To::Vsekai);
            assert_eq!(got, None);
            let game = std::fs::read_to_string(shop.path("pid")).unwrap().trim().parse().unwrap();
            if also_game {
                kill_process(Pid::from_raw(game).unwrap(), Signal::KILL).unwrap();
            } else {
                kill_process(Pid::from_raw(game).unwrap(), Signal::TERM).unwrap();
            }
            assert_eq!(attempts(&shop), 1, "the start is not decided");
        }
    }
    assert_eq!(stopped(shop.launching(&[]), &shop.path("pid"), Signal::INT, To::Group), code(Signal::INT));
    assert_eq!((attempts(&shop), shop.version().as_str()), (0, "2.0.0"));
}

#[test]
fn failures_count_although_watchers_were_killed_in_between() {
    let game = "#!/bin/sh\n[ -z \"$GAME_PID\" ] && exit 1\necho $$ >\"$GAME_PID\"\nexec sleep 60\n";
    let shop = on_trial(game);
    for attempt in 1..=2 {
        stopped(shop.launching(&[]), &shop.path("pid"), Signal::KILL, To::Vsekai);
        let game = std::fs::read_to_string(shop.path("pid")).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(game).unwrap(), Signal::KILL).unwrap();
        assert_eq!(shop.launch(&[]).code, Some(1));
        assert_eq!(attempts(&shop), attempt);
    }
    assert_eq!(shop.launch(&[]).last["rolled_back_from"], "2.0.0");
}

#[test]
fn version_that_crashes_or_gives_up_is_put_aside() {
    for end in ["kill -SEGV $$", "kill -ABRT $$", "exit 1", "exit 255"] {
        let shop = on_trial(&format!("#!/bin/sh\nulimit -c 0\n{end}\n"));
        for attempt in 1..=2 {
            shop.launch(&[]);
            assert_eq!(attempts(&shop), attempt, "{end}");
        }
        assert_eq!(shop.launch(&[]).last["rolled_back_from"], "2.0.0", "{end}");
    }
}

#[test]
fn ctrl_c_in_a_terminal_is_no_failed_start() {
    let Ok(script) = Command::new("script").arg("--version").output() else {
        return super::skipped("`script` is not installed: Ctrl-C in a terminal is not tested");
    };
    assert!(script.status.success());
    let shop = on_trial(PLAIN);
    for _ in 0..3 {
        let pid = shop.path("pid");
        let _ = std::fs::remove_file(&pid);
        let launching = shop.launching(&[]);
        let word = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
        let line = std::iter::once(launching.get_program()).chain(launching.get_args()).map(word);
        let line = line.collect::<Vec<_>>().join(" ");
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &format!("exec {line}"), "/dev/null"]);
        command.envs(launching.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("GAME_PID", &pid);
        let mut terminal = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the game runs", || std::fs::read_to_string(&pid).unwrap_or_default().ends_with('\n'));
        std::io::Write::write_all(terminal.stdin.as_mut().unwrap(), b"\x03").unwrap();
        assert_eq!((terminal.wait().unwrap().code(), attempts(&shop)), (Some(130), 0));
    }
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn stop_without_a_trial_gives_the_same_exit_codes() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, "game", PLAIN.as_bytes()));
    shop.update(&[]).done();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for to in [To::Group, To::Game, To::Vsekai] {
            assert_eq!(stopped(shop.launching(&[]), &shop.path("pid"), signal, to), code(signal), "{signal:?} {to:?}");
        }
    }
}

#[test]
fn crash_keeps_its_exit_code() {
    let shop = Shop::new();
    let crash = b"#!/bin/sh\nulimit -c 0\nkill -SEGV $$\n";
    shop.publish_in("stable", "1.0.0", &[], |tree| write(tree, "game", crash));
    shop.update(&[]).done();
    let launched = Launched::of(&mut shop.launching(&[]));
    assert_eq!((launched.code, &launched.last["signal"]), (Some(1), &json!(11)));
}
