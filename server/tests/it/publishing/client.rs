//! What `vsekai publish --server` sends, what it does not send again, and how it handles refusals.

use std::fs;

use serde_json::{Value, json};
use sqlx::Connection as _;

use super::proxy::Proxy;
use crate::support::deployment::{Call, TestDeployment, noise, text};

fn publish(test: &TestDeployment, proxy: &Proxy, version: &str, number: u32) -> Call {
    test.publish_to(proxy.url(), "stable", version, number)
}

/// A server without publications, behind a proxy that records the requests to it.
fn noted() -> (TestDeployment, Proxy) {
    let test = TestDeployment::new(&[]);
    let proxy = Proxy::start(test.url());
    (test, proxy)
}

#[track_caller]
fn assert_refused(call: Call, code: &str) {
    let refused = call.fails();
    assert_eq!(refused["code"], "server_refused", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains(code), "{refused}");
}

#[test]
fn first_publish_begins_the_repository_and_sends_each_chunk_once() {
    let (test, proxy) = noted();
    let done = publish(&test, &proxy, "1.0.0+b1", 1).done();
    assert_eq!((&done["sequence"], &done["was_there"]), (&json!(1), &json!(false)));
    assert_eq!(done["new_chunks"], done["sizes"]["chunks"]);
    assert_eq!(done["new_stored_bytes"], done["sizes"]["stored_bytes"]);
    let asked = proxy.take_asked("P");
    assert_eq!(asked[0], "PUT api/v1/repository/trust");
    let batches = asked.iter().filter(|line| line.ends_with("/chunks")).count();
    assert!((1..=4).contains(&batches), "{asked:?}");
    assert!(!asked.iter().any(|line| line.starts_with("PUT store/")), "{asked:?}");
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn address_with_a_path_too_much_is_no_update_server() {
    let test = TestDeployment::new(&[]);
    let refused = test.publish_to(&format!("{}/foo", test.url()), "stable", "1.0.0", 1).fails();
    assert_eq!(refused["code"], "not_found", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("/foo: there is no update server here"), "{refused}");
}

#[test]
fn server_that_takes_no_batches_gets_each_chunk_once() {
    let (test, proxy) = noted();
    proxy.be_old();
    let done = publish(&test, &proxy, "1.0.0", 1).done();
    let chunks = proxy.take_asked("PUT store/").len();
    assert_eq!(done["new_chunks"], chunks);
    publish(&test, &proxy, "1.1.0", 2).done();
    assert!(proxy.take_asked("PUT store/").len() < chunks, "what both have is not sent again");
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn whoever_may_not_publish_is_refused_before_the_tree_is_read() {
    let (test, proxy) = noted();
    publish(&test, &proxy, "1.0.0", 1).done();
    proxy.take_asked("");
    let mut call = publish(&test, &proxy, "1.1.0", 2);
    call.0.env("VSEKAI_TOKEN", "vsk_wrong");
    let output = call.0.output().unwrap();
    let said = text(&output);
    assert!(!output.status.success() && said.contains("unauthorized"), "{said}");
    assert!(!said.contains("upload") && !said.contains("\"make\""), "{said}");
    assert_eq!(proxy.take_asked("POST"), ["POST api/v1/publications"]);
}

#[test]
fn same_build_again_sends_nothing_whether_or_not_a_cache_knows_it() {
    let (test, proxy) = noted();
    publish(&test, &proxy, "1.0.0", 1).done();
    publish(&test, &proxy, "1.1.0", 2).done();
    proxy.be_late_once();
    proxy.take_asked("");
    assert_eq!(publish(&test, &proxy, "1.1.0", 2).done()["was_there"], true);
    let asked = proxy.take_asked("");
    assert!(asked.iter().any(|line| line == "POST api/v1/publications"), "it was not late: {asked:?}");
    assert!(!asked.iter().any(|line| line.starts_with("PUT ")), "{asked:?}");
    assert_eq!(publish(&test, &proxy, "1.1.0", 2).done()["was_there"], true);
    let asked = proxy.take_asked("");
    assert!(asked.iter().all(|line| line.starts_with("GET ") && !line.contains("store/")), "{asked:?}");
    // The same files with other arguments for the entry.
    let other = publish(&test, &proxy, "1.1.0", 2).args(["--entry-arg", "--vr"]).fails();
    assert_eq!(other["code"], "version_exists", "{other}");
}

#[test]
fn second_version_is_counted_on_and_its_size_estimated() {
    let test = TestDeployment::new(&[]);
    for number in [1, 2] {
        // Half of the chunks can be compressed. Chunks that exist already are not read again, so their stored size is
        // estimated.
        let file = test.build(number).join("data/half.pck");
        fs::write(file, noise(9, 600_000).iter().map(|it| it & 15).collect::<Vec<_>>()).unwrap();
    }
    let first = test.publish("stable", "1.0.0", 1).done();
    let second = test.publish("stable", "1.1.0", 2).done();
    let (all, new) = (first["new_chunks"].as_u64().unwrap(), second["new_chunks"].as_u64().unwrap());
    assert!(new > 0 && new < all, "{new} of {all}");
    assert_eq!(second["sequence"], 2);
    let bytes = |done: &Value| done["sizes"]["stored_bytes"].as_f64().unwrap();
    assert!((bytes(&second) / bytes(&first) - 1.0).abs() < 0.2, "{} {}", bytes(&first), bytes(&second));
}

#[test]
fn publish_that_was_cut_off_goes_on_where_it_was() {
    let (test, proxy) = noted();
    proxy.refuse_once("documents/metadata", 403, "told_to");
    assert_refused(publish(&test, &proxy, "1.0.0", 1), "told_to");
    proxy.take_asked("");
    publish(&test, &proxy, "1.0.0", 1).done();
    let asked = proxy.take_asked("P");
    assert!(!asked.iter().any(|line| line.ends_with("/chunks") || line.starts_with("PUT store/")), "{asked:?}");
    proxy.refuse_once("api/v1/publications", 500, "internal");
    publish(&test, &proxy, "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn commit_that_comes_too_late_is_signed_again() {
    let (test, proxy) = noted();
    for code in ["publication_stale", "chunks_missing", "publication_expired"] {
        proxy.refuse_once("commit", 409, code);
    }
    publish(&test, &proxy, "1.0.0", 1).done();
    test.update("game").done();
    test.assert_has("game", 1);
    let asked = proxy.take_asked("POST");
    let commits: Vec<_> = asked.iter().filter(|line| line.ends_with("commit")).collect();
    assert_eq!(commits.len(), 4);
    assert_eq!(commits[0], commits[1], "the same publication goes on");
    assert_ne!(commits[2], commits[3], "one that has expired is begun anew");
    // It gives way to as many others as publish at the same time.
    (0..8).for_each(|_| proxy.refuse_once("commit", 409, "publication_stale"));
    publish(&test, &proxy, "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
}

/// Changes the server's database behind its back.
fn change(test: &TestDeployment, statement: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    });
}

/// Sets of chunks that no version has yet.
fn incoming_sets(test: &TestDeployment) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let count = "SELECT count(DISTINCT s.id) FROM chunk_sets s JOIN set_chunks c ON c.set_id = s.id \
                     WHERE s.state <> 'live'";
        sqlx::query_scalar(count).fetch_one(&mut conn).await.unwrap()
    })
}

