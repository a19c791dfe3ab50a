//! Modes.

use serde_json::json;

use super::support::Server;

const MODES: &str = "/api/v1/modes";

fn names(page: &serde_json::Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_mode_is_made_and_read_and_changed() {
    let server = Server::start();
    let made = server.post(MODES, &json!({"name": "nightly", "description": "Each night"})).await;
    assert_eq!(made.header("location"), "/api/v1/modes/nightly");
    let made = made.expect(201);
    assert_eq!((&made["is_active"], &made["update_to"], &made["sequence"]), (&json!(true), &json!(null), &json!(0)));
    assert_eq!(server.get("/api/v1/modes/nightly").await.expect(200), made);

    server.mode("stable").await;
    let changed = server.patch("/api/v1/modes/nightly", &json!({"is_active": false, "update_to": null})).await;
    let changed = changed.expect(200);
    assert_eq!((&changed["is_active"], &changed["update_to"]), (&json!(false), &json!(null)));
    assert_eq!(changed["description"], "Each night", "what is left out stays");
    assert_eq!(changed["sequence"], 1);
    assert_eq!(
        server.get(MODES).await.expect(200)["items"],
        json!([changed, server.get("/api/v1/modes/stable").await.expect(200)])
    );
}

#[tokio::test]
async fn a_change_that_changes_nothing_counts_nothing() {
    let server = Server::start();
    server.mode("stable").await;
    let before = server.get("/api/v1/modes/stable").await.expect(200);
    assert_eq!(server.patch("/api/v1/modes/stable", &json!({"is_active": true})).await.expect(200), before);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_and_end() {
    let server = Server::start();
    let all: Vec<String> = (0..7).map(|number| format!("mode{number}")).collect();
    for name in all.iter().rev() {
        server.mode(name).await;
    }
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = server.get(&format!("{MODES}?limit=3{cursor}")).await.expect(200);
        seen.extend(names(&page));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen, pages), (all, 3));
}

#[tokio::test]
async fn pages_that_nobody_can_ask_for_are_refused() {
    let server = Server::start();
    for query in
        ["limit=0", "limit=101", "limit=-1", "limit=many", "limit=", "cursor=!", "cursor=bnVsbA", "is_active=maybe"]
    {
        server.get(&format!("{MODES}?{query}")).await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn lists_hold_only_what_is_asked_for() {
    let server = Server::start();
    for name in ["alpha", "beta", "gamma"] {
        server.mode(name).await;
    }
    server.patch("/api/v1/modes/beta", &json!({"is_active": false})).await.expect(200);
    let ask = async |query: &str| names(&server.get(&format!("{MODES}?{query}")).await.expect(200));
    assert_eq!(ask("is_active=false").await, ["beta"]);
    assert_eq!(ask("is_active=true").await, ["alpha", "gamma"]);
    assert_eq!(ask("name=gamma").await, ["gamma"]);
    assert_eq!(ask("name=gamma&is_active=false").await, [""; 0]);
    assert_eq!(ask("name=%27%20OR%201%3D1%20--").await, [""; 0]);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let server = Server::start();
    server.mode("stable").await;
    for path in [MODES, "/api/v1/modes/stable", "/api/v1/repository"] {
        let first = server.get(path).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && !first.header("cache-control").is_empty(), "{first:?}");
        for given in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let again = server.ask_as("", "GET", path).header("if-none-match", &given).send().await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, etag.as_str()), "{given}");
        }
        let other = server.ask_as("", "GET", path).header("if-none-match", "\"other\"").send().await;
        assert_eq!(other.status, 200);
    }
    let etag = server.get(MODES).await.header("etag").to_owned();
    server.patch("/api/v1/modes/stable", &json!({"description": "New"})).await.expect(200);
    assert_eq!(server.ask_as("", "GET", MODES).header("if-none-match", &etag).send().await.status, 200);
}

#[tokio::test]
async fn a_change_of_what_another_has_changed_is_refused() {
    let server = Server::start();
    server.mode("stable").await;
    let path = "/api/v1/modes/stable";
    let etag = server.get(path).await.header("etag").to_owned();
    let first = server.ask("PATCH", path).header("if-match", &etag).json(&json!({"description": "One"})).send().await;
    first.expect(200);
    let second = server.ask("PATCH", path).header("if-match", &etag).json(&json!({"description": "Two"})).send().await;
    second.refused(412, "precondition_failed");
    let now = server.get(path).await;
    assert_eq!(now.expect(200)["description"], "One");
    assert_eq!(first.header("etag"), now.header("etag"), "a change says what it has become");
    let third = server.ask("PATCH", path).header("if-match", first.header("etag")).json(&json!({"description": "Two"}));
    third.send().await.expect(200);
}

#[tokio::test]
async fn token_alone_names_no_successor() {
    let server = Server::start();
    for name in ["one", "two"] {
        server.mode(name).await;
    }
    let change = |next: &str| json!({"is_active": false, "update_to": next});
    server.patch("/api/v1/modes/one", &change("two")).await.refused(409, "successor_not_signed");
    server.patch("/api/v1/modes/one", &change("one")).await.refused(409, "mode_cycle");
    server.patch("/api/v1/modes/one", &change("nowhere")).await.refused(409, "mode_unknown");
    let new = json!({"name": "three", "update_to": "one"});
    server.post(MODES, &new).await.refused(409, "successor_not_signed");
    let one = server.get("/api/v1/modes/one").await.expect(200);
    assert_eq!((&one["update_to"], &one["is_active"]), (&json!(null), &json!(true)));
}

#[tokio::test]
async fn what_is_no_mode_is_refused() {
    let server = Server::start();
    server.mode("stable").await;
    server.post(MODES, &json!({"name": "stable"})).await.refused(409, "mode_exists");
    for body in [
        json!({"name": "new", "colour": "red"}),
        json!({"name": "new", "is_active": "yes"}),
        json!({"name": 7}),
        json!({}),
        json!([]),
        json!(null),
        json!("new"),
    ] {
        server.post(MODES, &body).await.refused(400, "invalid");
    }
    for name in ["", "Stable", "a b", "../x", "a/b", "a\u{0}", "-a", "root", &"a".repeat(33)] {
        let answer = server.post(MODES, &json!({"name": name})).await;
        assert!(matches!(answer.status, 400 | 422), "{name:?}: {}", answer.text());
        let code = answer.expect(answer.status)["code"].as_str().unwrap().to_owned();
        answer.refused(answer.status, &code);
    }
    for text in ["a\nb", "\u{0}", &"x".repeat(501)] {
        server.post(MODES, &json!({"name": "new", "description": text})).await.refused(400, "invalid");
    }
    server.patch("/api/v1/modes/stable", &json!({"name": "other"})).await.refused(400, "invalid");
    server.patch("/api/v1/modes/none", &json!({"is_active": true})).await.refused(404, "not_found");
    server.get("/api/v1/modes/none").await.refused(404, "not_found");
    assert_eq!(names(&server.get(MODES).await.expect(200)), ["stable"]);
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    let server = Server::start();
    let modes: Vec<String> = (0..8).map(|number| format!("mode{number}")).collect();
    futures_util::future::join_all(modes.iter().map(|name| server.mode(name))).await;
    assert_eq!(names(&server.get(MODES).await.expect(200)), modes);
}
