//! The day's work on a server by command, and chunks that are lost.

use std::fs;

use crate::support::deployment::{Call, TestDeployment, text};

fn repository(test: &TestDeployment, verb: &str) -> Call {
    test.publisher(&["repository", verb, "--server", test.url()])
}

#[test]
fn versions_of_a_server_are_recalled_skipped_and_rolled_out_by_command() {
    let test = TestDeployment::new(&["bundles=false", "allow_private_cdns=true"]);
    test.publish("stable", "1.0.0", 1).done();
    test.publish("stable", "1.1.0", 2).done();
    let of = ["--mode", "stable", "--version", "1.1.0"];
    repository(&test, "recall").args(of).done();
    test.update("game").done();
    test.assert_has("game", 1);
    repository(&test, "recall").args(of).arg("--undo").done();
    repository(&test, "skip").args(of).done();
    repository(&test, "rollout").args(of).args(["--percent", "30"]).done();
    let shown = repository(&test, "show").args(["--keys", "keys"]).done();
    let versions = shown["modes"]["stable"]["versions"].as_array().unwrap();
    let version = versions.iter().find(|version| version["version"] == "1.1.0").unwrap();
    assert_eq!((version["rollout"].as_u64(), version["skip_update"].as_bool()), (Some(30), Some(true)), "{shown}");
    assert_ne!(version["recalled"], true);
    repository(&test, "skip").args(of).arg("--undo").done();
    assert_eq!(
        repository(&test, "recall").args(["--mode", "stable", "--version", "9.0.0"]).fails()["code"],
        "version_unknown"
    );
    // What publishing again would not do is not passed over.
    let ignored = test.publish("stable", "1.1.0", 2).args(["--rollout", "60"]).fails();
    assert!(ignored.to_string().contains("repository rollout"), "{ignored}");
    repository(&test, "mirrors").args(["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"]).done();
    repository(&test, "mirrors").args(["http://127.0.0.1:9/b"]).done();
    let cdns = test.api("GET", "/api/v1/cdns", None).1;
    assert_eq!(cdns["items"].as_array().unwrap().len(), 1, "{cdns}");
    repository(&test, "retire").args(["--mode", "stable"]).done();
    repository(&test, "activate").args(["--mode", "stable"]).done();
    test.publish("stable", "1.2.0", 3).done();
}