const REFUSE: &str = "CREATE TRIGGER refuse BEFORE UPDATE ON repository BEGIN SELECT RAISE(ABORT, 'on purpose'); END";

#[test]
fn commit_that_never_ended_shows_nowhere_and_is_cleaned_up_after_an_hour() {
    let test = TestDeployment::new(&["bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    change(&test, REFUSE);
    test.publish("stable", "1.1.0", 2).fails();
    change(&test, "DROP TRIGGER refuse");
    test.update("game").done();
    test.assert_has("game", 1);
    let clean = || {
        let cleaned = test.server_command(&["gc"]).output().unwrap();
        assert!(cleaned.status.success(), "{}", text(&cleaned));
    };
    clean();
    assert_eq!(incoming_sets(&test), 1, "it may still be under way");
    change(&test, "UPDATE chunk_sets SET changed_at = changed_at - 3601000000");
    clean();
    assert_eq!(incoming_sets(&test), 0);
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn commit_that_the_database_refuses_is_repeated_without_rebuilding_the_tree() {
    let mut test = TestDeployment::new(&["log=info,vsekai_server::service=debug", "bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    change(&test, REFUSE);
    test.publish("stable", "1.1.0", 2).fails();
    test.publish("stable", "1.1.0", 2).fails();
    change(&test, "DROP TRIGGER refuse");
    test.publish("stable", "1.1.0", 2).done();
    // Once it is published, it is not remembered any more.
    test.publish("beta", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    test.kill();
    let log = fs::read_to_string(test.path("server.log")).unwrap();
    // The first was checked while it arrived.
    assert_eq!(log.matches("rebuilding the tree").count(), 2, "{log}");
}

#[test]
fn tree_that_arrives_whole_is_not_rebuilt() {
    let mut test = TestDeployment::new(&["log=info,vsekai_server::service=debug", "bundles=false"]);
    test.publish("stable", "1.0.0", 1).done();
    test.update("game").done();
    test.assert_has("game", 1);
    test.kill();
    let log = fs::read_to_string(test.path("server.log")).unwrap();
    assert!(!log.contains("rebuilding the tree"), "{log}");
}

#[test]
fn chunk_that_the_server_has_lost_is_sent_again() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", test.path("server/vsekai.db").display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let id: Vec<u8> = sqlx::query_scalar("SELECT min(id) FROM chunks").fetch_one(&mut conn).await.unwrap();
        for statement in [
            "DELETE FROM set_chunks WHERE chunk_id = $1",
            "DELETE FROM chunk_pins WHERE chunk_id = $1",
            "DELETE FROM chunk_data WHERE id = $1",
            "DELETE FROM chunks WHERE id = $1",
        ] {
            sqlx::query(statement).bind(&id).execute(&mut conn).await.unwrap();
        }
    });
    assert_eq!(test.publish("beta", "1.0.0", 1).done()["new_chunks"], 1);
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn key_of_a_mode_alone_publishes_to_it_and_to_no_other() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    for entry in fs::read_dir(test.path("keys")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".pk8") && ["root", "targets", "beta"].contains(&name.split('.').next().unwrap()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    test.publish("stable", "1.1.0", 2).done();
    test.update("game").done();
    test.assert_has("game", 2);
    let refused = test.publish("beta", "1.0.0", 2).fails();
    assert_eq!(refused["code"], "key_missing", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("beta"), "{refused}");
    assert_eq!(test.api("GET", "/api/v1/versions?mode=beta", None).1["items"], json!([]));
}

#[test]
fn key_of_the_servers_is_changed_by_giving_it_the_new_one() {
    let mut test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    for (role, version) in [("timestamp", "1.1.0"), ("snapshot", "1.2.0"), ("catalog", "1.3.0")] {
        test.publisher(&["keys", "rotate", "keys", role]).done();
        assert_refused(test.publish("stable", version, 1), "keys_differ");
        for entry in fs::read_dir(test.path("keys")).unwrap().map(Result::unwrap) {
            if entry.file_name().into_string().unwrap().starts_with(&format!("{role}.")) {
                fs::copy(entry.path(), test.path("server/keys").join(entry.file_name())).unwrap();
            }
        }
        test.kill();
        test.start();
        test.publish("stable", version, 1).done();
    }
    test.update("game").done();
    test.assert_has("game", 1);
}

#[test]
fn what_is_in_a_store_already_is_sent_from_there() {
    let (test, proxy) = noted();
    let mut make = test.publisher(&["store", "make", "--store", "store", "build.caidx"]);
    make.0.arg(test.build(1));
    make.done();
    let publish =
        || {
            let mut call = test.publisher(&["publish", "--from-index", "build.caidx", "--from-store", "store"]);
            call.0.env("TMPDIR", test.folder.path());
            call.args(["--mode", "stable", "--version", "1.0.0", "--platform", "linux-x86_64", "--entry", "game"])
                .args(["--server", proxy.url(), "--keys", "keys"])
        };
    let published = publish().done();
    assert_eq!(published["new_chunks"], published["sizes"]["chunks"]);
    test.update("game").done();
    test.assert_has("game", 1);
    proxy.take_asked("");
    assert_eq!(publish().done()["was_there"], true);
    assert_eq!(proxy.take_asked("P"), Vec::<String>::new());
    let left = fs::read_dir(test.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_str().unwrap().starts_with(".publish-")).collect();
    assert_eq!(left.len(), 0, "working files are removed: {left:?}");
}

#[test]
fn what_the_checks_refuse_is_not_sent() {
    let (test, proxy) = noted();
    for (name, options) in [("Thumbs.db", &["--strict"][..]), (".env", &[]), ("a.pk8", &["--allow", "secret"])] {
        let call = publish(&test, &proxy, "1.0.0", 1).args(options.iter().copied());
        let file = test.path("build-1").join(name);
        fs::write(&file, b"x").unwrap();
        let refused = call.fails();
        assert_eq!(refused["code"], "lint_failed", "{refused}");
        assert_eq!(proxy.take_asked("P"), Vec::<String>::new());
        fs::remove_file(file).unwrap();
    }
    publish(&test, &proxy, "1.0.0", 1).done();
    proxy.take_asked("");
    let refused = publish(&test, &proxy, "0.9.0", 2).fails();
    assert!(refused["message"].as_str().unwrap().contains("version_lower"), "{refused}");
    assert_eq!(proxy.take_asked("P"), Vec::<String>::new());
    publish(&test, &proxy, "0.9.0", 2).args(["--allow", "version_lower"]).done();
}

#[test]
fn targets_are_renewed_by_who_has_their_key_when_half_of_their_days_are_over() {
    let (test, proxy) = noted();
    publish(&test, &proxy, "1.0.0", 1).done();
    let is_sent = |version: &str, number| {
        proxy.take_asked("");
        let done = publish(&test, &proxy, version, number).done();
        let days = done["roles"].as_array().unwrap().iter().find(|role| role["role"] == "targets").unwrap().clone();
        (proxy.take_asked("PUT api/v1/repository/trust").len() == 1, days["days_left"].as_i64().unwrap())
    };
    assert!(matches!(is_sent("1.1.0", 2), (false, 364 | 365)));
    let list = test.path("keys/keys.json");
    let mut keys: Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    keys["days"]["targets"] = json!(3000);
    fs::write(&list, keys.to_string()).unwrap();
    assert!(matches!(is_sent("1.2.0", 1), (true, 2999 | 3000)));
    assert!(matches!(is_sent("1.3.0", 2), (false, 2999 | 3000)));
    test.update("game").done();
    test.assert_has("game", 2);
}

#[test]
fn wrong_token_is_told_and_never_shown() {
    let test = TestDeployment::new(&[]);
    fs::write(test.path("token"), "vsk_wrong\n").unwrap();
    let output = test.publish("stable", "1.0.0", 1).args(["--token-file", "token"]).0.output().unwrap();
    assert!(!output.status.success() && text(&output).contains("unauthorized"), "{}", text(&output));
    assert!(!text(&output).contains("vsk_wrong"), "{}", text(&output));
    fs::write(test.path("token"), format!("{}\n", test.token)).unwrap();
    let mut call = test.publish("stable", "1.0.0", 1).args(["--token-file", "token"]);
    call.0.env_remove("VSEKAI_TOKEN");
    call.done();
}

#[test]
fn keys_made_for_another_server_are_refused() {
    let (test, other) = (TestDeployment::new(&[]), TestDeployment::new(&[]));
    fs::remove_dir_all(other.path("keys")).unwrap();
    fs::rename(test.path("keys"), other.path("keys")).unwrap();
    assert_refused(other.publish("stable", "1.0.0", 1), "keys_differ");
    let twice = other.publish("stable", "1.0.0", 1).args(["--keys", "keys"]).0.output().unwrap();
    assert_eq!(twice.status.code(), Some(2), "{}", text(&twice));
}

#[test]
fn keys_can_be_made_from_a_file_of_what_the_server_says() {
    let test = TestDeployment::new(&[]);
    let info = test.api("GET", "/api/v1/repository", None).1;
    fs::write(test.path("info.json"), info.to_string()).unwrap();
    let made = test.publisher(&["keys", "init", "more", "--online", "info.json"]).done();
    let keys = made["keys"].as_array().unwrap();
    let away: Vec<&str> =
        keys.iter().filter(|key| key["present"] == false).filter_map(|key| key["role"].as_str()).collect();
    assert_eq!(away, ["snapshot", "timestamp", "catalog"]);
    let refused = test.publisher(&["keys", "init", "none", "--online", "root.json"]).fails();
    assert_eq!(refused["code"], "invalid_argument", "{refused}");
}
