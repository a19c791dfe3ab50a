//! The effects of publishing, changing and exporting on players.

use std::fs;

use serde_json::json;

use crate::support::deployment::{TestDeployment, text};

#[test]
fn version_that_is_published_is_installed_and_updated_from() {
    let test = TestDeployment::new(&[]);
    let first = test.publish("stable", "1.0.0", 1).done();
    assert_eq!(first["was_there"], false);
    test.update("game").done();
    test.assert_has("game", 1);
    let second = test.publish("stable", "1.1.0", 2).done();
    assert!(second["new_chunks"].as_u64() < first["new_chunks"].as_u64(), "what both have is not sent again: {second}");
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn same_version_again_is_no_work_and_another_content_is_refused() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    let revision = test.api("GET", "/api/v1/repository", None).1["revision"].clone();
    assert_eq!(test.publish("stable", "1.0.0", 1).done()["was_there"], true);
    assert_eq!(test.api("GET", "/api/v1/repository", None).1["revision"], revision);
    assert_eq!(test.publish("stable", "1.0.0", 2).fails()["code"], "version_exists");
}

#[test]
fn recalled_version_is_left_and_a_retired_mode_leads_on() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    test.publish("beta", "2.0.0-beta.1", 3).done();
    test.update("game").done();
    test.assert_has("game", 2);
    let found = test.api("GET", "/api/v1/versions?mode=stable&version=1.1.0", None).1;
    let path = format!("/api/v1/versions/{}", found["items"][0]["id"].as_str().unwrap());
    assert_eq!(test.api("PATCH", &path, Some(json!({"recalled": true}))).0, 200);
    test.update("game").done();
    test.assert_has("game", 1);
    // A token alone cannot move players: the key of the mode has to sign the successor.
    let retired = json!({"is_active": false, "update_to": "beta"});
    let refused = test.api("PATCH", "/api/v1/modes/stable", Some(retired.clone()));
    assert_eq!((refused.0, refused.1["code"].as_str()), (409, Some("successor_not_signed")));
    test.retire("stable", Some("beta")).done();
    assert_eq!(test.api("PATCH", "/api/v1/modes/stable", Some(retired)).0, 200, "once it is signed");
    test.update("game").done();
    test.assert_has("game", 3);
    let cycle = test.retire("beta", Some("stable")).fails();
    assert!(cycle.to_string().contains("mode_cycle"), "{cycle}");
    // The mode is active again, and gets its players back.
    let active = json!({"is_active": true, "update_to": null});
    assert_eq!(test.api("PATCH", "/api/v1/modes/stable", Some(active)).0, 200);
    test.update("game").done();
    test.assert_has("game", 1);
    // Publishing still works.
    test.publish("stable", "1.2.0", 4).done();
    test.update("game").done();
    test.assert_has("game", 4);
}

#[test]
fn skipped_version_is_not_offered_and_can_be_named() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).args(["--skip-update"]).done();
    test.update("game").done();
    test.assert_has("game", 1);
    test.update("game").args(["--version", "1.1.0"]).done();
    test.assert_has("game", 2);
}

#[test]
fn versions_beyond_those_kept_are_withdrawn_and_can_come_back() {
    let test = TestDeployment::new(&[]);
    for number in 1..=3 {
        let call = test.publish("stable", &format!("1.{number}.0"), number);
        call.args(["--keep-versions", "2", "--rollout", "40"]).done();
    }
    let states = test.api("GET", "/api/v1/versions?mode=stable", None).1;
    let states = states["items"].as_array().unwrap();
    assert!(states.iter().all(|it| it["rollout"] == 40), "{states:?}");
    let states: Vec<_> = states.iter().map(|it| it["state"].clone()).collect();
    assert_eq!(states, ["published", "published", "withdrawn"]);
    test.publish("stable", "1.1.0", 1).args(["--keep-versions", "3", "--allow", "version_lower"]).done();
    test.update("game").args(["--version", "1.1.0"]).done();
    test.assert_has("game", 1);
}

