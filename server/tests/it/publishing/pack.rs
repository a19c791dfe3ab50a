//! The metadata pack: served, cached and exported.

use std::fs;

use reqwest::header::HeaderMap;
use serde_json::json;
use vsekai_updater::formats::metadata_pack::{MetadataPack, PATH};

use crate::support::deployment::{TestDeployment, text};

/// Status, headers, body.
fn get(test: &TestDeployment, path: &str, tag: Option<&str>) -> (u16, HeaderMap, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = crate::client::plain().build().unwrap();
        let mut request = client.get(format!("{}/{path}", test.url()));
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
    })
}

fn packed(test: &TestDeployment) -> (MetadataPack, String) {
    let (status, headers, body) = get(test, PATH, None);
    assert_eq!(status, 200);
    (MetadataPack::parse(&body).unwrap(), headers["etag"].to_str().unwrap().to_owned())
}

/// The versions whose release documents are in the pack.
fn releases(pack: &MetadataPack) -> Vec<String> {
    let names = pack.paths().filter(|path| path.ends_with(".release.json"));
    names.map(|path| path.split('/').nth(2).unwrap().to_owned()).collect()
}

#[test]
fn pack_has_every_file_as_it_is_served_by_itself() {
    let test = TestDeployment::new(&[]);
    assert_eq!(get(&test, PATH, None).0, 404, "nothing has begun yet");
    test.publish("stable", "1.0.0+build.7", 1).done();
    let (pack, tag) = packed(&test);
    assert!(pack.paths().count() >= 8, "{:?}", pack.paths().collect::<Vec<_>>());
    for path in pack.paths() {
        assert_eq!(get(&test, path, None).2, pack.get(path).unwrap(), "{path}");
    }
    assert_eq!(releases(&pack), ["1.0.0+build.7"]);

    let (_, headers, _) = get(&test, PATH, None);
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["cache-control"], get(&test, "tuf/timestamp.json", None).1["cache-control"]);
    assert_eq!(headers["etag"], tag.as_str(), "made once, or the same again");
    assert_eq!(get(&test, PATH, Some(&tag)).0, 304);
}

#[test]
fn pack_follows_every_change_at_once_where_it_was_made() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    let (_, first) = packed(&test);
    test.publish("stable", "1.1.0", 2).done();
    let (pack, second) = packed(&test);
    assert_ne!(first, second);
    assert_eq!(releases(&pack), ["1.1.0"]);
    let found = test.api("GET", "/api/v1/versions?mode=stable&version=1.1.0", None).1;
    let path = format!("/api/v1/versions/{}", found["items"][0]["id"].as_str().unwrap());
    assert_eq!(test.api("PATCH", &path, Some(json!({"recalled": true}))).0, 200);
    assert_eq!(releases(&packed(&test).0), ["1.0.0"]);
}

#[test]
fn check_of_a_server_is_one_request() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.update("game").done();
    test.publish("stable", "1.1.0", 2).done();
    for _ in 0..2 {
        let check = test.publisher(&["check", "game"]).done();
        assert_eq!((&check["available"]["version"], &check["transfer"]["requests"]), (&json!("1.1.0"), &json!(1)));
    }
    let updated = test.update("game").done();
    assert_eq!(updated["metadata"]["requests"], 3, "the pack, and the index and the file table that are not in it");
}

#[test]
fn export_has_the_pack_of_its_own_files() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    for version in ["1.0.0", "1.1.0"] {
        test.publish("stable", version, if version == "1.0.0" { 1 } else { 2 }).done();
        let export = test.server_command(&["export", "files"]).output().unwrap();
        assert!(export.status.success(), "{}", text(&export));
        let pack = MetadataPack::parse(&fs::read(test.path("files").join(PATH)).unwrap()).unwrap();
        assert_eq!(releases(&pack), [version]);
        for path in pack.paths() {
            assert_eq!(fs::read(test.path("files").join(path)).unwrap(), pack.get(path).unwrap(), "{path}");
        }
    }
}
