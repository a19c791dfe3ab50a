//! New versions must show that they start, or they are rolled back.

use std::time::Duration;

use serde_json::{Value, json};

use super::shop::{Launched, Running, Shop, wait_until};

/// The first version works, the second is on trial.
fn on_trial() -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    assert_eq!(shop.status()["trial"]["attempts"], 0);
    shop
}

fn trial(shop: &Shop) -> Value {
    shop.status()["trial"].clone()
}

#[test]
fn first_install_is_not_on_trial() {
    assert_eq!(trial(&Shop::with(&["1.0.0"])), Value::Null);
}

#[test]
fn exit_code_0_ends_the_trial() {
    let shop = on_trial();
    let launched = shop.launch(&[]);
    assert_eq!((launched.code, &launched.last["is_acknowledged"]), (Some(0), &json!(true)));
    assert!(launched.said.contains("this is 2.0.0"), "{}", launched.said);
    assert_eq!(trial(&shop), Value::Null);
}

#[test]
fn json_tells_that_the_game_was_started_before_it_ends() {
    let said = on_trial().launch(&[]).said;
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let events: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["launched", "done"], "{said}");
    assert_eq!((&lines[0]["version"], &lines[0]["rolled_back_from"]), (&json!("2.0.0"), &Value::Null));
}

#[test]
fn ready_file_ends_the_trial_whatever_the_exit_code() {
    let shop = on_trial();
    let launched = shop.launch(&[("GAME_READY", "1"), ("GAME_EXIT", "7")]);
    assert_eq!((launched.code, &launched.last["is_acknowledged"]), (Some(7), &json!(true)));
    assert_eq!(trial(&shop), Value::Null);
}

#[test]
fn ready_file_ends_the_trial_while_the_game_runs() {
    let shop = on_trial();
    let _game = Running::start(&mut shop.launching(&[("GAME_READY", "1"), ("GAME_RUN", "60")]));
    wait_until("the end of the trial", || trial(&shop) == Value::Null);
}

#[test]
fn grace_time_ends_the_trial() {
    let shop = on_trial();
    let mut command = shop.launching(&[("GAME_SLEEP", "2"), ("GAME_EXIT", "1")]);
    let launched = Launched::of(command.args(["--grace", "1s"]));
    assert_eq!((launched.code, &launched.last["is_acknowledged"]), (Some(1), &json!(true)));
    assert_eq!(trial(&shop), Value::Null);
}

#[test]
fn third_start_of_a_version_that_fails_is_of_the_one_before() {
    let shop = on_trial();
    for attempts in 1..=2 {
        let launched = shop.launch(&[("GAME_EXIT", "1")]);
        assert_eq!((launched.code, &launched.last["is_acknowledged"]), (Some(1), &json!(false)));
        assert_eq!(trial(&shop)["attempts"], attempts);
    }
    let launched = shop.launch(&[]);
    assert_eq!(launched.last["rolled_back_from"], "2.0.0");
    assert!(launched.said.contains("this is 1.0.0"), "{}", launched.said);
    let status = shop.status();
    assert_eq!((&status["current"]["version"], &status["previous"]), (&json!("1.0.0"), &Value::Null));
    assert_eq!(status["bad"], json!([["stable", "2.0.0"]]));
    assert!(!shop.tree_of("2.0.0").exists());
    let changes = shop.vsekai(&["history"]).done()["changes"].clone();
    let last = &changes[0];
    assert_eq!((&last["left"], &last["reason"]), (&json!("2.0.0"), &json!("did_not_start")));
    assert_eq!(last["ended"], json!({"exit_code": 1}));
    let output = crate::support::run::vsekai().arg("history").arg(shop.game()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().nth(1).unwrap().ends_with("2.0.0 did not start: exit code 1"), "{said}");
}

/// A version that was rolled back because it did not start.
fn left() -> Shop {
    let shop = on_trial();
    for _ in 0..2 {
        shop.launch(&[("GAME_EXIT", "1")]);
    }
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
    shop
}

#[test]
fn version_that_did_not_start_is_not_offered_again() {
    let shop = left();
    assert_eq!(shop.offered(&[]), None);
    shop.update(&[]).done();
    assert_eq!(shop.version(), "1.0.0");
}

#[test]
fn version_after_one_that_did_not_start_is_offered() {
    let shop = left();
    shop.publish("2.0.1");
    assert_eq!(shop.offered(&[]).as_deref(), Some("2.0.1"));
    shop.update(&[]).done();
    assert_eq!(shop.version(), "2.0.1");
}

#[test]
fn version_that_did_not_start_is_taken_by_name_and_forgiven() {
    let shop = left();
    shop.update(&["--version", "2.0.0"]).done();
    let status = shop.status();
    assert_eq!((&status["current"]["version"], &status["bad"]), (&json!("2.0.0"), &json!([])));
    assert_eq!(status["trial"]["attempts"], 0);
}

#[test]
fn version_on_trial_is_nothing_to_go_back_to() {
    let shop = on_trial();
    shop.publish("3.0.0");
    shop.update(&[]).done();
    let status = shop.status();
    assert_eq!((&status["current"]["version"], &status["previous"]["version"]), (&json!("3.0.0"), &json!("1.0.0")));
}

#[test]
fn start_that_the_player_stops_does_not_count() {
    let shop = on_trial();
    let mut game = Running::start(&mut shop.launching(&[("GAME_RUN", "60")]));
    wait_until("the start is counted", || trial(&shop)["attempts"] == 1);
    // The start is counted before it happens.
    std::thread::sleep(Duration::from_millis(200));
    game.interrupt();
    assert_eq!(trial(&shop)["attempts"], 0);
}

#[test]
fn version_whose_program_cannot_be_run_is_left_too() {
    let shop = Shop::with(&["1.0.0"]);
    shop.publish_in("stable", "2.0.0", &[], |tree| crate::support::trees::write(tree, "game", b"#!/proc/none\n"));
    shop.update(&[]).done();
    for _ in 0..2 {
        let launched = shop.launch(&[]);
        assert_eq!((launched.code, &launched.last["code"]), (Some(1), &json!("launch_failed")));
    }
    assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
}

#[test]
fn game_gets_its_arguments_and_its_exit_code_is_given_back() {
    let shop = Shop::new();
    shop.publish_in("stable", "1.0.0", &["--entry-arg", "--always"], |_| {});
    shop.update(&[]).done();
    let launched = Launched::of(shop.launching(&[("GAME_EXIT", "42")]).args(["--", "--use_vr", "a b"]));
    assert_eq!(launched.code, Some(42));
    assert!(launched.said.contains("told: --always --use_vr a b\n"), "{}", launched.said);
}

#[test]
fn game_that_a_signal_ends_is_exit_code_1() {
    let shop = Shop::new();
    let suicide = b"#!/bin/sh\nkill -KILL $$\n";
    shop.publish_in("stable", "1.0.0", &[], |tree| crate::support::trees::write(tree, "game", suicide));
    shop.update(&[]).done();
    let launched = shop.launch(&[]);
    assert_eq!((launched.code, &launched.last["exit_code"]), (Some(1), &Value::Null));
}
