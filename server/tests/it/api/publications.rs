//! Publications and what a mode offers, on a server whose repository has not begun.

use serde_json::json;
use vsekai_updater::formats::chunk::{CompressedChunk, Compressor, DigestAlgorithm, VerifiedChunk};
use vsekai_updater::net::api::batch;

use super::support::{Answer, Server};

const ID: &str = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11";

fn new(version: &str) -> serde_json::Value {
    json!({"id": ID, "mode": "stable", "version": version, "platform": "linux-x86_64"})
}

#[tokio::test]
async fn a_repository_that_has_not_begun_says_so() {
    let server = Server::start();
    let info = server.get("/api/v1/repository").await.expect(200);
    assert_eq!(info["root_version"], json!(null));
    for role in ["catalog", "snapshot", "timestamp"] {
        let key = &info["online_keys"][role];
        assert!(key["keytype"].is_string() && key["keyval"]["public"].is_string(), "{key}");
    }
    for path in ["/tuf/timestamp.json", "/tuf/1.root.json", "/targets/stable/x", "/bundles/x"] {
        server.get(path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_no_trust_begins_nothing() {
    let server = Server::start();
    for body in [
        json!({"roots": {}}),
        json!({"roots": {}, "targets": "e30="}),
        json!({"roots": {"1": "!"}}),
        json!({"roots": {"1": "e30="}, "targets": "e30=", "roles": {}}),
        json!({"roots": {"one": "e30="}, "targets": null, "roles": {}}),
        json!({"roots": {"1": "e30="}, "targets": null, "roles": {}, "more": 1}),
    ] {
        let answer = server.ask("PUT", "/api/v1/repository/trust").json(&body).send().await;
        assert!(matches!(answer.status, 400 | 409 | 422), "{body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(server.get("/api/v1/repository").await.expect(200)["root_version"], json!(null));
}

#[tokio::test]
async fn the_same_publication_is_begun_once() {
    let server = Server::start();
    let first = server.post("/api/v1/publications", &new("1.0.0")).await;
    assert_eq!(first.header("location"), format!("/api/v1/publications/{ID}"));
    let first = first.expect(201);
    assert_eq!((&first["state"], &first["sequence"], &first["received"]), (&json!("open"), &json!(null), &json!([])));
    assert_eq!(server.post("/api/v1/publications", &new("1.0.0")).await.expect(200), first);
    server.post("/api/v1/publications", &new("1.0.1")).await.refused(409, "publication_differs");
    assert_eq!(server.ask("GET", &format!("/api/v1/publications/{ID}")).send().await.expect(200), first);
}

#[tokio::test]
async fn a_publication_without_its_documents_is_not_committed() {
    let server = Server::start();
    server.post("/api/v1/publications", &new("1.0.0")).await.expect(201);
    let path = format!("/api/v1/publications/{ID}");
    let id = "ab".repeat(32);
    let missing = server.post(&format!("{path}/missing"), &json!({"ids": [id]})).await.expect(200);
    assert_eq!(missing, json!({"missing": [id]}));
    for ids in [json!(["xyz"]), json!([id.to_uppercase()]), json!(vec![id.clone(); 5001]), json!([1])] {
        server.post(&format!("{path}/missing"), &json!({"ids": ids})).await.refused(400, "invalid");
    }
    let commit = json!({"rollout": 100, "skip_update": false});
    server.post(&format!("{path}/commit"), &commit).await.refused(409, "document_missing");
    server
        .post(&format!("{path}/commit"), &json!({"rollout": 101, "skip_update": false}))
        .await
        .refused(400, "invalid");
    let put = async |kind: &str| {
        let ask = server.ask("PUT", &format!("{path}/documents/{kind}"));
        ask.body("application/octet-stream", "nonsense").send().await
    };
    assert_eq!(put("index").await.status, 422);
    assert_eq!(put("release").await.status, 204);
    put("other").await.refused(400, "invalid");
    let now = server.ask("GET", &path).send().await.expect(200);
    assert_eq!(now["received"], json!(["release"]));
}

#[tokio::test]
async fn what_names_no_publication_is_refused() {
    let server = Server::start();
    for (field, value) in [("id", "x"), ("mode", "../x"), ("version", "one"), ("platform", "amiga")] {
        let mut body = new("1.0.0");
        body[field] = json!(value);
        let answer = server.post("/api/v1/publications", &body).await;
        assert!(matches!(answer.status, 400 | 422), "{field}: {}", answer.text());
        let code = answer.expect(answer.status)["code"].as_str().unwrap().to_owned();
        answer.refused(answer.status, &code);
    }
}

#[tokio::test]
async fn a_mode_without_versions_offers_nothing() {
    let server = Server::start();
    server.mode("stable").await;
    server.mode("old").await;
    let cdn = json!({"name": "edge", "uri": "https://cdn.example.org"});
    server.post("/api/v1/cdns", &cdn).await.expect(201);
    let offer = server.get("/api/v1/updates/old/linux-x86_64").await;
    assert!(offer.header("cache-control").starts_with("public"));
    assert_eq!(
        offer.expect(200),
        json!({"mode": "old", "resolved_mode": "old", "version": null, "rollout": null, "release_uri": null,
               "mirrors": ["https://cdn.example.org"]})
    );
    server.get("/api/v1/updates/none/linux-x86_64").await.refused(404, "not_found");
    let nothing = server.get("/api/v1/updates/stable/amiga").await;
    nothing.refused(404, "not_found");
}

/// The chunks of these texts as one batch, and the path of the first.
fn batch_of(texts: &[&str]) -> (Vec<u8>, String) {
    let stored = |text: &&str| -> CompressedChunk {
        let chunk = VerifiedChunk::of(text.as_bytes().to_vec(), DigestAlgorithm::Sha512_256);
        Compressor::new(3).unwrap().compress(&chunk).unwrap()
    };
    let chunks: Vec<_> = texts.iter().map(stored).collect();
    let mut body = Vec::new();
    chunks.iter().for_each(|chunk| batch::append(&mut body, chunk).unwrap());
    (body, format!("/store/{}", chunks[0].id().store_path()))
}

async fn send(server: &Server, token: &str, body: Vec<u8>) -> Answer {
    let path = format!("/api/v1/publications/{ID}/chunks");
    server.ask_as(token, "POST", &path).body("application/octet-stream", body).send().await
}

#[tokio::test]
async fn many_chunks_come_in_one_request() {
    let server = Server::start();
    server.post("/api/v1/publications", &new("1.0.0")).await.expect(201);
    let (body, path) = batch_of(&["one", "two", "three"]);
    server.get(&path).await.refused(404, "not_found");
    assert_eq!(send(&server, &server.admin, body.clone()).await.expect(200), json!({"new": 3, "there": 0}));
    assert_eq!(send(&server, &server.admin, body).await.expect(200), json!({"new": 0, "there": 3}));
    let (more, _) = batch_of(&["three", "four"]);
    assert_eq!(send(&server, &server.admin, more).await.expect(200), json!({"new": 1, "there": 1}));
    assert_eq!(send(&server, &server.admin, Vec::new()).await.expect(200), json!({"new": 0, "there": 0}));
    assert_eq!(server.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_batch_is_stored_only_if_all_of_it_is_sound() {
    let server = Server::start();
    server.post("/api/v1/publications", &new("1.0.0")).await.expect(201);
    let (good, path) = batch_of(&["one", "two"]);
    let mut wrong = good.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    send(&server, &server.admin, wrong).await.refused(422, "chunk_corrupt");
    send(&server, &server.admin, good[..last].to_vec()).await.refused(400, "invalid");
    server.get(&path).await.refused(404, "not_found");
    let info = server.get("/api/v1/repository").await.expect(200);
    let max = usize::try_from(info["max_batch_bytes"].as_u64().unwrap()).unwrap();
    send(&server, &server.admin, vec![0; max + 1]).await.refused(413, "too_large");
    // 36 bytes of zeros are a chunk without content, which is no frame.
    send(&server, &server.admin, vec![0; 36 * 4097]).await.refused(400, "invalid");
    let (_, other) = server.token(&["publish:beta"]).await;
    send(&server, &other, good.clone()).await.refused(404, "not_found");
    send(&server, "", good).await.refused(401, "unauthorized");
    server.get(&path).await.refused(404, "not_found");
}