#[test]
fn mode_that_is_added_later_is_published_to() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    assert_eq!(test.publish("nightly", "2.0.0-nightly.1", 2).fails()["code"], "mode_unknown");
    test.publisher(&["keys", "add", "keys", "--mode", "nightly"]).done();
    assert_eq!(test.publish("nightly", "2.0.0-nightly.1", 2).done()["sequence"], 1);
    test.update("game").args(["--mode", "nightly"]).done();
    test.assert_has("game", 2);
    test.publish("stable", "1.1.0", 3).done();
    test.update("other").done();
    test.assert_has("other", 3);
}

#[test]
fn rehearsal_sends_nothing_and_recall_is_made_once() {
    let test = TestDeployment::new(&["bundles=false"]);
    let audit = || test.api("GET", "/api/v1/audit", None).1["items"].as_array().unwrap().len();
    let before = audit();
    let first = test.publish("stable", "1.0.0", 1).args(["--dry-run"]).done();
    assert_eq!((&first["signs"], &first["is_new_mode"]), (&json!(["stable"]), &json!(true)), "{first}");
    assert_eq!((test.api("GET", "/api/v1/repository", None).1["root_version"].clone(), audit()), (json!(null), before));
    test.publish("stable", "1.0.0", 1).done();
    let rehearsed = test.publish("stable", "1.1.0", 2).args(["--dry-run"]).done();
    let published = test.publish("stable", "1.1.0", 2).done();
    assert!(rehearsed["is_at_most"] == true && rehearsed["new_chunks"] == published["new_chunks"], "{rehearsed}");
    assert_eq!(test.publish("stable", "1.1.0", 2).args(["--dry-run"]).done()["was_there"], true);

    let recall = ["repository", "recall", "--server", test.url(), "--mode", "stable", "--version", "1.1.0"];
    assert_eq!(test.publisher(&recall).done()["was_so"], false);
    let before = audit();
    assert_eq!(test.publisher(&recall).done()["was_so"], true);
    assert_eq!(audit(), before);
    let unknown = ["repository", "recall", "--server", test.url(), "--mode", "stable", "--version", "1.1.7"];
    let refused = test.publisher(&unknown).fails();
    assert!(refused["hint"].as_str().unwrap().starts_with("Did you mean 1.1.0?"), "{refused}");
    let shown = test.publisher(&["repository", "show", "--server", test.url()]).done();
    assert_eq!(
        (&shown["is_checked"], &shown["modes"]["stable"]["versions"][0]["recalled"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn first_publish_to_a_mode_names_what_an_admin_does() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    let (_, made) = test.api("POST", "/api/v1/tokens", Some(json!({"name": "nightly", "scopes": ["publish:nightly"]})));
    let admin = std::mem::replace(&mut test.token, made["token"].as_str().unwrap().to_owned());
    let refused = test.publish("stable", "1.1.0", 2).fails();
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("`vsekai-server token create --name NAME --scope publish:stable`"), "{refused}");
    test.publisher(&["keys", "add", "keys", "--mode", "nightly"]).done();
    let refused = test.publish("nightly", "1.0.0", 1).fails();
    let hint = refused["hint"].as_str().unwrap().to_owned();
    let push = format!("vsekai keys push keys --server {}", test.url());
    assert!(hint.contains(&format!("`{push}`")), "{refused}");
    let token = std::mem::replace(&mut test.token, admin);
    test.publisher(&push.split(' ').skip(1).collect::<Vec<_>>()).done();
    test.token = token;
    test.publish("nightly", "1.0.0", 1).done();
}

#[test]
fn several_platforms_of_a_version_stand_beside_each_other() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    let build = test.build(2);
    let mut windows = test.publisher(&["publish"]);
    windows.0.arg(build).args([
        "--mode",
        "stable",
        "--version",
        "1.0.0",
        "--platform",
        "windows-x86_64",
        "--entry",
        "game",
    ]);
    // The game is a script, so only its platform says that it is for Windows.
    windows.args(["--allow", "entry_not_program", "--server", test.url(), "--keys", "keys"]).done();
    for platform in ["linux-x86_64", "windows-x86_64"] {
        let update = test.api("GET", &format!("/api/v1/updates/stable/{platform}"), None).1;
        assert_eq!(update["version"], "1.0.0", "{platform}");
    }
    let found = test.api("GET", "/api/v1/versions?mode=stable", None).1;
    let path = format!("/api/v1/versions/{}/manifest", found["items"][0]["id"].as_str().unwrap());
    assert_eq!(test.api("GET", &path, None).1["files"].as_array().unwrap().len(), 6);
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn exported_files_and_a_restored_backup_install_the_same() {
    let mut test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0+build.7", 1).done();
    let export = test.server_command(&["export", "files"]).output().unwrap();
    assert!(export.status.success(), "{}", text(&export));
    let backup = test.server_command(&["backup", "copy.db"]).output().unwrap();
    assert!(backup.status.success(), "{}", text(&backup));
    let again = test.server_command(&["backup", "copy.db"]).output().unwrap();
    assert!(!again.status.success(), "a backup never replaces a file");
    let install = ["--update", "from-files", "--repository", "files", "--trust-root", "root.json", "--no-shared-cache"];
    test.publisher(&install).done();
    test.assert_has("from-files", 1);

    test.publish("stable", "1.1.0", 2).done();
    test.kill();
    for name in ["vsekai.db", "vsekai.db-wal", "vsekai.db-shm"] {
        let _ = fs::remove_file(test.path("server").join(name));
    }
    fs::copy(test.path("copy.db"), test.path("server/vsekai.db")).unwrap();
    test.start();
    test.update("restored").done();
    test.assert_has("restored", 1);
    // Publish again what was published after the backup.
    test.publish("stable", "1.1.0", 2).done();
    test.update("restored").done();
    test.assert_has("restored", 2);
}

#[test]
fn imported_chunks_are_not_sent_again() {
    let test = TestDeployment::new(&[]);
    let build = test.build(5);
    let mut make = test.publisher(&["store", "make", "--store", "store", "build.caidx"]);
    make.0.arg(&build);
    make.done();
    let import = test.server_command(&["import", "store"]).output().unwrap();
    assert!(import.status.success(), "{}", text(&import));
    let from_index =
        ["publish", "--from-index", "build.caidx", "--from-store", "store", "--mode", "stable", "--version", "1.0.0"];
    let mut call = test.publisher(&from_index);
    call.0.args(["--platform", "linux-x86_64", "--entry", "game", "--server", test.url(), "--keys", "keys"]);
    assert_eq!(call.done()["new_chunks"], 0);
    test.update("game").done();
    test.assert_has("game", 5);
}

#[test]
fn token_of_one_mode_publishes_there_and_nowhere_else() {
    let mut test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("beta", "1.0.0", 1).done();
    let create = ["token", "create", "--name", "ci", "--scope", "publish:beta"];
    let made = test.server_command(&create).output().unwrap();
    test.token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    test.publish("beta", "1.1.0", 2).done();
    let refused = test.publish("stable", "1.1.0", 2).fails();
    assert!(refused.to_string().contains("forbidden") || refused["code"] == "server_refused", "{refused}");
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn clean_up_takes_what_no_version_needs_and_nothing_else() {
    let test = TestDeployment::new(&["clean_grace_h=0", "publication_h=1", "superseded_h=0"]);
    for number in 1..=3 {
        test.publish("stable", &format!("1.{number}.0"), number).args(["--keep-versions", "1"]).done();
    }
    // The chunks of finished publications are kept for another hour.
    let dry = test.server_command(&["gc", "--dry-run"]).output().unwrap();
    assert!(text(&dry).starts_with("No chunk can go"), "{}", text(&dry));
    let gc = test.server_command(&["gc"]).output().unwrap();
    assert!(gc.status.success(), "{}", text(&gc));
    let verify = test.server_command(&["verify", "--deep"]).output().unwrap();
    assert!(verify.status.success(), "{}", text(&verify));
    test.update("game").done();
    test.assert_has("game", 3);
}
