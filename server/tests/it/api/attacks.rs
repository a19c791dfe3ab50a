//! Requests that are meant to do harm.

use std::time::Duration;

use serde_json::json;

use super::support::Server;

const TRICKS: [&str; 14] = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f",
    "..%5c..%5cwindows",
    "..\\..\\x",
    "%00",
    "stable%00",
    "%0d%0aX-Evil:%20yes",
    "%2fetc%2fpasswd",
    "%ff%fe",
    "%",
    "%zz",
    "'%20OR%20'1'='1",
    "%F0%9F%92%A9",
    "..;",
];

#[tokio::test]
async fn paths_that_lead_elsewhere_lead_nowhere() {
    let server = Server::start();
    server.mode("stable").await;
    let id = uuid::Uuid::nil();
    let authorization = format!("Authorization: Bearer {}", server.admin);
    let mut asked = 0;
    for trick in TRICKS {
        for (method, path) in [
            ("GET", format!("/api/v1/modes/{trick}")),
            ("GET", format!("/api/v1/versions/{trick}")),
            ("GET", format!("/api/v1/versions/{trick}/manifest")),
            ("GET", format!("/api/v1/files/{trick}")),
            ("GET", format!("/api/v1/cdns/{trick}")),
            ("GET", format!("/api/v1/updates/{trick}/linux-x86_64")),
            ("GET", format!("/api/v1/updates/stable/{trick}")),
            ("GET", format!("/api/v1/publications/{trick}")),
            ("PUT", format!("/api/v1/publications/{id}/documents/{trick}")),
            ("DELETE", format!("/api/v1/tokens/{trick}")),
            ("DELETE", format!("/api/v1/cdns/{trick}")),
            ("PATCH", format!("/api/v1/modes/{trick}")),
            ("GET", format!("/tuf/{trick}")),
            ("GET", format!("/targets/{trick}")),
            ("GET", format!("/targets/stable/{trick}")),
            ("GET", format!("/store/{trick}")),
            ("GET", format!("/store/0000/{trick}")),
            ("PUT", format!("/store/0000/{trick}")),
            ("GET", format!("/bundles/{trick}")),
            ("GET", format!("/docs/{trick}")),
            ("GET", format!("/{trick}")),
        ] {
            let body = "{}";
            let kind = if path.contains("/documents/") { "application/octet-stream" } else { "application/json" };
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}\r\nContent-Type: {kind}\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let answer = server.raw(request.as_bytes());
            let status: u16 = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
            assert!(matches!(status, 400 | 404 | 405 | 422), "{method} {path}: {answer}");
            assert!(!answer.to_ascii_lowercase().contains("\r\nx-evil"), "{answer}");
            assert!(!answer.contains("root:"), "{answer}");
            asked += 1;
        }
    }
    assert!(asked > 250);
    server.get("/api/v1/modes/stable").await.expect(200);
}

#[tokio::test]
async fn queries_with_what_no_database_takes_are_refused() {
    let server = Server::start();
    for path in [
        "/api/v1/modes?name=%00",
        "/api/v1/cdns?region=a%00b",
        "/api/v1/versions?version=%00",
        "/api/v1/files?file_name=%00",
        // "\u0000" as a cursor.
        "/api/v1/modes?cursor=Ilx1MDAwMCI",
        "/api/v1/cdns?cursor=Ilx1MDAwMCI",
        "/api/v1/files?version_id=x",
    ] {
        server.get(path).await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn nothing_that_is_sent_makes_a_line_in_the_log() {
    let server = Server::with(&[("log", "debug")]);
    let evil = "2026-01-01T00:00:00Z ERROR forged";
    for request in [
        "GET /api/v1/modes/a%0d%0a2026-01-01T00:00:00Z%20ERROR%20forged HTTP/1.1\r\nHost: x\r\n".to_owned(),
        format!("POST /api/v1/modes?x=%0a{} HTTP/1.1\r\nHost: x\r\n", evil.replace(' ', "%20")),
        format!("GET /tuf/x HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\n{evil}\r\n"),
        format!("GET /tuf/x HTTP/1.1\r\nHost: x\r\nUser-Agent: a\r{evil}\r\n"),
        format!("GET /tuf/x HTTP/1.1\r\nHost: a\n{evil}\r\n"),
        format!("DELETE /api/v1/cdns/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\t{evil}\r\n"),
        "GET /api/v1/modes/\u{1b}[31m\u{85}x HTTP/1.1\r\nHost: x\r\n".to_owned(),
    ] {
        server.raw(format!("{request}Connection: close\r\n\r\n").as_bytes());
    }
    let bodies = [json!({"name": format!("a\n{evil}")}), json!({"name": "a", "description": format!("\r\n{evil}")})];
    for body in bodies {
        assert!(server.post("/api/v1/modes", &body).await.status >= 400);
    }
    let cdn = json!({"name": "edge", "uri": format!("https://cdn.example.org/\r\n{evil}")});
    server.post("/api/v1/cdns", &cdn).await;
    let last = server.get("/api/v1/modes/last-one").await;
    let log = server.until_logged(last.header("x-request-id")).await;
    for line in log.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z"), "{line:?}");
    }
    assert!(!log.contains('\u{1b}') && !log.contains('\r'), "{log}");
    assert!(!log.contains(server.admin.rsplit('_').next().unwrap()), "no secret is in the log");
}

#[tokio::test]
async fn a_cdn_cannot_have_the_server_look_around_in_its_network() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let body = json!({"name": "inside", "uri": uri});
    // The address was allowed when it was added, but the rules at the time of the probe count.
    let server = Server::with(&[("allow_private_cdns", "true"), ("probe_every_s", "1")]);
    let cdn = server.post("/api/v1/cdns", &body).await.expect(201);
    let seen = tokio::time::timeout(Duration::from_secs(20), listener.accept()).await;
    drop(seen.expect("the prober works").unwrap());

    let server = server.again(&[("probe_every_s", "1")]);
    server.post("/api/v1/cdns", &json!({"name": "other", "uri": uri})).await.refused(400, "invalid");
    let path = format!("/api/v1/cdns/{}", cdn["uid"].as_str().unwrap());
    let before = server.get(&path).await.expect(200)["last_checked_on"].clone();
    // Connections that are still in the queue belong to the first server.
    while tokio::time::timeout(Duration::from_millis(200), listener.accept()).await.is_ok() {}
    let started = std::time::Instant::now();
    while server.get(&path).await.expect(200)["last_checked_on"] == before {
        assert!(started.elapsed() < Duration::from_secs(30), "it is not looked at");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seen = tokio::time::timeout(Duration::from_millis(1500), listener.accept()).await;
    assert!(seen.is_err(), "it was connected to");
}