#[test]
fn list_of_a_mode_is_signed_again_by_command_and_new_modes_are_sent() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    let version = |test: &TestDeployment| {
        let answer = test.api("GET", "/tuf/2.stable.json", None);
        answer.0
    };
    assert_eq!(version(&test), 200);
    assert_eq!(test.api("GET", "/tuf/3.stable.json", None).0, 404);
    // The token of CI may do this, too.
    let create = ["token", "create", "--name", "ci", "--scope", "publish:stable"];
    let admin = test.token.clone();
    test.token = String::from_utf8(test.server_command(&create).output().unwrap().stdout).unwrap().trim().to_owned();
    test.publisher(&["keys", "renew", "keys", "stable", "--server", test.url()]).done();
    assert_eq!(test.api("GET", "/tuf/3.stable.json", None).0, 200);
    let other = test.publisher(&["keys", "renew", "keys", "beta", "--server", test.url()]).fails();
    assert!(other.to_string().contains("forbidden"), "{other}");
    test.token = admin;
    test.publisher(&["keys", "add", "keys", "nightly"]).done();
    test.publisher(&["keys", "push", "keys", "--server", test.url()]).done();
    assert_eq!(test.api("GET", "/api/v1/modes/nightly", None).0, 200);
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn lost_chunks_are_named_and_come_back_by_publishing_and_from_a_store() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.settings.push(format!("chunks=file://{}", test.path("chunks").display()));
    test.kill();
    fs::remove_dir_all(test.path("server")).unwrap();
    test.token.clear();
    test.start();
    fs::remove_dir_all(test.path("keys")).unwrap();
    test.publisher(&["keys", "init"]).arg("keys").args(["--online", test.url()]).done();
    fs::copy(test.path("keys/root.json"), test.path("root.json")).unwrap();
    test.publish("stable", "1.0.0", 1).done();

    // Another place is refused.
    let other = test.server_command(&["verify", "--chunks", "database"]).output().unwrap();
    assert!(!other.status.success(), "{}", text(&other));
    let mut elsewhere = test.server_command(&["verify"]);
    elsewhere.args(["--set", "chunks=database"]);
    let elsewhere = elsewhere.output().unwrap();
    assert!(text(&elsewhere).contains("are in"), "{}", text(&elsewhere));

    let copy = test.path("copy");
    let cp = std::process::Command::new("cp").arg("-a").arg(test.path("chunks")).arg(&copy).status().unwrap();
    assert!(cp.success());
    let lose = |test: &TestDeployment| {
        let all = fs::read_dir(test.path("chunks")).unwrap().map(|it| it.unwrap().path());
        // Not the object by which the server sees whether it can write there.
        all.filter(|path| path.is_dir()).for_each(|folder| fs::remove_dir_all(folder).unwrap());
    };
    lose(&test);
    let published = test.publish("stable", "1.1.0", 2).done();
    assert!(published["new_chunks"].as_u64().unwrap() > 1, "{published}");
    let verify = test.server_command(&["verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(3), "the chunks of 1.0.0 alone: {}", text(&verify));
    let repair = test.server_command(&["verify", "--deep", "--repair", "copy"]).output().unwrap();
    assert!(repair.status.success(), "{}", text(&repair));
    lose(&test);
    let import = test.server_command(&["import", "copy"]).output().unwrap();
    assert!(import.status.success(), "{}", text(&import));
    test.update("game").args(["--version", "1.0.0"]).done();
    test.assert_has("game", 1);

    // They move into the database, while the server runs, and out of it.
    test.publish("stable", "1.1.0", 2).done();
    lose(&test);
    assert!(test.server_command(&["import", "copy"]).output().unwrap().status.success());
    test.publish("stable", "1.2.0", 3).done();
}

#[test]
fn restored_backup_is_accepted_again_by_players_who_have_seen_more() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    assert!(test.server_command(&["backup", "copy.db"]).output().unwrap().status.success());
    test.publish("beta", "1.0.0", 2).done();
    for description in ["a", "b", "c"] {
        let change = serde_json::json!({"description": description});
        assert_eq!(test.api("PATCH", "/api/v1/modes/stable", Some(change)).0, 200);
    }
    test.update("game").done();
    test.kill();
    for name in ["vsekai.db", "vsekai.db-wal", "vsekai.db-shm"] {
        let _ = fs::remove_file(test.path("server").join(name));
    }
    fs::copy(test.path("copy.db"), test.path("server/vsekai.db")).unwrap();
    test.start();
    assert_eq!(test.update("game").fails()["code"], "metadata_rollback");
    test.kill();
    let raise = test.server_command(&["raise", "--seen", "20"]).output().unwrap();
    assert!(raise.status.success() && text(&raise).contains("version 21"), "{}", text(&raise));
    test.start();
    let audit = test.api("GET", "/api/v1/audit?limit=100", None).1;
    let raised = audit["items"].as_array().unwrap().iter().filter(|it| it["action"] == "repository.raise").count();
    assert_eq!(raised, 1, "{audit}");
    // The list of `beta` was signed offline: its holder publishes it again.
    test.publish("beta", "1.0.0", 2).done();
    test.update("game").done();
    test.publish("stable", "1.1.0", 3).done();
    test.update("game").done();
    test.assert_has("game", 3);
}

