//! A server whose keys or clock do not fit its repository, and publishers who meet.

use std::fs;

use super::copies::empty;
use crate::databases::Kind;
use crate::support::deployment::{TestDeployment, text};

#[test]
fn a_server_without_the_keys_of_its_repository_is_not_ready_and_makes_none() {
    let mut test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.kill();
    fs::rename(test.path("server/keys"), test.path("kept")).unwrap();
    test.start();
    let (status, said) = test.api("GET", "/readyz", None);
    assert_eq!((status, said["code"].as_str()), (503, Some("keys_missing")), "{said}");
    test.update("game").done();
    test.assert_has("game", 1);
    assert!(!test.path("server/keys/timestamp.pk8").exists(), "keys that nobody trusts");
    let log = fs::read_to_string(test.path("server.log")).unwrap();
    assert!(log.contains("this server cannot sign"), "{log}");
    test.kill();
    fs::remove_dir_all(test.path("server/keys")).unwrap();
    fs::rename(test.path("kept"), test.path("server/keys")).unwrap();
    test.start();
    assert_eq!(test.api("GET", "/readyz", None).0, 200);
    test.publish("stable", "1.1.0", 2).done();
}

#[test]
fn a_server_whose_clock_is_behind_signs_nothing() {
    let mut test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.kill();
    if !test.start_at("-9d") {
        return;
    }
    let (status, said) = test.api("GET", "/readyz", None);
    assert_eq!((status, said["code"].as_str()), (503, Some("clock_wrong")), "{said}");
    let refused = test.publish("stable", "1.1.0", 2).fails();
    assert!(refused.to_string().contains("clock_wrong"), "{refused}");
    test.update("game").done();
    test.assert_has("game", 1);
    test.kill();
    test.settings.push("trust_clock=true".to_owned());
    assert!(test.start_at("-9d"));
    assert_eq!(test.api("GET", "/readyz", None).0, 200);
}

#[test]
fn a_server_with_other_keys_than_its_repository_is_not_ready_and_refuses_their_root() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.kill();
    // The keys of a server that began another repository.
    let other = TestDeployment::new(&[]);
    fs::rename(test.path("server/keys"), test.path("kept")).unwrap();
    fs::rename(other.path("server/keys"), test.path("server/keys")).unwrap();
    drop(other);
    test.start();
    let (status, said) = test.api("GET", "/readyz", None);
    assert_eq!((status, said["code"].as_str()), (503, Some("keys_missing")), "{said}");
    // A new root names the keys that the publisher knows, and not those of this server.
    test.publisher(&["keys", "renew-root", "keys"]).done();
    let refused = test.publisher(&["keys", "push", "keys", "--server", test.url()]).fails();
    assert!(refused.to_string().contains("keys_differ"), "{refused}");
    test.update("game").done();
    test.assert_has("game", 1);
    test.kill();
    fs::remove_dir_all(test.path("server/keys")).unwrap();
    fs::rename(test.path("kept"), test.path("server/keys")).unwrap();
    test.start();
    test.publisher(&["keys", "push", "keys", "--server", test.url()]).done();
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn keys_that_are_lost_while_a_server_runs_are_noticed_at_the_next_check() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    assert_eq!(test.api("GET", "/readyz", None).0, 200);
    fs::rename(test.path("server/keys"), test.path("kept")).unwrap();
    let unfit = |test: &TestDeployment| test.api("GET", "/api/v1/status", None).1["unfit_code"].clone();
    assert_eq!(unfit(&test), "keys_missing");
    // What is signed makes it look again; it has the keys in memory.
    test.publish("stable", "1.1.0", 2).done();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let (status, said) = test.api("GET", "/readyz", None);
    assert_eq!((status, said["code"].as_str()), (503, Some("keys_missing")), "{said}");
    test.update("game").done();
    test.assert_has("game", 2);
    assert!(!test.path("server/keys").exists(), "looking makes no folder");
    fs::rename(test.path("kept"), test.path("server/keys")).unwrap();
    assert_eq!(unfit(&test), serde_json::Value::Null);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(test.api("GET", "/readyz", None).0, 200);
}

/// Publishes ten versions of one mode at once, to these servers in turn.
fn ten_publishers_all_succeed(test: &TestDeployment, servers: &[&str]) {
    test.publish("stable", "1.0.0", 1).done();
    let publishers: Vec<_> = (2..12_u32)
        .zip(servers.iter().cycle())
        .map(|(number, server)| {
            let call = test.publish_to(server, "stable", &format!("1.{number}.0"), number);
            let mut call = call.args(["--allow", "version_lower"]);
            call.0.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for publisher in publishers {
        let output = publisher.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    let found = test.api("GET", "/api/v1/versions?mode=stable&limit=100", None).1;
    assert_eq!(found["items"].as_array().unwrap().len(), 11);
    test.update("game").done();
    test.assert_has("game", 11);
}

#[test]
fn ten_publishers_of_one_mode_all_succeed() {
    let test = TestDeployment::new(&["bundles=false"]);
    ten_publishers_all_succeed(&test, &[test.url()]);
}

#[test]
fn ten_publishers_of_one_mode_all_succeed_on_two_servers() {
    let Some(server) = Kind::Postgres.server() else { return };
    let (database, name) = empty(&server);
    let mut test = TestDeployment::new(&["bundles=false", &format!("database={database}")]);
    let other = test.start_another();
    ten_publishers_all_succeed(&test, &[test.url(), &other.url]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let versions = runtime.block_on(async {
        let ask = crate::client::plain().build().unwrap();
        let answer = ask.get(format!("{}/api/v1/versions?mode=stable&limit=100", other.url)).send().await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&answer.bytes().await.unwrap()).unwrap()
    });
    assert_eq!(versions["items"].as_array().unwrap().len(), 11, "{versions}");
    drop(other);
    test.kill();
    runtime.block_on(crate::databases::drop_database(&server, &name));
}
