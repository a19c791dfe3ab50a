//! What every path has in common: methods, types, problems, headers.

use serde_json::json;

use super::support::Server;

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = Server::start();
    server.mode("stable").await;
    for path in
        ["/api/v1/modes", "/api/v1/modes/stable", "/api/v1/repository", "/healthz", "/readyz", "/", "/openapi.json"]
    {
        let get = server.get(path).await;
        let head = server.ask_as("", "HEAD", path).send().await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
    }
    assert_eq!(server.ask_as("", "HEAD", "/api/v1/modes/none").send().await.status, 404);
    assert_eq!(server.ask_as("", "HEAD", "/api/v1/audit").send().await.status, 401);
}

#[tokio::test]
async fn a_method_that_a_path_has_not_is_refused_with_those_that_it_has() {
    let server = Server::start();
    for (method, path, allow) in [
        ("DELETE", "/api/v1/modes", "GET, HEAD, POST"),
        ("PUT", "/api/v1/modes/stable", "GET, HEAD, PATCH"),
        ("POST", "/api/v1/audit", "GET, HEAD"),
        ("GET", "/api/v1/repository/trust", "PUT"),
        ("DELETE", "/api/v1/publications", "GET, HEAD, POST"),
        ("TRACE", "/api/v1/modes", "GET, HEAD, POST"),
        ("BREW", "/api/v1/modes", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/readyz", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
        ("DELETE", "/tuf/timestamp.json", "GET, HEAD"),
        ("DELETE", &format!("/store/0000/{}.cacnk", "0".repeat(64)), "GET, HEAD, PUT"),
    ] {
        let answer = server.ask(method, path).send().await;
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn paths_that_are_none_are_problems() {
    let server = Server::start();
    for path in [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/modes",
        "/api/v1/modes/",
        "/api/v1/modes/a/b",
        "/docs/x",
        "//",
    ] {
        let problem = server.get(path).await.refused(404, "not_found");
        assert_eq!(problem["instance"], path);
        server.post(path, &json!({})).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn bodies_of_other_types_are_refused() {
    let server = Server::start();
    let body = json!({"name": "stable"}).to_string();
    for kind in
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let answer = server.ask("POST", "/api/v1/modes").body(kind, body.clone()).send().await;
        answer.refused(415, "unsupported_media_type");
    }
    let answer = server.ask("POST", "/api/v1/modes").body("application/json; charset=utf-8", body).send().await;
    answer.expect(201);
}

#[tokio::test]
async fn json_that_is_none_is_refused() {
    let server = Server::start();
    for body in ["", "{", "{\"name\": \"a\"", "{'name': 'a'}", "\u{feff}{}", "{} {}", "NaN", "\"\\ud800\""] {
        server.ask("POST", "/api/v1/modes").body("application/json", body).send().await.refused(400, "invalid");
    }
    let not_utf8 = server.ask("POST", "/api/v1/modes").body("application/json", b"{\"name\": \"\xff\"}".to_vec());
    not_utf8.send().await.refused(400, "invalid");
}

#[tokio::test]
async fn answers_say_how_they_are_to_be_treated() {
    let server = Server::start();
    for path in ["/api/v1/modes", "/healthz", "/", "/docs"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
    }
    for page in ["/", "/docs", "/docs/swagger"] {
        assert_eq!(server.get(page).await.header("x-frame-options"), "DENY", "{page}");
        assert!(server.get(page).await.header("content-security-policy").contains("frame-ancestors 'none'"), "{page}");
    }
    let api = server.get("/api/v1/modes").await;
    assert_eq!(api.header("access-control-allow-origin"), "*");
    assert_eq!(api.header("server"), "", "what it runs on is nobody's business");
}

#[tokio::test]
async fn each_request_has_an_identifier_of_the_servers_own() {
    let server = Server::start();
    let one = server.ask_as("", "GET", "/api/v1/modes").header("x-request-id", "mine").send().await;
    let two = server.get("/api/v1/modes").await;
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn documentation_can_be_switched_off() {
    let server = Server::with(&[("docs", "false")]);
    for path in ["/docs", "/docs/swagger", "/openapi.json"] {
        server.get(path).await.refused(404, "not_found");
    }
    server.get("/api/v1/modes").await.expect(200);
}
