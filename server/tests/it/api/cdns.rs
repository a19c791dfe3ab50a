//! CDNs.

use serde_json::json;

use super::support::Server;

const CDNS: &str = "/api/v1/cdns";

#[tokio::test]
async fn a_cdn_is_added_and_changed_and_removed() {
    let server = Server::start();
    let body = json!({"name": "edge", "uri": "https://cdn.example.org/game/", "region": "eu", "weight": 7});
    let added = server.post(CDNS, &body).await;
    let cdn = added.expect(201);
    let path = format!("/api/v1/cdns/{}", cdn["uid"].as_str().unwrap());
    assert_eq!(added.header("location"), path);
    assert_eq!(cdn["uri"], "https://cdn.example.org/game");
    assert_eq!(server.get(&path).await.expect(200), cdn);
    let changed = server.patch(&path, &json!({"weight": 9, "is_enabled": false})).await.expect(200);
    assert_eq!(
        (&changed["weight"], &changed["is_enabled"], &changed["region"]),
        (&json!(9), &json!(false), &json!("eu"))
    );
    assert_eq!(server.get(&format!("{CDNS}?is_enabled=false&region=eu")).await.expect(200)["items"], json!([changed]));
    assert_eq!(server.get(&format!("{CDNS}?is_enabled=true")).await.expect(200)["items"], json!([]));
    let stale = server.ask("PATCH", &path).header("if-match", "\"other\"").json(&json!({"weight": 1})).send().await;
    stale.refused(412, "precondition_failed");

    let gone = server.delete(&path).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    server.delete(&path).await.refused(404, "not_found");
    server.get(&path).await.refused(404, "not_found");
    server.patch(&path, &json!({"weight": 1})).await.refused(404, "not_found");
}

#[tokio::test]
async fn the_same_request_again_adds_nothing() {
    let server = Server::start();
    let uid = "6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11";
    let body = json!({"uid": uid, "name": "edge", "uri": "https://cdn.example.org/"});
    let first = server.post(CDNS, &body).await.expect(201);
    assert_eq!(server.post(CDNS, &body).await.expect(200), first);
    for (name, value) in [("name", json!("other")), ("uri", json!("https://other.example.org")), ("weight", json!(1))] {
        let mut other = body.clone();
        other[name] = value;
        server.post(CDNS, &other).await.refused(409, "cdn_exists");
    }
    let same_name = json!({"name": "edge", "uri": "https://other.example.org"});
    server.post(CDNS, &same_name).await.refused(409, "cdn_exists");
    assert_eq!(server.get(CDNS).await.expect(200)["items"], json!([first]));
}

#[tokio::test]
async fn addresses_of_private_networks_are_refused_in_each_place() {
    let server = Server::start();
    let cdn = server.post(CDNS, &json!({"name": "edge", "uri": "https://cdn.example.org"})).await.expect(201);
    let path = format!("/api/v1/cdns/{}", cdn["uid"].as_str().unwrap());
    for uri in [
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost",
        "https://db.internal",
        "http://cdn.example.org",
        "file:///etc/passwd",
        "https://user:secret@cdn.example.org",
        "https://cdn.example.org/?token=1",
        "",
    ] {
        server.post(CDNS, &json!({"name": "new", "uri": uri})).await.refused(400, "invalid");
        server.patch(&path, &json!({"uri": uri})).await.refused(400, "invalid");
    }
    assert_eq!(server.get(CDNS).await.expect(200)["items"], json!([cdn]));
}

#[tokio::test]
async fn what_is_no_cdn_is_refused() {
    let server = Server::start();
    let uri = "https://cdn.example.org";
    for body in [
        json!({"name": "", "uri": uri}),
        json!({"name": "a\nb", "uri": uri}),
        json!({"name": "x".repeat(101), "uri": uri}),
        json!({"name": "edge"}),
        json!({"name": "edge", "uri": uri, "region": "\u{0}"}),
        json!({"name": "edge", "uri": uri, "weight": -1}),
        json!({"name": "edge", "uri": uri, "weight": 4_294_967_296_u64}),
        json!({"name": "edge", "uri": uri, "uid": "edge"}),
        json!({"name": "edge", "uri": uri, "is_healthy": true}),
    ] {
        server.post(CDNS, &body).await.refused(400, "invalid");
    }
    let largest = json!({"name": "edge", "uri": uri, "weight": u32::MAX});
    assert_eq!(server.post(CDNS, &largest).await.expect(201)["weight"], u32::MAX);
}