#[test]
fn one_command_restores_a_backup_that_players_accept() {
    let mut test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    assert!(test.server_command(&["backup", "copy.db"]).output().unwrap().status.success());
    for description in ["a", "b", "c"] {
        let change = serde_json::json!({"description": description});
        assert_eq!(test.api("PATCH", "/api/v1/modes/stable", Some(change)).0, 200);
    }
    test.update("game").done();
    let restore = |test: &TestDeployment, file: &str| {
        let output = test.server_command(&["restore", file]).output().unwrap();
        (output.status.code(), text(&output))
    };
    let (code, said) = restore(&test, "copy.db");
    assert!(code == Some(1) && said.contains("[busy]"), "a server runs: {said}");
    test.kill();
    let all = || {
        let names = fs::read_dir(test.path("server")).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("vsekai.db.")).collect::<Vec<_>>()
    };
    fs::write(test.path("odd.db"), "no database").unwrap();
    fs::write(test.path("empty.db"), "").unwrap();
    for file in ["odd.db", "empty.db", "nothing.db", "server/vsekai.db"] {
        let (code, said) = restore(&test, file);
        assert!(code == Some(1) && said.contains("[backup_invalid]"), "{file}: {said}");
        assert_eq!(all(), Vec::<String>::new(), "{file}");
    }
    let (code, said) = restore(&test, "copy.db");
    assert!(code == Some(0) && said.contains("above what players have seen"), "{said}");
    let found = all();
    assert!(found.len() == 1 && found[0].starts_with("vsekai.db.replaced-"), "{found:?}");
    let kept = &found[0];
    assert!(said.contains(kept.as_str()), "{said}");
    test.start();
    assert_eq!(test.api("GET", "/api/v1/modes/stable", None).1["description"], "");
    test.update("game").done();
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    // On a machine that has nothing yet, and back to what was kept.
    test.kill();
    let kept = test.path("server").join(kept);
    let mut other = test.server_command(&["restore"]);
    other.arg(&kept).env("VSEKAI_SERVER_DATABASE", format!("sqlite:{}", test.path("other.db").display()));
    let other = other.output().unwrap();
    assert!(other.status.success() && text(&other).contains("raise --seen"), "{}", text(&other));
    assert!(test.path("other.db").is_file() && kept.is_file());
}

#[test]
fn a_chunk_that_cannot_be_removed_fails_the_clean_up_until_it_can() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    assert!(test.server_command(&["export", "out"]).output().unwrap().status.success());
    let chunks = format!("file://{}", test.path("chunks").display());
    let command = |args: &[&str]| {
        let mut command = test.server_command(&[]);
        command.args(args).args(["--data", "other", "--chunks", &chunks, "--set", "clean_grace_h=0"]);
        command.output().unwrap()
    };
    let imported = command(&["import", "out/store", "--keep-days", "0"]);
    assert!(imported.status.success(), "{}", text(&imported));
    // Something else is where a chunk was, as a wrong restore or a user of the folder leaves it.
    let folder =
        fs::read_dir(test.path("chunks")).unwrap().map(|it| it.unwrap().path()).find(|it| it.is_dir()).unwrap();
    let chunk = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&chunk).unwrap();
    fs::create_dir_all(chunk.join("kept")).unwrap();
    // The first round only dooms them.
    let doomed = command(&["gc"]);
    assert!(doomed.status.success(), "{}", text(&doomed));
    let failed = command(&["gc"]);
    let said = text(&failed);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    let name = chunk.file_stem().unwrap().to_str().unwrap();
    assert!(said.contains("cannot remove a chunk") && said.contains(name), "{said}");
    assert!(said.contains("1 chunk or bundle could not be removed") && said.contains("[not_removed]"), "{said}");
    assert!(said.contains("hint: ") && chunk.is_dir(), "{said}");
    let again = command(&["gc"]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    fs::remove_dir_all(&chunk).unwrap();
    let done = command(&["gc"]);
    assert!(done.status.success(), "{}", text(&done));
    assert!(text(&command(&["gc"])).contains("nothing to clean up"));
}
