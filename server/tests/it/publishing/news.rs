//! News through the server: signed by the publisher, checked and kept with the versions.

use std::fs;

use serde_json::json;

use crate::support::deployment::{Call, TestDeployment};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\x68\x08\x02\0\0\0";

/// `vsekai news WORDS` for `stable`.
fn news(test: &TestDeployment, words: &[&str]) -> Call {
    let keys = test.path("keys").display().to_string();
    let call = test.publisher(&["news"]).args(words.iter().copied());
    call.args(["--mode", "stable", "--server", test.url(), "--keys", &keys])
}

const TEXT: [&str; 4] = ["--title", "en=Open", "--text", "en=Come in."];

#[test]
fn news_reach_players_and_versions_are_published_beside_them() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    test.update("game").done();
    let picture = test.path("a.png");
    fs::write(&picture, PNG).unwrap();
    let picture = picture.display().to_string();
    news(&test, &["add", "opening"]).args(TEXT).args(["--picture", &picture]).done();
    assert_eq!(news(&test, &["list"]).done()["items"][0]["id"], "opening");
    // With the check of `update`, which keeps them.
    test.update("game").done();
    let kept = fs::read_to_string(test.path("game/.vsekai/news.json")).unwrap();
    assert!(kept.contains("Come in."), "{kept}");
    // Versions come and go, and the news stay.
    test.publish("stable", "1.1.0", 2).done();
    test.publish("stable", "1.2.0", 3).args(["--keep-versions", "1"]).done();
    test.update("game").done();
    test.assert_has("game", 3);
    assert_eq!(news(&test, &["list"]).done()["items"].as_array().unwrap().len(), 1);
    // A second item does not need the first picture again; removed ones leave the list.
    news(&test, &["add", "second"]).args(TEXT).done();
    news(&test, &["remove", "opening"]).done();
    news(&test, &["remove", "second"]).done();
    assert_eq!(news(&test, &["list"]).done()["items"], json!([]));
    test.publish("stable", "1.3.0", 4).done();
    test.update("game").done();
    test.assert_has("game", 4);
}

#[test]
fn news_that_are_not_signed_or_do_not_fit_are_refused() {
    let test = TestDeployment::new(&[]);
    test.publish("stable", "1.0.0", 1).done();
    let put = |mode: &str, body| test.api("PUT", &format!("/api/v1/modes/{mode}/news"), Some(body));
    let revision = || test.api("GET", "/api/v1/repository", None).1["revision"].clone();
    let before = revision();
    for body in [
        json!({"metadata": "", "files": {}}),
        json!({"metadata": "e30=", "files": {}}),
        json!({"metadata": "***", "files": {}}),
        json!({"metadata": "eyJzaWduZWQiOnsidGFyZ2V0cyI6e319fQ==", "files": {}}),
        json!({"metadata": "eyJzaWduZWQiOnsidGFyZ2V0cyI6e319fQ==", "files": {"stable/news.json": "e30="}}),
    ] {
        let (status, answer) = put("stable", body.clone());
        assert!((400..500).contains(&status), "{body}: {status} {answer}");
    }
    assert_eq!(put("other", json!({"metadata": "eyJzaWduZWQiOnsidGFyZ2V0cyI6e319fQ==", "files": {}})).0, 404);
    assert_eq!(revision(), before);
}
