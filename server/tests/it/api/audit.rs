//! The audit log: each change has one entry with the request that made it; refused requests have none.

use serde_json::{Value, json};

use super::support::{Answer, Server};

async fn lines(server: &Server) -> Vec<Value> {
    let page = server.ask("GET", "/api/v1/audit?limit=100").send().await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_has_one_line_with_its_request() {
    let server = Server::start();
    let actor = server.admin.split('_').nth(1).unwrap().to_owned();
    let actor = uuid::Uuid::parse_str(&actor).unwrap().to_string();
    let mut done: Vec<(&str, Answer)> = Vec::new();
    done.push(("mode.create", server.post("/api/v1/modes", &json!({"name": "stable"})).await));
    done.push(("mode.update", server.patch("/api/v1/modes/stable", &json!({"is_active": false})).await));
    let cdn = server.post("/api/v1/cdns", &json!({"name": "edge", "uri": "https://cdn.example.org"})).await;
    let path = format!("/api/v1/cdns/{}", cdn.expect(201)["uid"].as_str().unwrap());
    done.push(("cdn.create", cdn));
    done.push(("cdn.update", server.patch(&path, &json!({"weight": 3})).await));
    done.push(("cdn.remove", server.delete(&path).await));
    let token = server.post("/api/v1/tokens", &json!({"name": "ci", "scopes": ["publish:*"]})).await;
    let path = format!("/api/v1/tokens/{}", token.expect(201)["row"]["id"].as_str().unwrap());
    done.push(("token.create", token));
    done.push(("token.revoke", server.delete(&path).await));

    let lines = lines(&server).await;
    assert_eq!(lines.len(), done.len(), "{lines:#?}");
    for (line, (action, answer)) in lines.iter().rev().zip(&done) {
        assert!(answer.status < 300, "{answer:?}");
        assert_eq!(line["action"], *action);
        assert_eq!(line["request_id"], answer.header("x-request-id"), "{action}");
        assert!(!answer.header("x-request-id").is_empty());
        assert_eq!(line["actor"], actor);
        assert!(line["at"].as_str().unwrap().ends_with('Z'));
    }
    let changed = &lines.iter().find(|line| line["action"] == "mode.update").unwrap()["detail"];
    assert_eq!((&changed["before"]["is_active"], &changed["after"]["is_active"]), (&json!(true), &json!(false)));
    assert!(!json!(lines).to_string().contains("vsk_"), "no secret is in the log");
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_leaves_no_line() {
    let server = Server::start();
    server.mode("stable").await;
    let (_, token) = server.token(&["publish:stable"]).await;
    let before = lines(&server).await;
    server.post("/api/v1/modes", &json!({"name": "stable"})).await.refused(409, "mode_exists");
    server.patch("/api/v1/modes/stable", &json!({"update_to": "stable"})).await.refused(409, "mode_cycle");
    server.patch("/api/v1/modes/stable", &json!({"is_active": true})).await.expect(200);
    server.post("/api/v1/cdns", &json!({"name": "edge", "uri": "https://10.0.0.1"})).await.refused(400, "invalid");
    server.post("/api/v1/tokens", &json!({"name": "x", "scopes": ["root"]})).await.refused(400, "invalid");
    server.delete(&format!("/api/v1/tokens/{}", uuid::Uuid::nil())).await.refused(404, "not_found");
    server
        .ask_as(&token, "POST", "/api/v1/modes")
        .json(&json!({"name": "mine"}))
        .send()
        .await
        .refused(403, "forbidden");
    assert_eq!(lines(&server).await, before);
}

#[tokio::test]
async fn taking_back_a_token_twice_is_one_change() {
    let server = Server::start();
    let (id, _) = server.token(&["admin"]).await;
    for _ in 0..2 {
        server.delete(&format!("/api/v1/tokens/{id}")).await.expect(204);
    }
    assert_eq!(lines(&server).await.iter().filter(|line| line["action"] == "token.revoke").count(), 1);
}

#[tokio::test]
async fn the_newest_line_comes_first_and_pages_follow() {
    let server = Server::start();
    for name in ["one", "two", "three"] {
        server.mode(name).await;
    }
    let first = server.ask("GET", "/api/v1/audit?limit=2").send().await;
    assert_eq!(first.header("cache-control"), "no-store");
    let first = first.expect(200);
    assert_eq!((&first["items"][0]["subject"], &first["items"][1]["subject"]), (&json!("three"), &json!("two")));
    let path = format!("/api/v1/audit?limit=2&cursor={}", first["next"].as_str().unwrap());
    let second = server.ask("GET", &path).send().await.expect(200);
    assert_eq!((&second["items"][0]["subject"], &second["next"]), (&json!("one"), &json!(null)));
}

#[tokio::test]
async fn what_the_command_line_does_has_a_line_too() {
    use vsekai_updater::formats::chunk::{Compressor, DigestAlgorithm, VerifiedChunk};
    let server = Server::start();
    let folder = server.folder();
    let chunk = VerifiedChunk::of(b"some content".to_vec(), DigestAlgorithm::Sha512_256);
    let chunk = Compressor::new(3).unwrap().compress(&chunk).unwrap();
    let file = folder.join("store").join(chunk.id().store_path());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, chunk.as_bytes()).unwrap();
    let (id, _) = server.token(&["publish:stable"]).await;
    let run = |args: &[&str]| {
        let done = super::support::program().args(args).arg("--data").arg(folder).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["import", folder.join("store").to_str().unwrap()]);
    run(&["gc"]);
    run(&["token", "revoke", &id]);
    run(&["token", "revoke", &id]);
    let lines = lines(&server).await;
    let done: Vec<(&str, &str)> =
        lines.iter().map(|line| (line["actor"].as_str().unwrap(), line["action"].as_str().unwrap())).collect();
    let ours = "command line";
    assert_eq!(done[..3], [(ours, "token.revoke"), (ours, "clean"), (ours, "chunks.import")], "{lines:#?}");
    assert_eq!(lines.len(), 4);
}
