//! The interface for scripts: JSON lines, exit codes, and that read-only commands change nothing.

use super::shop::Shop;
use crate::support::run::Run;
use crate::support::trees::{Same, assert_same, snapshot};

#[test]
fn last_state_of_what_failed_is_told() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let states = |run: &Run| -> Vec<String> {
        let states = run.lines.iter().filter(|line| line["event"] == "state_changed");
        states.map(|line| line["state"].as_str().unwrap().to_owned()).collect()
    };
    std::fs::rename(shop.publisher.repository(), shop.path("away")).unwrap();
    assert_eq!(states(&shop.vsekai(&["check"])), ["Checking", "Failed"]);
    assert_eq!(states(&shop.vsekai(&["rollback"])), ["RollingBack", "Failed"]);
    std::fs::remove_file(shop.tree().join("data/map")).unwrap();
    assert_eq!(states(&shop.vsekai(&["verify", "--repair"])).last().unwrap(), "Failed");
}

#[test]
fn dry_run_changes_nothing() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let before = snapshot(&shop.game());
    let run = shop.update(&["--dry-run"]);
    assert_eq!((&run.done()["dry_run"], &run.done()["version"]), (&true.into(), &"2.0.0".into()));
    assert_same(&before, &snapshot(&shop.game()), Same::Untouched);
}

#[test]
fn dry_run_of_a_first_install_makes_no_folder() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    assert_eq!(shop.update(&["--dry-run"]).done()["version"], "1.0.0");
    assert!(!shop.game().exists());
}

#[test]
fn dry_run_plans_what_is_done_then() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let planned = shop.update(&["--dry-run"]).done()["plan"].clone();
    assert_eq!(shop.update(&[]).done()["plan"], planned);
}

#[test]
fn check_and_status_and_verify_change_nothing_of_the_install() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let state = std::fs::read(shop.control("state.json")).unwrap();
    let before = snapshot(&shop.game().join("versions"));
    for command in ["check", "status", "verify"] {
        shop.vsekai(&[command]).done();
    }
    assert_same(&before, &snapshot(&shop.game().join("versions")), Same::Untouched);
    assert_eq!(std::fs::read(shop.control("state.json")).unwrap(), state);
}

#[test]
fn check_of_a_new_folder_makes_none() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let mut command = shop.command(&["check", "--repository"]);
    command.arg(shop.publisher.repository()).arg("--trust-root").arg(shop.publisher.root()).arg(shop.game());
    assert_eq!(Run::of(&mut command).done()["available"]["why"], "install");
    assert!(!shop.game().exists());
}

#[test]
fn last_line_names_the_command_or_the_error() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for command in ["check", "status", "verify", "launch", "update", "rollback", "uninstall"] {
        let yes: &[&str] = if command == "uninstall" { &["--yes"] } else { &[] };
        let ran = shop.command(&[command]).args(yes).arg(shop.game()).output().unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!((&last["event"], &last["command"]), (&"done".into(), &command.into()));
    }
    shop.vsekai(&["status"]).failed("not_installed");
}

#[test]
fn exit_codes_are_as_the_help_says() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let code = |words: &[&str]| shop.command(words).arg(shop.game()).output().unwrap().status.code();
    assert_eq!(code(&["status"]), Some(0));
    assert_eq!(code(&["rollback"]), Some(1));
    assert_eq!(code(&["status", "--no-such-option"]), Some(2));
    assert_eq!(code(&["check"]), Some(0));
    assert_eq!(code(&["check", "--exit-code"]), Some(10));
    std::fs::remove_file(shop.tree().join("data/map")).unwrap();
    assert_eq!(code(&["verify"]), Some(3));
    shop.update(&[]).done();
    assert_eq!(code(&["check", "--exit-code"]), Some(0));
}

#[test]
fn words_for_people_go_to_the_right_stream() {
    let shop = Shop::with(&["1.0.0"]);
    let run = |words: &[&str]| {
        let mut command = crate::support::run::vsekai();
        command.env("HOME", shop.path("home")).env("XDG_CONFIG_HOME", shop.path("home/.config"));
        let output = command.args(words).arg(shop.game()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (out, err) = run(&["status"]);
    assert!(out.contains("1.0.0 (stable") && err.is_empty(), "{out}{err}");
    let (out, err) = run(&["rollback"]);
    assert!(out.is_empty() && err.starts_with("error: ") && err.contains("hint: "), "{out}{err}");
    // The game's output is not mixed with ours.
    let (out, err) = run(&["launch"]);
    assert_eq!((out.as_str(), err.as_str()), ("this is 1.0.0, told: \n", ""));
}

#[test]
fn time_zone_makes_no_difference() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    for (zone, version) in
        [("Pacific/Kiritimati", "2.0.0"), ("Etc/GMT+12", "1.0.0"), ("UTC", "2.0.0"), ("no/zone", "1.0.0")]
    {
        Run::of(shop.updating(&["--version", version]).env("TZ", zone)).done();
        assert_eq!(shop.version(), version);
    }
}

#[test]
fn states_are_told_in_their_order() {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    let run = shop.update(&[]);
    run.done();
    let states =
        run.lines.iter().filter(|line| line["event"] == "state_changed").map(|line| line["state"].as_str().unwrap());
    let wanted = [
        "Checking",
        "UpdateAvailable",
        "PreparingUpdate",
        "DownloadingUpdate",
        "ApplyingUpdate",
        "FinalizingUpdate",
        "UpdateSuccessful",
    ];
    assert!(states.eq(wanted), "{:?}", run.lines);
}
