//! A server whose keys or clock do not fit its repository, and publishers who meet.

use std::fs;

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
fn ten_publishers_of_one_mode_all_succeed() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    let publishers: Vec<_> = (2..12_u32)
        .map(|number| {
            let mut call = test.publish("stable", &format!("1.{number}.0"), number).args(["--allow", "version_lower"]);
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
